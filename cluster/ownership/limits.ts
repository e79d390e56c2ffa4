// Every bound of ownership.

export interface OwnershipLimits {
  /** Shards whose row is read or claimed at once. Default 32: a dead node's 1,365 shards of 4,096 take 43 rounds. */
  readonly claimsMax: number;
  /** Shards that are given away at once. Default 8: only these wait; the others are served on. */
  readonly movesMax: number;
  /** How long a drain lets accepted work end, milliseconds. Default 5,000. */
  readonly drainMsMax: number;
  /** The first pause after a failure, milliseconds; each further one is twice as long. Default 50. */
  readonly retryMsMin: number;
  /** The longest pause, milliseconds. Default 5,000: also how often the row of a shard that a live node holds is read. */
  readonly retryMsMax: number;
  /** Fences remembered as known, so that the shards of one dead node share a write. Default 1,024. */
  readonly fencesMax: number;
}

export const OWNERSHIP_LIMITS: OwnershipLimits = {
  claimsMax: 32,
  movesMax: 8,
  drainMsMax: 5_000,
  retryMsMin: 50,
  retryMsMax: 5_000,
  fencesMax: 1_024,
};

/**
 * The pause after the nth failure in a row (n >= 1): min(max, min * 2^(n-1)), of which the upper half is drawn, so that
 * nodes that failed together do not come back together. `draw`: 0 to 1.
 */
export function retryMs(failures: number, draw: number, limits: OwnershipLimits): number {
  const whole = Math.min(limits.retryMsMax, limits.retryMsMin * 2 ** Math.min(30, failures - 1));
  return whole * (0.5 + 0.5 * draw);
}
