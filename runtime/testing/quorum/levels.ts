// How many replicas each statement waits for. Owns: the one place where consistency and read repair are decided.

/** LOCAL_ONE asks one replica, QUORUM two of the three. */
export type Consistency = 'LOCAL_ONE' | 'QUORUM';

/** BLOCKING: what a read merged is at all replicas it asked before the reader gets it. */
export type ReadRepair = 'BLOCKING' | 'NONE';

export interface ReadLevel {
  readonly consistency: Consistency;
  readonly readRepair: ReadRepair;
}

/** Heads, rows, cells and notes. */
export const DATA_READ: ReadLevel = { consistency: 'QUORUM', readRepair: 'BLOCKING' };

/** The life mark of a node (rule 8). */
export const FENCE_READ: ReadLevel = { consistency: 'QUORUM', readRepair: 'BLOCKING' };

/** Heads, rows, cells, notes and deletes. */
export const DATA_WRITE: Consistency = 'QUORUM';

/** The life mark of a node (rule 1). */
export const FENCE_WRITE: Consistency = 'QUORUM';

/** The commit of a shard's row (rule 2). */
export const SHARD_COMMIT: Consistency = 'QUORUM';

/** Replicas that have to answer. */
export function replicasOf(consistency: Consistency): number {
  return consistency === 'LOCAL_ONE' ? 1 : 2;
}
