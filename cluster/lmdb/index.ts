// The embedded store. Owns: one directory of one process, in which all state of a single node is durable, and that node's
// ownership of every shard. Does not own: state of more than one node.
//
// Invariants: E1 … E3 (engine.ts), W1 … W4 (committer.ts), X1, X2 (lock.ts), O1, O2 (ownership.ts); together they keep
// S1 … S9 of the store port.

export { openLmdbStore } from './open.ts';
export type { LmdbStore } from './store.ts';
