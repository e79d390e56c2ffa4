// Events of the cluster in simulated time. Owns: a grid of moments, so that many events share one timer of the clock.
//
// Invariants:
// W1  Events of one moment run in the order in which they were set, within one timer; promise reactions run after all.

import type { Clock } from '../../ports/clock.ts';

/** Events take place at multiples of this, milliseconds; exact in binary. */
const GRID_MS = 0.125;

/** Time-outs take place at multiples of this: most find that nothing is left to do, so they share their moments. */
const COARSE_MS = 16;

export class Wheel {
  readonly #clock: Clock;
  readonly #moments = new Map<number, (() => void)[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds of the clock. */
  get nowMs(): number {
    return this.#clock.monotonic();
  }

  /** Runs `task` after `delayMs`, at the next moment of the grid. */
  after(delayMs: number, task: () => void): void {
    this.#at((Math.floor((this.nowMs + delayMs) / GRID_MS) + 1) * GRID_MS, task);
  }

  /** As `after`, at the next moment of the coarse grid. */
  timeout(delayMs: number, task: () => void): void {
    this.#at((Math.floor((this.nowMs + delayMs) / COARSE_MS) + 1) * COARSE_MS, task);
  }

  #at(moment: number, task: () => void): void {
    const tasks = this.#moments.get(moment);
    if (tasks !== undefined) {
      tasks.push(task);
      return;
    }
    this.#moments.set(moment, [task]);
    this.#clock.after(moment - this.nowMs, () => {
      const due = this.#moments.get(moment) ?? [];
      this.#moments.delete(moment);
      for (const next of due) next();
    });
  }
}
