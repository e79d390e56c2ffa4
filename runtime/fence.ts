// Fence reads of this node, shared (rule 8).
//
// F1  One read serves everything that finished before it began, and at most one is under way: so their number is bounded by
//     time, not by load.
// F2  Only an answer `fenced` ends anything. A read that can't be had says nothing: it is made again, and who waits for it
//     waits on, whose callers have deadlines.

import { StarlingError } from './errors.ts';
import type { Clock } from './ports/clock.ts';
import type { Ownership } from './ports/ownership.ts';

/** Waits before a read that could not be had is made again, milliseconds. */
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 1_000;

/** Who hears of reads. */
export interface FenceWatch {
  /** A read begins. Default: nobody counts. */
  readonly onRead?: () => void;
  /** A read says `fenced`: the node must end everything. */
  readonly onFenced: () => void;
}

export class FenceReader {
  readonly #ownership: Ownership;
  readonly #clock: Clock;
  readonly #watch: FenceWatch;
  #underWay: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(ownership: Ownership, clock: Clock, watch: FenceWatch) {
    this.#ownership = ownership;
    this.#clock = clock;
    this.#watch = watch;
  }

  /** `live` at once where the store's lock is the fence; else a promise that resolves when live and rejects when fenced. */
  read(): 'live' | Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#underWay !== undefined) {
      // The one under way began before now: wait for the one after it.
      this.#next = this.#underWay.then(
        () => this.#start(),
        () => this.#start(),
      );
      return this.#next;
    }
    const answer = this.#ask();
    if (answer === 'live') return 'live';
    return this.#follow(this.#persist(answer));
  }

  #start(): Promise<void> {
    this.#next = undefined;
    return this.#follow(this.#persist(this.#ask()));
  }

  /** F2. */
  #ask(): 'live' | 'fenced' | Promise<'live' | 'fenced'> {
    this.#watch.onRead?.();
    try {
      return this.#ownership.readFence();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #persist(first: 'live' | 'fenced' | Promise<'live' | 'fenced'>): Promise<'live' | 'fenced'> {
    let answer = first;
    for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
      try {
        return await answer;
      } catch {
        await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve));
        answer = this.#ask();
      }
    }
  }

  #follow(answer: Promise<'live' | 'fenced'>): Promise<void> {
    const result = answer.then((state) => {
      if (state !== 'live') throw new StarlingError('NOT_OWNER', 'This node was fenced.');
    });
    const settled: Promise<void> = result.then(
      () => this.#clear(settled),
      () => {
        this.#clear(settled);
        this.#watch.onFenced();
      },
    );
    this.#underWay = settled;
    return result;
  }

  #clear(settled: Promise<void>): void {
    if (this.#underWay === settled) this.#underWay = undefined;
  }
}
