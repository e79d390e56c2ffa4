// Bounds how many tasks run at once. Owns: the order of those that wait.

import { StarlingError } from '../../runtime/errors.ts';

/** Runs at most `runningMax` tasks at once; `waitingMax` more wait, in order. */
export class Gate {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #next = 0;
  #running = 0;

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** @throws StarlingError OVERLOADED where too many wait already */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) await this.#turn();
    else this.#running += 1;
    try {
      return await task();
    } finally {
      this.#release();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length - this.#next >= this.#waitingMax) {
      throw new StarlingError('OVERLOADED', 'Too many requests wait for the store.');
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A task that ends hands its place to the first that waits. */
  #release(): void {
    const first = this.#waiting[this.#next];
    if (first === undefined) {
      this.#running -= 1;
      return;
    }
    this.#next += 1;
    if (this.#next > 1_024 && this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    first();
  }
}
