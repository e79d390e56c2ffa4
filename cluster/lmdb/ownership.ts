// Ownership of an embedded store. Owns: write times of one opening of the store. Does not own: the exclusive lock and the
// durable epoch, which make it true that nobody else serves.
//
// Invariants:
// O1  A write time is never drawn twice and always rises: one counter for all shards of one opening.
// O2  The epoch rises durably before the first draw, so times of a later opening are above all earlier ones.

import { StarlingError } from '../../runtime/errors.ts';
import type { Ownership, ShardClaim } from '../../runtime/ports/ownership.ts';
import { firstTimestamp, lastTimestamp } from '../../runtime/timestamp.ts';

/** Claims every shard for as long as the store is open. */
export class LmdbOwnership implements Ownership {
  readonly #epoch: number;
  readonly #tsMax: bigint;
  readonly #claims = new Map<number, ShardClaim>();
  #last: bigint;
  #ended = false;

  /** `counter`: times already drawn in this epoch; only a test begins above 0. */
  constructor(epoch: number, counter = 0n) {
    this.#epoch = epoch;
    this.#tsMax = lastTimestamp(epoch);
    this.#last = firstTimestamp(epoch) + counter;
  }

  claim(shard: number): ShardClaim | undefined {
    if (this.#ended) return undefined;
    const known = this.#claims.get(shard);
    if (known !== undefined) return known;
    const claim: ShardClaim = { shard, epoch: this.#epoch, nextTimestamp: () => this.#next() };
    this.#claims.set(shard, claim);
    return claim;
  }

  readFence(): 'live' | 'fenced' {
    return this.#ended ? 'fenced' : 'live';
  }

  /** Ends all claims: the store is closed or dead. */
  end(): void {
    this.#ended = true;
    this.#claims.clear();
  }

  #next(): bigint {
    if (this.#ended) throw new StarlingError('NOT_OWNER', 'The store is closed.');
    if (this.#last >= this.#tsMax) {
      throw new StarlingError('NOT_OWNER', 'All write times of this epoch are drawn: restart the node.');
    }
    this.#last += 1n;
    return this.#last;
  }
}
