// Doing what the schedule says to a cluster on this machine. Owns: how each fault is made and healed. Does not own: when.
//
// Invariant: A1  What a fault did is undone by its `heal`, also where the node has ended of itself meanwhile.

import { setTimeout as sleep } from 'node:timers/promises';
import { InspectService } from '../../../proto/gen/starling/admin/v1/admin_pb.ts';
import { ClusterService } from '../../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { type Client, createClient } from '../../cli/client.ts';
import type { LocalCluster, LocalNode, NodeLinks } from '../../dev/local-cluster/index.ts';
import type { Fault } from './schedule.ts';

/** Longest time an operator's wish is repeated, milliseconds. */
const wishMsMax = 30_000;

/** Times that a node is started before the run is given up. */
const startsMax = 3;

/** A fault that was made. */
export interface Made {
  heal(): Promise<void>;
}

/** Makes a fault; resolves when it is there. `members`: nodes that the cluster began with. */
export async function makeFault(fault: Fault, cluster: LocalCluster, members: number): Promise<Made> {
  switch (fault.kind) {
    case 'kill': {
      const node = nodeAt(cluster, fault.node);
      await node.kill();
      return { heal: () => startAgain(node) };
    }
    case 'pause':
      return pause(nodeAt(cluster, fault.node));
    case 'restart': {
      const node = nodeAt(cluster, fault.node);
      await node.stop();
      return { heal: () => startAgain(node) };
    }
    case 'drain': {
      const { name } = nodeAt(cluster, fault.node);
      await wish(cluster, (client) => client.call(ClusterService.method.drainNode, { node: name }));
      return {
        heal: () =>
          wish(cluster, (client) => client.call(ClusterService.method.uncordonNode, { node: name })),
      };
    }
    case 'join':
      return join(cluster, members);
    case 'nats_lost':
      await cluster.nats.signal('SIGKILL');
      return { heal: () => cluster.nats.restart({ forget: true }) };
    case 'cassandra_kill': {
      const server = cluster.cassandra[fault.server];
      if (server === undefined) throw new Error(`there is no Cassandra node ${fault.server + 1}`);
      await server.kill();
      return { heal: () => server.start() };
    }
    case 'cut_nats':
    case 'cut_nats_requests':
    case 'cut_nats_answers': {
      const { nats } = linksOf(nodeAt(cluster, fault.node));
      if (fault.kind === 'cut_nats') nats.cut();
      else nats.cut(fault.kind === 'cut_nats_requests' ? 'requests' : 'answers');
      return { heal: async () => nats.mend({ reset: fault.reset }) };
    }
    case 'cut_cassandra': {
      const { cassandra } = linksOf(nodeAt(cluster, fault.node));
      for (const link of cassandra) {
        if (fault.way === 'both') link.cut();
        else link.cut(fault.way);
      }
      return {
        heal: async () => {
          for (const link of cassandra) link.mend({ reset: fault.reset });
        },
      };
    }
  }
}

/** The node at this place. */
export function nodeAt(cluster: LocalCluster, at: number): LocalNode {
  const node = cluster.nodes[at];
  if (node === undefined) throw new Error(`there is no node n${at + 1}`);
  return node;
}

/** The links of a node of a cluster that was started with them. */
export function linksOf(node: LocalNode): NodeLinks {
  if (node.links === undefined) throw new Error(`node ${node.name} has no links of its own`);
  return node.links;
}

/** Starts a node that was ended; tries again where what it needs is away. */
export async function startAgain(node: LocalNode): Promise<void> {
  for (let attempt = 1; !node.running; attempt += 1) {
    try {
      await node.start();
      return;
    } catch (error) {
      if (attempt >= startsMax) throw error;
      await sleep(1_000);
    }
  }
}

function pause(node: LocalNode): Made {
  const { pid } = node;
  process.kill(pid, 'SIGSTOP');
  return {
    heal: async () => {
      if (node.running && node.pid === pid) process.kill(pid, 'SIGCONT');
    },
  };
}

/** The first time a new node, later the same one again. */
async function join(cluster: LocalCluster, members: number): Promise<Made> {
  const more = cluster.nodes[members];
  if (more !== undefined) await startAgain(more);
  const node = more ?? (await cluster.addNode());
  return { heal: () => node.stop() };
}

/** Asks any node that answers, until one has done it. */
async function wish(cluster: LocalCluster, ask: (client: Client) => Promise<unknown>): Promise<void> {
  const token = await cluster.adminToken();
  const untilMs = performance.now() + wishMsMax;
  for (let turn = 0; ; turn += 1) {
    const node = nodeAt(cluster, turn % cluster.nodes.length);
    try {
      await ask(createClient({ address: node.address, token: () => token, timeoutMs: 3_000 }));
      return;
    } catch (error) {
      if (performance.now() > untilMs) throw error;
      await sleep(200);
    }
  }
}

/** The node that serves a group. @throws Error where none says that it does */
export async function nodeOfGroup(cluster: LocalCluster, conversationId: string): Promise<LocalNode> {
  const token = await cluster.adminToken();
  const request = { kind: 'group', key: `main/${conversationId}` };
  for (const { address } of cluster.nodes) {
    const client = createClient({ address, token: () => token, timeoutMs: 5_000 });
    const found = await client.call(InspectService.method.inspectActor, request).catch(() => undefined);
    const node = cluster.nodes.find(({ name }) => name === found?.servedBy);
    if (node !== undefined) return node;
  }
  throw new Error(`no node says who serves ${conversationId}`);
}

/** Whether a node no longer takes another as taking part, and all shards are served without it; false where it does not answer. */
export async function isRelieved(cluster: LocalCluster, node: LocalNode, name: string): Promise<boolean> {
  const token = await cluster.adminToken();
  const client = createClient({ address: node.address, token: () => token, timeoutMs: 5_000 });
  const seen = await client.call(ClusterService.method.getCluster, {}).catch(() => undefined);
  if (seen === undefined || seen.shardsUnserved > 0) return false;
  return seen.members.every((member) => member.node !== name);
}
