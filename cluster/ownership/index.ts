// Ownership of shards: rules 1 to 3 of the safety protocol. Owns: claiming, giving away and adopting shards through the
// shard table, the write times of each claim, and that a fenced incarnation never serves again. Does not own: which shards
// this node should have (cluster/membership says so, and may be wrong without harm), how the table's rows are kept (a
// driver), what happens inside a shard (the runtime).
//
// Invariants: M1 … M5 (machine.ts), T1, T2 (claim.ts), F1 (table-calls.ts), W1 … W4 (shard-ownership.ts).

export { initialShard, step } from './machine.ts';
export type { OwnershipStatus, ShardOwnershipOptions } from './options.ts';
export { ShardOwnership } from './shard-ownership.ts';
export type {
  ShardAction,
  ShardEvent,
  ShardState,
  Step,
  Want,
} from './state.ts';
