// How long to wait before a repeat. Full jitter: uniform below a ceiling that doubles with each failure in a row.

import { LIMITS } from '../limits.ts';

export interface BackoffInput {
  /** Failures in a row before this wait; 0 = the first. */
  readonly attempt: number;
  /** Uniform in [0, 1). */
  readonly random: number;
  /** The server's advice (RetryInfo): the wait is never shorter. Milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The server's wish after a stream ended (reconnect_spread_ms): the ceiling is never lower. Milliseconds. */
  readonly spreadMs?: number;
}

/** Milliseconds to wait. */
export function backoff(input: BackoffInput): number {
  const grown = LIMITS.backoffBaseMs * 2 ** Math.min(input.attempt, 31);
  const ceiling = Math.max(Math.min(LIMITS.backoffMaxMs, grown), input.spreadMs ?? 0);
  return Math.max(input.retryAfterMs ?? 0, Math.floor(input.random * ceiling));
}
