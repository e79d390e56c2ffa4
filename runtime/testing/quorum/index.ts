// A simulated cluster of three Cassandra replicas. Owns: the store port and the shard table port for each simulated node,
// with the faults that a real cluster has: replicas that apply a batch apart, late and lost requests, hints, time-outs whose
// write lands, digests and read repair, proposals completed by a stranger, crashes that lose what was not synced.
// Does not own: time and randomness (given), the pausing of nodes (the `deliver` option of a client).
//
// Invariants: V1 (version.ts), P1, P2 (partition.ts), G1 (merge.ts), W1 (wheel.ts), R1, R2 (replica.ts), N1 (network.ts),
// Q1 … Q4 (coordinator.ts), X1 (paxos-state.ts), Y1 … Y4 (paxos.ts), D1, D2 (store.ts), L1, L2 (layout.ts).

export type { CommitFate, QuorumClient, QuorumClusterOptions } from './cluster.ts';
export { QuorumCluster } from './cluster.ts';
export type { QuorumFaults, QuorumStats } from './faults.ts';
export { NO_FAULTS } from './faults.ts';
export type { LinkDirection, ReplicaId } from './network.ts';
export { REPLICA_IDS } from './network.ts';
export type { Deliver } from './node-calls.ts';
