// Ends calls whose time is up. One timer for all: calls lie in buckets of one step each, so that a call costs one Set
// entry and no timer. A call ends at most one step late, never early.

import type { Call } from './call.ts';
import { StarlingError } from './errors.ts';
import type { Clock, Timer } from './ports/clock.ts';

export class Deadlines {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #buckets = new Map<number, Set<Call>>();
  #timer: Timer | undefined;

  constructor(clock: Clock, stepMs: number) {
    this.#clock = clock;
    this.#stepMs = stepMs;
  }

  /** Watches a call until it is answered or its deadline has passed. */
  watch(call: Call): void {
    const slot = Math.ceil(call.deadline / this.#stepMs);
    let bucket = this.#buckets.get(slot);
    if (bucket === undefined) {
      bucket = new Set();
      this.#buckets.set(slot, bucket);
    }
    bucket.add(call);
    this.#timer ??= this.#clock.after(this.#stepMs, () => this.#expire());
  }

  /** Forgets an answered call. */
  done(call: Call): void {
    const slot = Math.ceil(call.deadline / this.#stepMs);
    const bucket = this.#buckets.get(slot);
    if (bucket === undefined) return;
    bucket.delete(call);
    if (bucket.size === 0) this.#buckets.delete(slot);
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (const [slot, bucket] of this.#buckets) {
      if (slot * this.#stepMs > now) continue;
      this.#buckets.delete(slot);
      for (const call of bucket) call.reject(new StarlingError('DEADLINE_EXCEEDED'));
    }
    if (this.#buckets.size > 0) this.#timer ??= this.#clock.after(this.#stepMs, () => this.#expire());
  }
}
