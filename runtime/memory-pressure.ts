// When memory is short, and how many activations have to go then. What is dropped is free only after the next garbage
// collection, so the answer is a share of the activations and is given at most once in a while.

import type { RuntimeLimits } from './limits.ts';
import type { Clock } from './ports/clock.ts';
import type { Memory } from './ports/memory.ts';

export class MemoryPressure {
  readonly #memory: Memory | undefined;
  readonly #clock: Clock;
  readonly #limits: RuntimeLimits;
  /** Not looked at again before this, on the monotonic clock. */
  #againMs = Number.NEGATIVE_INFINITY;

  /** No `memory`: there is never pressure. */
  constructor(memory: Memory | undefined, clock: Clock, limits: RuntimeLimits) {
    this.#memory = memory;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How many of `activations` have to go, so that memory falls from above the high mark to the low one. */
  excess(activations: number): number {
    if (this.#memory === undefined) return 0;
    const now = this.#clock.monotonic();
    if (now < this.#againMs) return 0;
    const { memoryHighRatio, memoryLowRatio, memoryLookMsMin } = this.#limits;
    this.#againMs = now + memoryLookMsMin;
    const { usedBytes, limitBytes } = this.#memory.read();
    if (usedBytes <= memoryHighRatio * limitBytes) return 0;
    return Math.ceil(activations * (1 - (memoryLowRatio * limitBytes) / usedBytes));
  }
}
