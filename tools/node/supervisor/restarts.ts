// When a worker that ended is started again: a function of how it ended and of what went before. Owns: the pauses, and when it
// is of no more use to try. Does not own: time.

export interface RestartLimits {
  /** Ends in a row while it was starting; then the supervisor gives up. Default 5. */
  readonly failuresMax: number;
  /** The pause after the second end in a row, milliseconds; each further one is twice as long. Default 200. */
  readonly pauseMsMin: number;
  /** The longest pause, milliseconds. Default 10,000. */
  readonly pauseMsMax: number;
  /** A worker that served for this long, milliseconds, begins anew. Default 30,000. */
  readonly steadyMs: number;
}

export const RESTART_LIMITS: RestartLimits = {
  failuresMax: 5,
  pauseMsMin: 200,
  pauseMsMax: 10_000,
  steadyMs: 30_000,
};

/** What went before. */
export interface Restarts {
  /** Ends in a row, of a worker that had not served for steadyMs. */
  readonly ends: number;
  /** Those of them, the latest, that came while it was starting. */
  readonly failures: number;
}

/** A worker that has not ended yet. */
export const NO_RESTARTS: Restarts = { ends: 0, failures: 0 };

/** What to do after an end. */
export type Restart =
  | { readonly kind: 'start'; readonly state: Restarts; readonly pauseMs: number }
  | { readonly kind: 'give-up' };

/** `servedMs`: how long it was a member; undefined = it was starting. The first end is followed by a start at once. */
export function ended(
  { ends, failures }: Restarts,
  servedMs: number | undefined,
  limits: RestartLimits,
): Restart {
  if (servedMs === undefined && failures + 1 >= limits.failuresMax) return { kind: 'give-up' };
  const before = servedMs !== undefined && servedMs >= limits.steadyMs ? 0 : ends;
  const state = { ends: before + 1, failures: servedMs === undefined ? failures + 1 : 0 };
  const pauseMs = before === 0 ? 0 : Math.min(limits.pauseMsMax, limits.pauseMsMin * 2 ** (before - 1));
  return { kind: 'start', state, pauseMs };
}
