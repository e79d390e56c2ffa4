// Simulated time and randomness for tests of the SDK, and how to let all that is due happen.

import type { Clock, Random } from '../ports.ts';

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/** A clock that stands still until a test moves it. */
export class SimClock implements Clock {
  #now = 1_700_000_000_000;
  #order = 0;
  readonly #planned = new Set<Planned>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, task: () => void): { cancel(): void } {
    this.#order += 1;
    const planned = { at: this.#now + delayMs, order: this.#order, task };
    this.#planned.add(planned);
    return { cancel: () => this.#planned.delete(planned) };
  }

  /** Delays of the timers that run, ascending. */
  get pending(): number[] {
    return [...this.#planned].map((planned) => planned.at - this.#now).sort((a, b) => a - b);
  }

  /** Moves time forward, running what falls due in order, each followed by all that it sets off. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await quiet();
    for (;;) {
      const [next] = [...this.#planned]
        .filter((planned) => planned.at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined) break;
      this.#planned.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
      await quiet();
    }
    this.#now = end;
    await quiet();
  }
}

/** Resolves when nothing is left to do but wait: every promise that could settle has settled. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Reproducible randomness; `float` can be fixed. */
export class SimRandom implements Random {
  #state: bigint;
  readonly #fixed: number | undefined;

  constructor(seed: number, fixed?: number) {
    this.#state = BigInt(seed) * 2n + 1n;
    this.#fixed = fixed;
  }

  float(): number {
    return this.#fixed ?? Number(this.bits64() >> 11n) / 2 ** 53;
  }

  bits64(): bigint {
    this.#state = (this.#state * 6364136223846793005n + 1442695040888963407n) & (2n ** 64n - 1n);
    const mixed = (this.#state ^ (this.#state >> 29n)) * 0xbf58476d1ce4e5b9n;
    return (mixed ^ (mixed >> 32n)) & (2n ** 64n - 1n);
  }
}
