// Deadlines of all calls on one timer. Owns: which tasks are due. An entry costs one small object and no timer of its
// own; the timer runs only while there are entries.

import type { Clock } from '../../runtime/ports/clock.ts';

/** A task with a due time; what `schedule` returns. */
export interface WheelEntry {
  cancel(): void;
}

interface Slotted extends WheelEntry {
  readonly dueMs: number;
  readonly task: () => void;
}

const SLOTS = 512;

export class TimerWheel {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #slots: Set<Slotted>[] = Array.from({ length: SLOTS }, () => new Set());
  #entries = 0;
  #ticking = false;
  // The slot number that was looked at last: floor(monotonic / step).
  #looked = 0;

  constructor(clock: Clock, stepMs: number) {
    this.#clock = clock;
    this.#stepMs = stepMs;
  }

  /** Runs `task` once after at least `delayMs` and at most one step more. */
  schedule(delayMs: number, task: () => void): WheelEntry {
    const nowMs = this.#clock.monotonic();
    if (!this.#ticking) {
      this.#looked = Math.floor(nowMs / this.#stepMs);
      this.#ticking = true;
      this.#arm();
    }
    const dueMs = nowMs + Math.max(0, delayMs);
    const slot = this.#slot(Math.max(Math.ceil(dueMs / this.#stepMs), this.#looked + 1));
    const entry: Slotted = {
      dueMs,
      task,
      cancel: () => {
        if (slot.delete(entry)) this.#entries--;
      },
    };
    slot.add(entry);
    this.#entries++;
    return entry;
  }

  #slot(number: number): Set<Slotted> {
    return this.#slots[number % SLOTS] as Set<Slotted>;
  }

  #arm(): void {
    this.#clock.after(this.#stepMs, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#clock.monotonic();
    const now = Math.floor(nowMs / this.#stepMs);
    // After a long pause one round of the wheel sees everything that is due.
    for (let number = Math.max(this.#looked + 1, now - SLOTS + 1); number <= now; number++) {
      // Before the tasks run: what they schedule goes into a slot that is still to come.
      this.#looked = number;
      this.#run(this.#slot(number), nowMs);
    }
    this.#ticking = this.#entries > 0;
    if (this.#ticking) this.#arm();
  }

  #run(slot: Set<Slotted>, nowMs: number): void {
    for (const entry of slot) {
      if (entry.dueMs > nowMs) continue; // A later round of the wheel.
      slot.delete(entry);
      this.#entries--;
      entry.task();
    }
  }
}
