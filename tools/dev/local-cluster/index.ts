// A whole cluster on this machine, for tests, `make cluster`, `make chaos` and benchmarks: real servers, real processes.
// Owns: nats-server, Cassandra and Starling nodes from start to end, their directories, ports and logs, the links between
// them that can be cut. Does not own: what is sent to the nodes (tools/load), the programs themselves.
//
// Invariants: P1, P2 (local-node.ts), L1 … L3 (proxy.ts), F1, F2 (flow.ts), and
// C1  Nothing that was started here outlives this process, however it ends; a directory that was named keeps logs and data.

export { type LocalCluster, startLocalCluster } from './cluster.ts';
export type { LocalNode, NodeLinks } from './local-node.ts';
export type { Link } from './proxy.ts';
