// A node of the simulator: what runs in its process, and who says where its shards go.

import { ClusterMember, type JoinRefusal } from '../../../cluster/membership/index.ts';
import type { ShardOwnership } from '../../../cluster/ownership/index.ts';
import type { Directory, ShardHost, ShardTable } from '../../../runtime/index.ts';
import { ClusterNode, OWNERSHIP_LIMITS } from './cluster-node.ts';
import { NodeRun } from './node.ts';
import { probeOf } from './probe.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

export type SimNode = ClusterNode<NodeRun>;

/** What says where shards go, and keeps them. */
interface Driver {
  readonly ownership: ShardOwnership;
  readonly directory: Directory;
  readonly member: ClusterMember | undefined;
  /** Resolves with why it may not join, if so. */
  start(host: ShardHost): Promise<JoinRefusal | undefined>;
}

export function simNode(world: World, name: string): SimNode {
  return new ClusterNode<NodeRun>(world, name, (node, process) => launch(world, node, process));
}

function launch(world: World, node: SimNode, process: SimProcess): NodeRun {
  const { swarm, trace, recorder, net, ground, reminders } = world;
  const { store, table } = ground.clientOf(node.name, process);
  const driver = driverOf(world, node, process, world.table.tableOf(process.name, table));
  const { ownership, directory, member } = driver;
  return new NodeRun({
    process,
    address: node.name,
    shards: swarm.shards,
    store,
    ownership,
    member,
    transport: net.transportOf(process, node.name, node.name),
    directory,
    recorder,
    reminders,
    trace,
    limits: swarm.runtimeLimits,
    imLimits: swarm.imLimits,
    onStopped: () => node.fenced(process),
    onBegun: (runtime) => {
      driver.start(runtime).then(
        (refusal) => {
          if (refusal === undefined) return;
          trace.note(process.name, `may not join: ${refusal.message}`);
          world.fleet.refused(node, refusal);
          node.endsSoon(process);
        },
        (error: unknown) => trace.note(process.name, `ends: ${String(error)}`),
      );
    },
  });
}

function driverOf(world: World, node: SimNode, process: SimProcess, table: ShardTable): Driver {
  if (world.swarm.steering === 'member') return memberOf(world, node, process, table);
  const ownership = node.keptOwnership(process, table);
  return {
    ownership,
    directory: node.keptDirectory,
    member: undefined,
    start: (host) => ownership.start(host).then(() => undefined),
  };
}

function memberOf(world: World, node: SimNode, process: SimProcess, table: ShardTable): Driver {
  const member = new ClusterMember({
    incarnation: process.name,
    shards: world.swarm.shards,
    table,
    clock: process.clock,
    random: process.random,
    node: node.name,
    address: node.name,
    wire: world.fleet.wireOf(node),
    board: world.board.viewOf(process),
    probe: probeOf(world, process, node.name),
    // In a small cluster that is disturbed all the time the limit of fences would be all that is seen.
    limits: { fencesShare: 10 },
    ownership: { limits: OWNERSHIP_LIMITS },
    onFenced: () => node.fenced(process),
    onEvent: (event) => world.trace.note(process.name, JSON.stringify(event)),
  });
  const { ownership, directory } = member;
  return { ownership, directory, member, start: (host) => member.start(host) };
}
