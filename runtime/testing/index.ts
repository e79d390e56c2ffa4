// The door for tests. Owns: simulated time, randomness and storage, and the suites that every driver of a port passes.
// Does not own: drivers that a running node uses. Nothing outside of tests imports this folder.
//
// Invariants: C1, C2 (sim-clock.ts), K1, K2 (sim-cells.ts), M1 … M3 (sim-store.ts).

export type {
  CommitFate,
  Deliver,
  LinkDirection,
  QuorumClient,
  QuorumClusterOptions,
  QuorumFaults,
  QuorumStats,
  ReplicaId,
} from './quorum/index.ts';
export { NO_FAULTS, QuorumCluster, REPLICA_IDS } from './quorum/index.ts';
export type { KernelNodeOptions, ScriptOptions, ScriptType } from './script-actor.ts';
export { codeOf, KernelNode, latch, Script, scripted } from './script-actor.ts';
export { ShardHistory } from './shard-history.ts';
export type { OpenedShards } from './shard-table-conformance.ts';
export { shardTableConformance } from './shard-table-conformance.ts';
export type { Part } from './sim-cells.ts';
export { compareMarks } from './sim-cells.ts';
export { SimClock, settle } from './sim-clock.ts';
export { type EnvelopeFate, SimNetwork } from './sim-network.ts';
export { SimOwnership } from './sim-ownership.ts';
export { SimRandom } from './sim-random.ts';
export type { SimCompletion, SimFault } from './sim-store.ts';
export { SimStore } from './sim-store.ts';
export { compareUtf8 } from './sim-text.ts';
export type { OpenedStore, OpenStore } from './store-conformance.ts';
export { storeConformance } from './store-conformance.ts';
export { keyOn, twoNodes } from './two-nodes.ts';
