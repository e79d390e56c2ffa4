// `ClusterService`: what an operator sees of the cluster and has it do. Owns: the binding, what it is given, the answers'
// form. Does not own: finding out (cluster-survey.ts), what is wrong (cluster-problems.ts), the gates (cluster-acts.ts).

import { create } from '@bufbuild/protobuf';
import {
  type ClusterMember,
  type Control,
  type DependencyStatus,
  type MemberControl,
  nodeOfIncarnation,
} from '../../cluster/membership/index.ts';
import * as api from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import {
  type ActorDefinition,
  bindService,
  invalidRequest,
  type Ownership,
  type ServiceBinding,
  type ShardTable,
  StarlingError,
  shardOf,
  toStarlingError,
} from '../../runtime/index.ts';
import { drain, remove, uncordon } from './cluster-acts.ts';
import { memberProblems, problemsOf, shardProblems } from './cluster-problems.ts';
import {
  isMoving,
  isRefused,
  isUnserved,
  memberNamed,
  type Reach,
  type ShardView,
  type Survey,
  type Surveyed,
  shardViews,
  survey,
} from './cluster-survey.ts';
import type { Logger } from './log.ts';

/** The node as a member of a cluster. */
export interface MembershipDeps {
  readonly member: ClusterMember;
  readonly table: ShardTable;
  /** The way to other nodes. */
  readonly control: Control;
  /** What this node obeys itself. */
  readonly self: MemberControl;
}

export interface ClusterServiceDeps {
  /** Name of this node. */
  readonly node: string;
  readonly version: string;
  /** Base address for clients of this node. */
  readonly address: () => string;
  /** Name of the cluster; empty for a node on its own. */
  readonly cluster: string;
  readonly role: string;
  /** Shards of the role. */
  readonly shards: number;
  /** Kinds of this node: an actor of one can be looked up by its key. */
  readonly kinds: readonly ActorDefinition[];
  readonly ownership: Ownership;
  /** What this node needs, as it finds it now. */
  readonly dependencies: () => readonly DependencyStatus[];
  readonly uptimeMs: () => number;
  /** Absent for a node on its own. */
  readonly membership?: MembershipDeps;
  /** Told of everything that an operator has done. */
  readonly log: Logger;
}

const pageSizeDefault = 1_000;
const pageSizeMax = 5_000;

/** Binds the service. */
export function clusterService(deps: ClusterServiceDeps): ServiceBinding {
  return bindService(api.ClusterService, ['admin'], {
    getCluster: async () => clusterOf(await survey(deps)),
    getNode: async ({ node }) => nodeOf(await survey(deps), node),
    listShards: async (request) => shardsOf(await survey(deps), request),
    getShard: async ({ of }) => {
      const shard = shardMeant(deps, of);
      return shardOfSurvey(deps, await survey(deps), shard);
    },
    drainNode: async (request, { principal }) => {
      const { member, moves, changed } = await drain(deps, request, principal?.userId);
      return create(api.DrainNodeResponseSchema, {
        ...{ member: memberMessage(member.surveyed, member.found), changed },
        moves: [...moves].map(([toNode, shards]) => ({ toNode, shards })),
      });
    },
    uncordonNode: async (request, { principal }) => {
      const { member, changed } = await uncordon(deps, request, principal?.userId);
      return create(api.UncordonNodeResponseSchema, {
        ...{ member: memberMessage(member.surveyed, member.found), changed },
      });
    },
    removeNode: async (request, { principal }) => {
      const { member, action, told } = await remove(deps, request, principal?.userId);
      return create(api.RemoveNodeResponseSchema, {
        member: memberMessage(member.surveyed, member.found),
        action: action === 'stop' ? api.RemoveAction.STOP : api.RemoveAction.FENCE,
        membersTold: told,
      });
    },
  });
}

const STATES: Readonly<Record<Surveyed['state'], api.MemberState>> = {
  ready: api.MemberState.READY,
  draining: api.MemberState.DRAINING,
  leaving: api.MemberState.LEAVING,
};

const REACHES: Readonly<Record<Reach, api.MemberReach>> = {
  well: api.MemberReach.WELL,
  unwell: api.MemberReach.UNWELL,
  replaced: api.MemberReach.REPLACED,
  silent: api.MemberReach.SILENT,
  unasked: api.MemberReach.UNSPECIFIED,
};

function memberMessage(member: Surveyed, { owners, role }: Survey): api.ClusterMember {
  const { record, reach, state, from, lease, leaseAgeMs, status } = member;
  const { node, incarnation, address, version, weight, wire } = record;
  return create(api.ClusterMemberSchema, {
    ...{ node, incarnation, address, version, weight, lease },
    ...{ wireMin: wire.min, wireMax: wire.max, role: record.roles[0] ?? role },
    state: from === 'row' ? api.MemberState.UNSPECIFIED : STATES[state],
    reach: REACHES[reach],
    answered: status !== undefined,
    leaseAgeMs: BigInt(leaseAgeMs),
    planner: status?.planner ?? false,
    alarm: status?.alarm ?? false,
    placementVersion: BigInt(status?.placementOf ?? record.placementOf),
    // What a silent one announced last is shown, though nobody can call it there.
    shardsServing: (status?.serving ?? record.serving).size,
    shardsDesired: owners.filter((owner) => owner === node).length,
    shardsDraining: status?.draining ?? 0,
    shardsClaiming: status?.claiming ?? 0,
    shardsWaiting: status?.waiting ?? 0,
    refusedShards: [...(status?.refused ?? [])],
    dependencies: (status?.dependencies ?? []).map((each) => ({ ...each })),
    uptimeMs: BigInt(Math.round(status?.uptimeMs ?? 0)),
  });
}

function clusterOf(found: Survey) {
  const { cluster, role, answeredBy, members, shards, placementVersion, dependencies } = found;
  const views = shardViews(found);
  const unserved = views.filter(isUnserved).length;
  return create(api.GetClusterResponseSchema, {
    ...{ cluster, role, answeredBy },
    members: members.map((member) => memberMessage(member, found)),
    shardsTotal: shards,
    shardsServed: shards - unserved,
    shardsUnserved: unserved,
    shardsMoving: views.filter(isMoving).length,
    alarm: members.some(({ status }) => status?.alarm === true),
    placementVersion: BigInt(placementVersion),
    dependencies: dependencies.map((each) => ({ ...each })),
    problems: problemsOf(found),
  });
}

function nodeOf(found: Survey, name: string) {
  if (name === '') throw invalidRequest('node', 'name a node or an incarnation');
  const member = memberNamed(found, name);
  if (member === undefined) throw new StarlingError('NODE_NOT_FOUND', name);
  const { node } = member.record;
  const serving = [...member.serving].sort((a, b) => a - b);
  return create(api.GetNodeResponseSchema, {
    member: memberMessage(member, found),
    problems: memberProblems(member),
    serving,
    missing: found.owners.flatMap((owner, shard) =>
      owner === node && !member.serving.has(shard) ? [shard] : [],
    ),
    answeredBy: found.answeredBy,
  });
}

function summaryOf({ shard, desired = '', servers, refusers }: ShardView) {
  const nodes = (members: readonly Surveyed[]): string[] => members.map(({ record }) => record.node);
  return create(api.ShardSummarySchema, {
    ...{ shard, desiredNode: desired },
    servingNodes: nodes(servers),
    refusingNodes: nodes(refusers),
  });
}

const FILTERS: Readonly<Record<api.ShardFilter, (view: ShardView) => boolean>> = {
  [api.ShardFilter.UNSPECIFIED]: () => true,
  [api.ShardFilter.UNSERVED]: isUnserved,
  [api.ShardFilter.MOVING]: isMoving,
  [api.ShardFilter.REFUSED]: isRefused,
};

function shardsOf(found: Survey, { filter, node, pageSize, pageToken }: api.ListShardsRequest) {
  const wanted = FILTERS[filter];
  if (wanted === undefined) throw invalidRequest('filter', 'must be one of its values');
  if (!/^\d{0,9}$/.test(pageToken)) throw invalidRequest('page_token', 'must be one of an earlier page');
  if (pageSize > pageSizeMax) throw invalidRequest('page_size', `at most ${pageSizeMax}`);
  const size = pageSize === 0 ? pageSizeDefault : pageSize;
  const matching = shardViews(found).filter(
    (view) =>
      view.shard >= Number(pageToken) &&
      wanted(view) &&
      (node === '' || view.desired === node || view.servers.some(({ record }) => record.node === node)),
  );
  const next = matching[size]?.shard;
  return create(api.ListShardsResponseSchema, {
    shards: matching.slice(0, size).map(summaryOf),
    nextPageToken: next === undefined ? '' : `${next}`,
    shardsTotal: found.shards,
  });
}

function shardMeant({ kinds, shards }: ClusterServiceDeps, of: api.GetShardRequest['of']): number {
  if (of.case === 'shard') {
    if (of.value < shards) return of.value;
    throw invalidRequest('shard', `must be below ${shards}`);
  }
  if (of.case === undefined) throw invalidRequest('of', 'name a shard or an actor');
  const { kind, key } = of.value;
  const type = kinds.find((each) => each.type.kind === kind)?.type;
  if (type === undefined) {
    const known = kinds.map((each) => each.type.kind).join(', ');
    throw invalidRequest('actor.kind', `must be a kind of this node: ${known}`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a key must not have.
  if (key === '' || Buffer.byteLength(key) > 256 || /[\u0000-\u001f\u007f]/.test(key))
    throw invalidRequest('actor.key', '1 to 256 bytes without control characters');
  return shardOf(type.placementKey(key), shards);
}

async function shardOfSurvey(deps: ClusterServiceDeps, found: Survey, shard: number) {
  const view = shardViews(found)[shard];
  if (view === undefined) throw invalidRequest('shard', `must be below ${found.shards}`);
  const read = await rowOf(deps, shard);
  return create(api.GetShardResponseSchema, {
    shard: summaryOf(view),
    ...(read.row === undefined ? {} : { row: read.row }),
    rowProblem: read.problem ?? '',
    servingIncarnations: view.servers.map(({ record }) => record.incarnation),
    problems: shardProblems([view], found),
  });
}

interface RowRead {
  readonly row?: api.ShardRow;
  readonly problem?: string;
}

/** The truth about who owns a shard: its row, and the mark of the process that it names. */
async function rowOf({ membership, ownership, node }: ClusterServiceDeps, shard: number): Promise<RowRead> {
  if (membership === undefined) {
    const epoch = BigInt(ownership.claim(shard)?.epoch ?? 0);
    return {
      row: create(api.ShardRowSchema, { epoch, owner: node, ownerNode: node, ownerLive: true }),
    };
  }
  try {
    const { table } = membership;
    const found = await table.readOwner(shard);
    if (found === undefined) return {};
    const { epoch, owner } = found;
    const ownerLive = (await table.readLife(owner)) === 'live';
    const ownerNode = nodeOfIncarnation(owner);
    return { row: create(api.ShardRowSchema, { epoch: BigInt(epoch), owner, ownerNode, ownerLive }) };
  } catch (error) {
    return { problem: toStarlingError(error).message };
  }
}
