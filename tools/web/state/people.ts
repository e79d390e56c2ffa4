// What users are called. Owns: a bounded cache of profiles. Does not own: who is asked for; the session says
// which ids are in sight.

import { type ReadonlySignal, signal } from '@preact/signals';
import type { User } from '../../../proto/gen/starling/im/v1/user_pb.ts';
import type { StarlingClient } from '../../sdk/api.ts';

/** Profiles held; beyond it the cache starts anew. */
const profilesMax = 5_000;

/** Ids of one request; a bound of the contract. */
const batchMax = 100;

export class People {
  readonly #client: Pick<StarlingClient, 'users'>;
  readonly #profiles = signal<ReadonlyMap<string, string>>(new Map());
  /** Asked for, known or not: an id is asked for once, unless asking failed. */
  readonly #asked = new Set<string>();
  readonly #wanted = new Set<string>();
  #reading: Promise<void> | undefined;

  constructor(client: Pick<StarlingClient, 'users'>) {
    this.#client = client;
  }

  /** Display names by user id; changes when profiles arrive. */
  get profiles(): ReadonlySignal<ReadonlyMap<string, string>> {
    return this.#profiles;
  }

  /** The display name, or the id where none is known. Reading it in a component subscribes the component. */
  readonly nameOf = (userId: string): string => this.#profiles.value.get(userId) ?? userId;

  /**
   * Asks for profiles that are not known yet. Ends when they have arrived or could not be had; never rejects.
   */
  want(userIds: Iterable<string>): Promise<void> {
    for (const id of userIds) {
      if (id !== '' && !this.#asked.has(id)) this.#wanted.add(id);
    }
    if (this.#wanted.size > 0) this.#reading ??= this.#read();
    return this.#reading ?? Promise.resolve();
  }

  /** Takes a profile that came another way. */
  learn(users: readonly Pick<User, 'userId' | 'displayName'>[]): void {
    const known = new Map(this.#profiles.peek().size > profilesMax ? [] : this.#profiles.peek());
    for (const user of users) {
      this.#asked.add(user.userId);
      known.set(user.userId, user.displayName || user.userId);
    }
    this.#profiles.value = known;
  }

  async #read(): Promise<void> {
    // One pass of the event loop later, so that all that is wanted at once is asked for at once.
    await Promise.resolve();
    while (this.#wanted.size > 0) {
      const ids = [...this.#wanted].slice(0, batchMax);
      for (const id of ids) {
        this.#wanted.delete(id);
        this.#asked.add(id);
      }
      try {
        this.learn(await this.#client.users(ids));
      } catch {
        // Names are an ornament: ids stand in for them, and the next time these people are in sight they are
        // asked for again.
        for (const id of ids) this.#asked.delete(id);
        break;
      }
    }
    this.#wanted.clear();
    this.#reading = undefined;
  }
}
