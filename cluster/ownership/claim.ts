// A claim on a shard as the runtime holds it: draws the write times of one epoch (rule 3 of the safety protocol).
//
// Invariants:
// T1  A write time is drawn at most once and they rise: one counter per (shard, epoch) and process. The machine begins an
//     epoch once (M3), so there is one object per epoch, whatever activations come and go.
// T2  Once ended, no write time is drawn.

import { type ShardClaim, StarlingError } from '../../runtime/index.ts';
import { firstTimestamp, lastTimestamp } from '../../runtime/timestamp.ts';

export interface HeldClaimOptions {
  readonly shard: number;
  readonly epoch: number;
  /** Write times the epoch has; default 2^36 - 1. Only a test has fewer. */
  readonly timesMax?: bigint;
  /** Called once, when the last write time is drawn: the shard needs a new epoch. */
  readonly onExhausted: () => void;
}

export class HeldClaim implements ShardClaim {
  readonly shard: number;
  readonly epoch: number;
  readonly #lastMax: bigint;
  readonly #onExhausted: () => void;
  #last: bigint;
  #ended = false;

  constructor({ shard, epoch, timesMax, onExhausted }: HeldClaimOptions) {
    this.shard = shard;
    this.epoch = epoch;
    this.#last = firstTimestamp(epoch);
    this.#lastMax = timesMax === undefined ? lastTimestamp(epoch) : this.#last + timesMax;
    this.#onExhausted = onExhausted;
  }

  nextTimestamp(): bigint {
    if (this.#ended) throw new StarlingError('NOT_OWNER', `The claim on shard ${this.shard} has ended.`);
    if (this.#last >= this.#lastMax) {
      throw new StarlingError('NOT_OWNER', `All write times of epoch ${this.epoch} are drawn.`);
    }
    this.#last += 1n;
    if (this.#last === this.#lastMax) this.#onExhausted();
    return this.#last;
  }

  /** T2. */
  end(): void {
    this.#ended = true;
  }
}
