// `ClusterService` over a model cluster, called as the edge calls it.

import { ok } from 'node:assert/strict';
import { type Cluster, SHARDS } from '../../cluster/membership/testing/model-cluster.ts';
import { ClusterService } from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { scripted } from '../../runtime/testing/index.ts';
import { serviceClient } from '../../runtime/testing/kit/index.ts';
import { type ClusterServiceDeps, clusterService } from './cluster-service.ts';
import type { LogEntry } from './log.ts';

const target = scripted({ kind: 'target', rank: 20, run: () => '' });

/** What one node of a model cluster makes the service of. */
export function depsOf(cluster: Cluster, node: string, log: (entry: LogEntry) => void): ClusterServiceDeps {
  const member = cluster.members.get(node);
  const self = cluster.controls.get(node);
  ok(member !== undefined && self !== undefined);
  return {
    ...common(node),
    cluster: 'starling',
    shards: SHARDS,
    ownership: member.ownership,
    membership: { member, self, table: cluster.table, control: cluster.control },
    log,
  };
}

/** What a node on its own makes it of: one that serves all of its eight shards. */
export function depsAlone(storeOk = true): ClusterServiceDeps {
  return {
    ...common('local'),
    ...{ cluster: '', shards: 8 },
    dependencies: () => [{ name: 'lmdb', ok: storeOk, detail: storeOk ? 'ok' : 'the disk is full' }],
    ownership: {
      claim: (shard) => ({ shard, epoch: 65_540, nextTimestamp: () => 1n }),
      readFence: () => 'live',
    },
    log: () => undefined,
  };
}

function common(node: string) {
  return {
    ...{ node, version: '1.2.3', role: 'core', kinds: [target.definition] },
    address: () => `http://${node}:7700`,
    dependencies: () => [{ name: 'nats', ok: true, detail: 'ok' }],
    uptimeMs: () => 5_000,
  };
}

/** The service as an operator named `sre` calls it at one node. `logged`: what the node has logged so far. */
export function serviceOf(cluster: Cluster, node: string) {
  const logged: LogEntry[] = [];
  // The client's methods are those of its class: a copy would be without them.
  return Object.assign(callerOf(depsOf(cluster, node, (entry) => logged.push(entry))), { logged });
}

export function alone(storeOk = true) {
  return callerOf(depsAlone(storeOk));
}

function callerOf(deps: ClusterServiceDeps) {
  return serviceClient([clusterService(deps)], ClusterService, { userId: 'sre', scope: 'admin' });
}

/** The stable words of problems, in their order. */
export const reasonsOf = (problems: readonly { readonly reason: string }[]): string[] =>
  problems.map(({ reason }) => reason);
