// Simulated time. Owns: a clock that moves only when a test moves it, and the order in which timers fire.
// Does not own: real time, which no test reads.
//
// Invariants:
// C1  Timers fire in order of their due time; of equal times in the order in which they were set.
// C2  While a timer's task runs, the clock shows exactly its due time.

import { setImmediate } from 'node:timers';
import type { Clock, Timer } from '../ports/clock.ts';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
}

/** Lets everything that is ready to run, run: promise reactions and what they start, but no timer. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A clock that stands still between calls of `advance`. */
export class SimClock implements Clock {
  #elapsedMs = 0;
  #wallMs: number;
  #order = 0;
  /** A binary heap by (dueMs, order); cancelled timers stay until they come up. */
  readonly #heap: Pending[] = [];
  readonly #live = new Set<Pending>();

  /** `startMs`: what `now()` shows at first; default 2026-01-01T00:00:00Z. */
  constructor(startMs = 1_767_225_600_000) {
    this.#wallMs = startMs;
  }

  now(): number {
    return this.#wallMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#live.size;
  }

  after(delayMs: number, task: () => void): Timer {
    this.#order += 1;
    const entry: Pending = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order,
      task,
    };
    push(this.#heap, entry);
    this.#live.add(entry);
    return {
      cancel: () => {
        this.#live.delete(entry);
      },
    };
  }

  /** Moves the wall clock alone, as an operator or NTP would; may be negative. */
  jump(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Moves time by `ms` and fires what falls due; all promise reactions run before, between and after timers. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await settle();
    while (this.#fireNext(untilMs)) await settle();
    this.#elapsedMs = untilMs;
  }

  /** As `advance`, in one go: promise reactions run only after the call. */
  advanceSync(ms: number): void {
    const untilMs = this.#elapsedMs + ms;
    while (this.#fireNext(untilMs)) {
      // Each pass fires one timer.
    }
    this.#elapsedMs = untilMs;
  }

  #fireNext(untilMs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > untilMs) return false;
      pop(this.#heap);
      if (!this.#live.delete(next)) continue;
      this.#elapsedMs = next.dueMs;
      next.task();
      return true;
    }
  }
}

function before(a: Pending, b: Pending): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function push(heap: Pending[], entry: Pending): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || !before(entry, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = entry;
}

function pop(heap: Pending[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    let child = heap[down];
    if (child === undefined) break;
    const right = heap[down + 1];
    if (right !== undefined && before(right, child)) {
      down += 1;
      child = right;
    }
    if (!before(child, last)) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = last;
}
