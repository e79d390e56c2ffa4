// What `cluster status` and the commands about nodes print. As views.ts: what is wrong first, each with what to do, then the
// facts, then what to look at next.

import {
  type ClusterMember,
  type DrainNodeResponse,
  type GetClusterResponse,
  type GetNodeResponse,
  MemberReach,
  MemberState,
  type Problem,
  RemoveAction,
  type RemoveNodeResponse,
} from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { type Column, count, fit, pairs, span, table } from './format.ts';
import { joined, next } from './views.ts';

const detailColumns = 100;
/** Shards named in a line; `-o json` has all. */
const shardsNamedMax = 12;

/** What is wrong, two lines each: what it is, and what to do. */
export function problemLines(problems: readonly Problem[]): string {
  return problems.map(({ reason, text, help }) => `! ${reason}  ${text}\n  ${help}`).join('\n');
}

/** The cluster. `self`: how this program was called, for hints. */
export function clusterView(answer: GetClusterResponse, { self }: { readonly self: string }): string {
  const { cluster, role, answeredBy, members, problems } = answer;
  const name = cluster === '' ? 'none: a node on its own' : `${cluster}, role ${role}`;
  return joined([
    problemLines(problems),
    pairs([
      ['cluster', `${name}, seen by ${answeredBy}`],
      ['shards', shardsText(answer)],
      ...(cluster === '' ? [] : [['placement', `version ${answer.placementVersion}`] as const]),
      ...answer.dependencies.map(({ name: needed, detail }) => [needed, fit(detail, detailColumns)] as const),
    ]),
    memberTable(members, false),
    next(problems.length > 0 || members.length < 2 ? undefined : `${self} node list`),
  ]);
}

function shardsText({ shardsTotal, shardsServed, shardsUnserved, shardsMoving }: GetClusterResponse): string {
  const parts = [`${count(shardsServed)} of ${count(shardsTotal)} served`];
  if (shardsUnserved > 0) parts.push(`${count(shardsUnserved)} not served`);
  if (shardsMoving > 0) parts.push(`${count(shardsMoving)} to be moved`);
  return parts.join(', ');
}

const STATES: Readonly<Partial<Record<MemberState, string>>> = {
  [MemberState.UNSPECIFIED]: 'unknown',
  [MemberState.READY]: 'ready',
  [MemberState.DRAINING]: 'draining',
  [MemberState.LEAVING]: 'leaving',
};

const REACHES: Readonly<Partial<Record<MemberReach, string>>> = {
  [MemberReach.UNSPECIFIED]: 'not asked',
  [MemberReach.WELL]: 'well',
  [MemberReach.UNWELL]: 'unwell',
  [MemberReach.REPLACED]: 'replaced',
  [MemberReach.SILENT]: 'silent',
};

/** A later server may know further ones. */
function reachText(reach: MemberReach): string {
  return REACHES[reach] ?? 'unknown';
}

/** State of a member in one word, with what else it is about. */
export function stateText({ state, planner, shardsServing }: ClusterMember): string {
  const drained = state === MemberState.DRAINING && shardsServing === 0;
  return `${drained ? 'drained' : (STATES[state] ?? 'unknown')}${planner ? ', planner' : ''}`;
}

/** How long ago it was renewed. Whether that of somebody who was not asked stands is not known. */
function leaseText({ lease, leaseAgeMs, reach }: ClusterMember): string {
  const age = span(Number(leaseAgeMs));
  if (lease || reach === MemberReach.UNSPECIFIED) return age;
  return leaseAgeMs === 0n ? 'lost' : `lost, ${age}`;
}

function movingText({ shardsDraining, shardsClaiming }: ClusterMember): string {
  const parts = [
    ...(shardsDraining > 0 ? [`-${shardsDraining}`] : []),
    ...(shardsClaiming > 0 ? [`+${shardsClaiming}`] : []),
  ];
  return parts.length === 0 ? '0' : parts.join(' ');
}

const right = { align: 'right' } as const;

/** Members, one a line; `wide` adds what is looked at less often. */
export function memberTable(members: readonly ClusterMember[], wide: boolean): string {
  const columns: Column[] = [
    ...[{ title: 'node' }, { title: 'state' }, { title: 'answers' }],
    ...[
      { title: 'serving', ...right },
      { title: 'desired', ...right },
      { title: 'moving', ...right },
    ],
    ...[{ title: 'lease', ...right }, { title: 'version' }, { title: 'up', ...right }],
    ...(wide ? [{ title: 'weight', ...right }, { title: 'wire' }, { title: 'incarnation' }] : []),
    { title: 'address' },
  ];
  const rows = members.map((member): string[] => [
    member.node,
    stateText(member),
    reachText(member.reach),
    count(member.shardsServing),
    count(member.shardsDesired),
    movingText(member),
    leaseText(member),
    member.version,
    member.answered ? span(Number(member.uptimeMs)) : '?',
    ...(wide ? [`${member.weight}`, `${member.wireMin}-${member.wireMax}`, member.incarnation] : []),
    member.address,
  ]);
  return table(columns, rows);
}

/** The members alone. */
export function membersView(answer: GetClusterResponse, options: { readonly self: string }): string {
  const { members, problems } = answer;
  const [first] = members;
  return joined([
    problemLines(problems),
    memberTable(members, true),
    next(first === undefined ? undefined : `${options.self} node show ${first.node}`),
  ]);
}

/** One member. */
export function memberView(answer: GetNodeResponse, options: { readonly self: string }): string {
  const { member, problems, serving, missing, answeredBy } = answer;
  if (member === undefined) return '';
  const { node, reach, shardsWaiting, refusedShards } = member;
  const source = member.answered ? `it answered ${answeredBy}` : `announced last; heard by ${answeredBy}`;
  const shards = member.answered ? shardList(serving) : count(member.shardsServing);
  return joined([
    problemLines(problems),
    pairs([
      ['node', `${node}  ${member.address}`],
      ['incarnation', member.incarnation],
      ['state', `${stateText(member)}, ${reachText(reach)} (${source})`],
      ['version', `${member.version}, wire ${member.wireMin} to ${member.wireMax}`],
      ['up', member.answered ? span(Number(member.uptimeMs)) : 'not known'],
      ['role', `${member.role}, weight ${member.weight}`],
      ['lease', leaseText(member)],
      ['placement', `version ${member.placementVersion}`],
      ['serves', shards],
      ['desired', count(member.shardsDesired)],
      ['lacks', shardList(missing)],
      ['moving', movingText(member)],
      ...(shardsWaiting === 0 ? [] : [['waits for', count(shardsWaiting)] as const]),
      ...(refusedShards.length === 0 ? [] : [['refused', shardList(refusedShards)] as const]),
      ...member.dependencies.map(({ name, detail }) => [name, fit(detail, detailColumns)] as const),
    ]),
    next(nextFor(member, options.self)),
  ]);
}

function nextFor({ node, state, shardsServing, answered }: ClusterMember, self: string): string | undefined {
  if (!answered) return undefined;
  if (state === MemberState.READY) return `${self} node drain ${node} --dry-run`;
  return shardsServing === 0 ? `${self} node remove ${node}, or ${self} node uncordon ${node}` : undefined;
}

/** `12: 1, 5, 9, …`; `none`. */
export function shardList(shards: readonly number[]): string {
  if (shards.length === 0) return 'none';
  const named = shards.slice(0, shardsNamedMax).join(', ');
  return `${count(shards.length)}: ${named}${shards.length > shardsNamedMax ? ', …' : ''}`;
}

/** What a drain does or would do. */
export function drainPlan(node: string, { moves, member, changed }: DrainNodeResponse): string {
  const shards = count(member?.shardsServing ?? 0);
  const to = moves.map(
    ({ toNode, shards: each }) => `${count(each)} to ${toNode === '' ? 'nobody' : toNode}`,
  );
  const where = to.length === 0 ? '' : `: ${to.join(', ')}`;
  return changed
    ? `${node} would give away ${shards} shards${where}.\n`
    : `${node} is draining already, and has ${shards} shards left${where}.\n`;
}

/** What a removal does or would do. */
export function removePlan(node: string, { action, member }: RemoveNodeResponse): string {
  const { incarnation = '', answered = false, shardsServing = 0 } = member ?? {};
  if (action === RemoveAction.STOP) return `${node} serves nothing and would be stopped.\n`;
  const runs = answered
    ? `It runs and serves ${count(shardsServing)} shards: its process ends when it reads that, and calls under way there end with an unknown outcome.`
    : 'Its process does not answer.';
  return (
    `${incarnation} would be fenced: it never serves again, and the others have its shards at once. ` +
    `${runs} Nothing acknowledged is lost.\n`
  );
}
