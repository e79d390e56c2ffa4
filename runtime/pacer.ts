// Spreads work over time: so much a second, each piece told how long to wait.

import type { Clock } from './ports/clock.ts';

export class Pacer {
  readonly #clock: Clock;
  readonly #stepMs: number;
  /** When the next piece may begin, on the monotonic clock. */
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#stepMs = 1000 / perSecond;
  }

  /** Takes the next place and returns how long to wait for it, milliseconds. */
  take(): number {
    const now = this.#clock.monotonic();
    const at = Math.max(now, this.#nextMs);
    this.#nextMs = at + this.#stepMs;
    return at - now;
  }
}
