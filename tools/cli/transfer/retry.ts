// Repeats of calls that may be repeated. Owns: which failures end a transfer, how long to try. Does not own: the calls.

import { CliError } from '../exit.ts';
import { isRepeatable, RpcError } from '../rpc-error.ts';

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Waits; rejects when the signal is aborted. */
  readonly wait: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** Most tries of one call: with the delays below about a minute. */
const TRIES_MAX = 16;
const DELAY_MS_MIN = 100;
const DELAY_MS_MAX = 5_000;

/** Delay before try number `tries + 1`: doubles from 100 ms to 5 s, of which a random half is taken off. */
export function retryDelayMs(tries: number, adviceMs: number | undefined, random: number): number {
  const ceiling = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** Math.min(tries, 10));
  return Math.max(adviceMs ?? 0, ceiling * (1 - random / 2));
}

/** Repeats a call while its failure passes by itself. The call must be safe to repeat. */
export async function withRetry<T>(options: RetryOptions, call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (!isRepeatable(error) || tries >= TRIES_MAX || options.signal.aborted) throw error;
      const advice = error instanceof RpcError ? error.retryAfterMs : undefined;
      await options.wait(retryDelayMs(tries, advice, options.random()), options.signal);
    }
  }
}

// Refusals that concern the caller or the server as a whole: no other line would fare better.
const FATAL_REASONS = [
  'UNAUTHENTICATED',
  'TOKEN_EXPIRED',
  'PERMISSION_DENIED',
  'STORAGE_FULL',
  'METHOD_NOT_FOUND',
];

/** True where the server refuses this very request, so that others may still be taken. */
export function isRefusal(error: unknown): error is RpcError {
  if (!(error instanceof RpcError) || isRepeatable(error)) return false;
  const reason = error.reason === '' ? error.status : error.reason;
  return (error.exit === 'refused' || error.exit === 'missing') && !FATAL_REASONS.includes(reason);
}

/** What an interrupted transfer reports. */
export function interrupted(hint: string): CliError {
  return new CliError('interrupted', 'Interrupted.', { hint });
}
