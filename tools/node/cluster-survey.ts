// What a node finds when it looks at the whole cluster. Owns: asking every member directly, and what is taken from whom: a
// member's own answer, else what it announced last. Does not own: what is wrong with it (cluster-problems.ts).

import type {
  Control,
  DependencyStatus,
  MemberControl,
  MemberRecord,
  NodeStatus,
} from '../../cluster/membership/index.ts';
import { type PlanMember, planShards } from '../../cluster/placement/index.ts';
import { PLACEMENT_VERSION } from '../../runtime/index.ts';
import type { ClusterServiceDeps, MembershipDeps } from './cluster-service.ts';

/** What came of asking a member; `unasked`: there was no way to ask. */
export type Reach = 'well' | 'unwell' | 'replaced' | 'silent' | 'unasked';

/** One member. */
export interface Surveyed {
  readonly record: MemberRecord;
  readonly reach: Reach;
  /** The node that looks. */
  readonly self: boolean;
  /** Where it is known from; `row`: it owns shards and announces nothing. */
  readonly from: 'board' | 'row';
  /** Milliseconds since its lease was last seen to be renewed. */
  readonly leaseAgeMs: number;
  readonly lease: boolean;
  /** Its own answer. */
  readonly status: NodeStatus | undefined;
  readonly state: MemberRecord['state'];
  readonly serving: ReadonlySet<number>;
}

/** The cluster as one node finds it. */
export interface Survey {
  readonly cluster: string;
  readonly role: string;
  readonly answeredBy: string;
  readonly shards: number;
  /** The node that each shard is meant for. */
  readonly owners: readonly (string | undefined)[];
  readonly placementVersion: number;
  /** By node, then incarnation. */
  readonly members: readonly Surveyed[];
  readonly dependencies: readonly DependencyStatus[];
}

/** How long a member may take to answer, milliseconds. */
export const askMs = 2_000;
/** Members asked at once: an answer has up to a kilobyte for 4,096 shards. */
const asksMax = 64;

/** Looks at every member. Never rejects. */
export async function survey(deps: ClusterServiceDeps): Promise<Survey> {
  const { membership } = deps;
  if (membership === undefined) return alone(deps);
  const { member, self, control } = membership;
  const { owners, placement, members, peers } = member.status();
  const [own] = members;
  const status = self.status();
  const surveyed: Surveyed[] =
    own === undefined
      ? []
      : [surveyedFrom({ record: own, status, self: true, leaseAgeMs: 0, from: 'board' })];
  const known = peers.filter(({ standing }) => standing !== 'condemned');
  for (let from = 0; from < known.length; from += asksMax) {
    const asked = known
      .slice(from, from + asksMax)
      .map(async ({ record, heardAgoMs, from: where, overdue }) => {
        const about = { record, self: false, leaseAgeMs: Math.round(heardAgoMs), from: where };
        return asking(control, about, { overdue, reachable: status.lease });
      });
    surveyed.push(...(await Promise.all(asked)));
  }
  return {
    ...{ cluster: deps.cluster, role: deps.role, answeredBy: deps.node, shards: deps.shards, owners },
    placementVersion: placement,
    members: surveyed.sort(byName),
    dependencies: deps.dependencies(),
  };
}

type About = Pick<Surveyed, 'record' | 'self' | 'leaseAgeMs' | 'from'>;

async function asking(
  control: Control,
  about: About,
  hints: { readonly overdue: boolean; readonly reachable: boolean },
): Promise<Surveyed> {
  const { node, incarnation } = about.record;
  const answer = await control.ask(node, incarnation, { kind: 'status' }, askMs);
  if (answer !== 'silent' && answer.kind === 'done') return surveyedFrom({ ...about, status: answer.status });
  // Without a lease of its own this node is cut off itself: then silence says nothing of others.
  const silent = hints.reachable ? 'silent' : 'unasked';
  const reach = answer !== 'silent' && answer.kind === 'replaced' ? 'replaced' : silent;
  const { state, serving } = about.record;
  return {
    ...about,
    ...{ reach, state, lease: !hints.overdue, status: undefined },
    serving: reach === 'unasked' ? serving : new Set(),
  };
}

function surveyedFrom(about: About & { readonly status: NodeStatus }): Surveyed {
  const { state, serving, store, lease } = about.status;
  return { ...about, reach: store ? 'well' : 'unwell', state, serving, lease };
}

function byName(a: Surveyed, b: Surveyed): number {
  const [left, right] = [a, b].map(({ record }) => `${record.node}\n${record.incarnation}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

/** A node on an embedded store: a cluster of one, all of whose shards are its own. */
function alone(deps: ClusterServiceDeps): Survey {
  const { node, role, shards, ownership, version } = deps;
  const serving = new Set<number>();
  for (let shard = 0; shard < shards; shard++) if (ownership.claim(shard) !== undefined) serving.add(shard);
  const dependencies = deps.dependencies();
  const state = 'ready';
  const record: MemberRecord = {
    ...{ node, incarnation: node, address: deps.address(), version, weight: 1, roles: [role], state },
    ...{ shards, serving, wire: { min: 0, max: 0 }, placementOf: 0, planVersion: 0 },
    placementVersion: PLACEMENT_VERSION,
  };
  const status: NodeStatus = {
    ...{ state, lease: true, planner: true, alarm: false, placementOf: 0, serving },
    ...{ draining: 0, claiming: 0, waiting: 0, refused: [] },
    store: dependencies.every(({ ok }) => ok),
    dependencies,
    uptimeMs: deps.uptimeMs(),
  };
  return {
    ...{ cluster: '', role, answeredBy: node, shards, placementVersion: 0, dependencies },
    owners: Array.from({ length: shards }, () => node),
    members: [surveyedFrom({ record, status, self: true, leaseAgeMs: 0, from: 'board' })],
  };
}

/** The member of a name, or of an incarnation: of several processes of a node the one that answers, else the one heard last. */
export function memberNamed({ members }: Survey, name: string): Surveyed | undefined {
  const exact = members.find(({ record }) => record.incarnation === name);
  if (exact !== undefined) return exact;
  const rank = ({ status, leaseAgeMs }: Surveyed): number => (status === undefined ? 1 + leaseAgeMs : 0);
  return members.filter(({ record }) => record.node === name).sort((a, b) => rank(a) - rank(b))[0];
}

/** What is known of each shard. */
export interface ShardView {
  readonly shard: number;
  readonly desired: string | undefined;
  /** The same with the plan that is due. */
  readonly due: string | undefined;
  readonly servers: readonly Surveyed[];
  readonly refusers: readonly Surveyed[];
}

/** Every shard, ascending. */
export function shardViews(found: Survey): ShardView[] {
  const { shards, owners, members } = found;
  const due = planDue(found);
  const servers = Array.from({ length: shards }, (): Surveyed[] => []);
  const refusers = Array.from({ length: shards }, (): Surveyed[] => []);
  for (const member of members) {
    for (const shard of member.serving) servers[shard]?.push(member);
    for (const shard of member.status?.refused ?? []) refusers[shard]?.push(member);
  }
  return servers.map((serving, shard) => ({
    ...{ shard, desired: owners[shard], due: due[shard], servers: serving, refusers: refusers[shard] ?? [] },
  }));
}

export const isUnserved = ({ servers }: ShardView): boolean => servers.length === 0;
export const isRefused = ({ refusers }: ShardView): boolean => refusers.length > 0;

/** Served, but not where it is meant to be. */
export function isMoving({ due, servers }: ShardView): boolean {
  return due !== undefined && servers.length > 0 && servers.every(({ record }) => record.node !== due);
}

/**
 * The plan that the members of now ask for: bursts of changes are waited out before one is written, and until then what
 * stands is of the past. A cluster whose node looks without a lease follows none.
 */
function planDue({ cluster, role, shards, owners, members }: Survey): readonly (string | undefined)[] {
  const own = members.find(({ self }) => self);
  if (cluster === '' || own?.lease !== true) return owners;
  const byNode = new Map<string, PlanMember>();
  for (const { record, state, from } of members) {
    if (from === 'row' || byNode.get(record.node)?.state === 'ready') continue;
    byNode.set(record.node, { ...record, state });
  }
  return planShards({ role, shards, former: owners, members: [...byNode.values()] });
}

/** Has one member do something: this node itself without a detour. */
export function controlOf({ self, control }: MembershipDeps): Control {
  const direct = (own: MemberControl): Control => ({
    ask: async (node, incarnation, command, timeoutMs) =>
      incarnation === own.incarnation
        ? own.answer(incarnation, command)
        : control.ask(node, incarnation, command, timeoutMs),
  });
  return direct(self);
}
