// State of many nodes, in Cassandra. Owns: the only use of the database library; the schema, its versions; the drivers of the
// store port and of the shard table port; what is safe to say about a request that failed. Does not own: who owns which
// shard and when (cluster/ownership), running a cluster of Cassandra.
//
// Invariants: C1 … C4 (session.ts), G1 … G5 (writer.ts), P1, P2 (partition.ts), Q1, Q2 (statements.ts), F1, F2 (failures.ts),
// R1, R2 (reader.ts), D1, D2 (store.ts), T1, T2 (shards.ts), V1, V2 (schema.ts), A1 (facts.ts), L1 (layout.ts), N1 (open.ts);
// together they keep S1 … S9 of the store port and O1 … O4 of the shard table port.
//
// Assumed of the cluster, beside what `openCassandra` checks: no replica loses what it acknowledged, repair runs within the
// gc_grace of each table and around changes of topology, `paxos_variant: v2`, no other program writes these tables, and no
// guardrail on timestamps is set (ours are epochs, far from any clock).

export {
  type CassandraDatabase,
  openCassandra,
  openSchema,
} from './open.ts';
