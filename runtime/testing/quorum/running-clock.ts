// Simulated time that runs on by itself while timers are set, for suites that know no clock.

import { setImmediate } from 'node:timers';
import type { Clock, Timer } from '../../ports/clock.ts';
import { SimClock } from '../sim-clock.ts';

/** Time passes in steps of this, milliseconds; promise reactions run between them. */
const STEP_MS = 0.5;

export class RunningClock implements Clock {
  readonly #clock = new SimClock();
  #running = false;

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(delayMs: number, task: () => void): Timer {
    const timer = this.#clock.after(delayMs, task);
    if (!this.#running) {
      this.#running = true;
      setImmediate(() => this.#step());
    }
    return timer;
  }

  #step(): void {
    this.#clock.advanceSync(STEP_MS);
    this.#running = this.#clock.pending > 0;
    if (this.#running) setImmediate(() => this.#step());
  }
}
