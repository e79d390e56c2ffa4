// Simulated ownership. Owns: claims with rising epochs and a fence that a test can close or hold back. Does not own: the
// safety protocol's rows; this is one node's view of them.

import { StarlingError } from '../errors.ts';
import type { Ownership, ShardClaim } from '../ports/ownership.ts';
import { FIRST_EPOCH, firstTimestamp } from '../timestamp.ts';

interface HeldClaim extends ShardClaim {
  end(): void;
}

/** Grants a claim on every shard until it is told otherwise. */
export class SimOwnership implements Ownership {
  readonly #claims = new Map<number, HeldClaim>();
  readonly #lost = new Set<number>();
  #epoch: number;
  #fenced = false;
  #held: (() => void)[] | undefined;
  #reads = 0;

  /** `epoch`: of the first claims; default 65,536. */
  constructor(epoch = FIRST_EPOCH) {
    this.#epoch = epoch;
  }

  /** Fence reads begun so far. */
  get reads(): number {
    return this.#reads;
  }

  /** Fence reads that wait for `release()`. */
  get heldReads(): number {
    return this.#held?.length ?? 0;
  }

  claim(shard: number): ShardClaim | undefined {
    if (this.#lost.has(shard)) return undefined;
    const known = this.#claims.get(shard);
    if (known !== undefined) return known;
    const fresh = makeClaim(shard, this.#epoch);
    this.#claims.set(shard, fresh);
    return fresh;
  }

  readFence(): 'live' | 'fenced' | Promise<'live' | 'fenced'> {
    this.#reads += 1;
    const held = this.#held;
    if (held === undefined) return this.#state();
    return new Promise((resolve) => held.push(() => resolve(this.#state())));
  }

  /** Ends the claim on a shard; `regain` may follow. */
  lose(shard: number): void {
    this.#claims.get(shard)?.end();
    this.#claims.delete(shard);
    this.#lost.add(shard);
  }

  /** Claims a lost shard again, in a higher epoch. */
  regain(shard: number): void {
    this.#epoch += 1;
    this.#lost.delete(shard);
  }

  /** From now on the fence reads `fenced`. Claims are kept: a zombie does not know. */
  fence(): void {
    this.#fenced = true;
  }

  /** From now on fence reads wait for `release()`. */
  hold(): void {
    this.#held ??= [];
  }

  /** Answers the held fence reads as of now; later ones answer at once. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) answer();
  }

  #state(): 'live' | 'fenced' {
    return this.#fenced ? 'fenced' : 'live';
  }
}

function makeClaim(shard: number, epoch: number): HeldClaim {
  let last = firstTimestamp(epoch);
  let ended = false;
  return {
    shard,
    epoch,
    nextTimestamp: () => {
      if (ended) throw new StarlingError('NOT_OWNER', `The claim on shard ${shard} has ended.`);
      last += 1n;
      return last;
    },
    end: () => {
      ended = true;
    },
  };
}
