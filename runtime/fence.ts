// Fence reads of this node, shared: one read serves everything that finished before it began, and at most one is under
// way (rule 8). So their number is bounded by time, not by load.

import { StarlingError } from './errors.ts';
import type { Ownership } from './ports/ownership.ts';

export class FenceReader {
  readonly #ownership: Ownership;
  readonly #onFenced: () => void;
  #underWay: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `onFenced` is called when a read says `fenced` or can't be had: the node must end everything. */
  constructor(ownership: Ownership, onFenced: () => void) {
    this.#ownership = ownership;
    this.#onFenced = onFenced;
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
    const answer = this.#ownership.readFence();
    if (answer === 'live') return 'live';
    return this.#follow(Promise.resolve(answer));
  }

  #start(): Promise<void> {
    this.#next = undefined;
    return this.#follow(Promise.resolve(this.#ownership.readFence()));
  }

  #follow(answer: Promise<'live' | 'fenced'>): Promise<void> {
    const result = answer.then((state) => {
      if (state !== 'live') throw new StarlingError('NOT_OWNER', 'This node was fenced.');
    });
    const settled: Promise<void> = result.then(
      () => this.#clear(settled),
      () => {
        this.#clear(settled);
        this.#onFenced();
      },
    );
    this.#underWay = settled;
    return result;
  }

  #clear(settled: Promise<void>): void {
    if (this.#underWay === settled) this.#underWay = undefined;
  }
}
