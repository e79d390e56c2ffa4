// Opens actors again that may have left work: marked by a former owner (rule 10), or ended here by a failure. Tries until
// one opens, waiting longer each time, so that what was acked is finished with no further call (invariant I10).

import { StarlingError } from './errors.ts';
import type { Clock } from './ports/clock.ts';
import type { ActorAddress } from './ports/store.ts';

export interface ReviverOptions {
  readonly clock: Clock;
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** Opens the activation of an actor; rejects if it does not open. */
  readonly open: (actor: ActorAddress) => Promise<void>;
  /** Its shard is this node's, if only to be given away: that may be given up, and then nobody else opens it (H4). */
  readonly held: (actor: ActorAddress) => boolean;
  /** An actor did not open. */
  readonly failed: (actor: ActorAddress, error: unknown, retryMs: number) => void;
}

export class Reviver {
  readonly #options: ReviverOptions;
  /** Actors that wait to be opened. */
  readonly #waiting = new Set<string>();
  #stopped = false;

  constructor(options: ReviverOptions) {
    this.#options = options;
  }

  /** Opens an actor soon, however often it is asked for meanwhile. */
  revive(actor: ActorAddress): void {
    const name = `${actor.kind}/${actor.key}`;
    if (this.#stopped || this.#waiting.has(name)) return;
    this.#waiting.add(name);
    this.#later(actor, name, this.#options.retryMsMin);
  }

  /** Opens an actor now; if it does not open, later. Resolves after the first try. */
  async open(actor: ActorAddress): Promise<void> {
    try {
      await this.#options.open(actor);
    } catch (error) {
      if (!isRefused(error)) this.#options.failed(actor, error, this.#options.retryMsMin);
      this.revive(actor);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #later(actor: ActorAddress, name: string, delayMs: number): void {
    this.#options.clock.after(delayMs, () => {
      if (this.#stopped) return;
      this.#options.open(actor).then(
        () => this.#waiting.delete(name),
        (error: unknown) => {
          const refused = isRefused(error);
          // Another node serves it now, and has its marks.
          if (refused && !this.#options.held(actor)) {
            this.#waiting.delete(name);
            return;
          }
          const nextMs = Math.min(2 * delayMs, this.#options.retryMsMax);
          if (!refused) this.#options.failed(actor, error, nextMs);
          this.#later(actor, name, nextMs);
        },
      );
    });
  }
}

/** Its shard is not served here. */
function isRefused(error: unknown): boolean {
  return error instanceof StarlingError && error.code === 'NOT_OWNER';
}
