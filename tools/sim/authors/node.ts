// A node of an author's history: the real runtime and ownership in a simulated process, steered by the keeper.

import type { ShardOwnership } from '../../../cluster/ownership/index.ts';
import { createRuntime, type Runtime } from '../../../runtime/index.ts';
import { arrivingStore } from '../world/arriving-store.ts';
import { ClusterNode } from '../world/cluster-node.ts';
import type { SimProcess } from '../world/process.ts';
import type { SiteRun } from '../world/site.ts';
import type { AuthorCluster } from './cluster.ts';

export interface AuthorRun extends SiteRun {
  readonly runtime: Runtime;
}

export type AuthorNode = ClusterNode<AuthorRun>;

export function authorNode(cluster: AuthorCluster, name: string): AuthorNode {
  return new ClusterNode<AuthorRun>(cluster, name, (node, process) => launch(cluster, node, process));
}

function launch(cluster: AuthorCluster, node: AuthorNode, process: SimProcess): AuthorRun {
  const { swarm, trace, net } = cluster;
  const { store, table } = cluster.ground.clientOf(node.name, process);
  const ownership = node.keptOwnership(process, table, (_shard, { kind }) => trace.count(`shard ${kind}`));
  const runtime = createRuntime({
    node: node.name,
    store: arrivingStore(store, process),
    ownership,
    clock: process.clock,
    random: process.random,
    shards: swarm.shards,
    peers: {
      transport: net.transportOf(process, node.name, node.name),
      directory: node.keptDirectory,
    },
    limits: swarm.limits,
    onLog: ({ level, message, fields }) => {
      trace.note(process.name, `${level}: ${message} ${JSON.stringify(fields)}`);
      if (message.startsWith('this node was fenced')) node.fenced(process);
    },
  });
  runtime.register(...cluster.actors);
  return { process, runtime, ownership, begin: () => begin(process, runtime, ownership, cluster) };
}

function begin(
  process: SimProcess,
  runtime: Runtime,
  ownership: ShardOwnership,
  { trace }: AuthorCluster,
): void {
  void runtime.start();
  ownership.start(runtime).catch((error: unknown) => trace.note(process.name, `ends: ${String(error)}`));
}
