// Looking again until something holds. Owns: pauses, the bound, which failures pass by themselves. Does not own: what is
// looked at.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Io } from './io.ts';
import { isRepeatable } from './rpc-error.ts';

/** Pause between two looks, milliseconds. */
const everyMs = 500;

export interface UntilOptions {
  /** Longest time, milliseconds; the first look is taken in any case. */
  readonly timeoutMs: number;
  /** Ends it early: it throws then what `setTimeout` of node:timers/promises throws, an AbortError. */
  readonly signal: AbortSignal;
  /** Default: the 500 ms of this file. */
  readonly everyMs?: number;
}

/**
 * Looks until `look` gives a value; undefined when the time is over. A server that can't answer now is asked again.
 * @throws whatever `look` throws beside that; AbortError
 */
export async function until<T>(
  io: Pick<Io, 'monotonic'>,
  options: UntilOptions,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const endMs = io.monotonic() + options.timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      if (!isRepeatable(error)) throw error;
      failure = error;
    }
    if (io.monotonic() >= endMs) {
      if (failure !== undefined) throw failure;
      return undefined;
    }
    await sleep(options.everyMs ?? everyMs, undefined, { signal: options.signal });
  }
}
