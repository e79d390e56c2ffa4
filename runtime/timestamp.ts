// Write times: epoch * 2^36 + counter (rule 3). Above 2^52 from the first epoch on, so that a stray write with a wall
// clock's microseconds can't hide a row until the year 2112. Always bigint: the values exceed 2^53.

/** The epoch of a shard's first owner. */
export const FIRST_EPOCH = 65_536;

const COUNTER_BITS = 36n;
const COUNTER_MAX = (1n << COUNTER_BITS) - 1n;

/** The first write time of an epoch. */
export function firstTimestamp(epoch: number): bigint {
  return BigInt(epoch) << COUNTER_BITS;
}

/** The last write time of an epoch; beyond it the owner needs a new epoch. */
export function lastTimestamp(epoch: number): bigint {
  return firstTimestamp(epoch) + COUNTER_MAX;
}

/** The epoch in which a write time was drawn. */
export function epochOf(ts: bigint): number {
  return Number(ts >> COUNTER_BITS);
}
