// What is wrong with a cluster, in the words that the CLI, programs and the operator's page share. Owns: the reasons, their
// order, what to do about each. Does not own: finding out (cluster-survey.ts). Pure.

import { create } from '@bufbuild/protobuf';
import { type Problem, ProblemSchema } from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import {
  isRefused,
  isUnserved,
  type ShardView,
  type Survey,
  type Surveyed,
  shardViews,
} from './cluster-survey.ts';

/** Every reason, the worst first. */
export const PROBLEM_REASONS = [
  'SHARD_REFUSED',
  'ALARM',
  'NO_MEMBER_READY',
  'SHARD_UNSERVED',
  'MEMBER_UNWELL',
  'MEMBER_SILENT',
  'OWNER_UNKNOWN',
  'LEASE_LOST',
  'DEPENDENCY_FAILED',
] as const;

export type ProblemReason = (typeof PROBLEM_REASONS)[number];

/** Shards named in a line. */
const namedMax = 5;

function problem(reason: ProblemReason, subject: string, text: string, help: string): Problem {
  return create(ProblemSchema, { reason, subject, text, help });
}

/** Everything that is wrong, the worst first. */
export function problemsOf(found: Survey): Problem[] {
  const problems = [
    ...shardProblems(shardViews(found), found),
    ...clusterProblems(found),
    ...found.members.flatMap((member) => memberProblems(member)),
  ];
  const rank = ({ reason }: Problem): number => PROBLEM_REASONS.indexOf(reason as ProblemReason);
  return problems.sort((a, b) => rank(a) - rank(b));
}

/** What is wrong with some shards. */
export function shardProblems(views: readonly ShardView[], { members, shards }: Survey): Problem[] {
  const problems: Problem[] = [];
  const refused = views.filter(isRefused);
  if (refused.length > 0) {
    const nodes = [...new Set(refused.flatMap(({ refusers }) => refusers.map(({ record }) => record.node)))];
    problems.push(
      problem(
        'SHARD_REFUSED',
        names(refused),
        `${nodes.join(', ')} can not use the row of ${shardsText(refused)}.`,
        `Its epoch is none that a node could have written. Keep the data, and look at the row: starling shard show ${refused[0]?.shard}`,
      ),
    );
  }
  const unserved = views.filter((view) => isUnserved(view) && !isRefused(view));
  if (unserved.length > 0) {
    const claiming = members.reduce((sum, { status }) => sum + (status?.claiming ?? 0), 0);
    const text = `${shardsText(unserved)} of ${shards} ${unserved.length === 1 ? 'is' : 'are'} served by nobody that answers.`;
    const help =
      claiming > 0
        ? `Being claimed at this moment: ${claiming}. Look again in a second.`
        : `They are taken over within seconds of a node's end. If it lasts: starling shard show ${unserved[0]?.shard}`;
    problems.push(problem('SHARD_UNSERVED', names(unserved), text, help));
  }
  return problems;
}

/** What is wrong with the whole. */
function clusterProblems({ members }: Survey): Problem[] {
  const problems: Problem[] = [];
  const alarmed = members.filter(({ status }) => status?.alarm === true).map(({ record }) => record.node);
  if (alarmed.length > 0) {
    const silent = members.filter(({ reach }) => reach === 'silent').map(({ record }) => record.node);
    const whom = silent.length === 0 ? 'NODE' : silent[0];
    problems.push(
      problem(
        'ALARM',
        alarmed.join(', '),
        `${alarmed.join(', ')} holds back fences: more members are silent than may be fenced in a minute.`,
        `Are these nodes cut off from NATS? Mend that. Are they dead? Then say so, one by one: starling node remove ${whom}`,
      ),
    );
  }
  if (!members.some(({ state, status }) => state === 'ready' && status !== undefined)) {
    const help = 'Start a node, or have one take shards again: starling node uncordon NODE';
    problems.push(
      problem(
        'NO_MEMBER_READY',
        '',
        'No member that answers takes shards: none can move or be taken over.',
        help,
      ),
    );
  }
  return problems;
}

/** What is wrong with one member. */
export function memberProblems({ record, reach, from, lease, leaseAgeMs, status }: Surveyed): Problem[] {
  const { node, incarnation } = record;
  const problems: Problem[] = [];
  if (from === 'row') {
    const text = `${incarnation} owns shards by their rows, and announces nothing.`;
    const help = `If it is gone it is fenced after seconds of silence. To not wait: starling node remove ${incarnation}`;
    return [problem('OWNER_UNKNOWN', node, text, help)];
  }
  if (reach === 'silent') {
    const age = `${Math.round(leaseAgeMs / 1_000)} s`;
    const text = `${node} (${incarnation}) does not answer, and renewed its lease ${age} ago.`;
    const help = `Gone, paused, or cut off from NATS (${record.address}). After some 5 s it is asked and fenced; to not wait: starling node remove ${node}`;
    problems.push(problem('MEMBER_SILENT', node, text, help));
  }
  if (reach === 'unwell') {
    const text = `${node} runs, and the store does not answer it: others take its shards.`;
    const help = `Look at its way to the store: starling node show ${node}`;
    problems.push(problem('MEMBER_UNWELL', node, text, help));
  }
  if (status !== undefined && !lease) {
    const text = `The board does not take the renewals of ${node}: it serves on, and moves nothing.`;
    problems.push(
      problem(
        'LEASE_LOST',
        node,
        text,
        'Look at NATS and its JetStream: nothing acknowledged depends on it.',
      ),
    );
  }
  for (const { name, ok, detail } of status?.dependencies ?? []) {
    if (ok) continue;
    const help = `The log of ${node} says more.`;
    problems.push(problem('DEPENDENCY_FAILED', node, `${node}: ${name}: ${detail}`, help));
  }
  return problems;
}

function names(views: readonly ShardView[]): string {
  const named = views.slice(0, namedMax).map(({ shard }) => `${shard}`);
  return `${named.join(', ')}${views.length > namedMax ? ', …' : ''}`;
}

function shardsText(views: readonly ShardView[]): string {
  return views.length === 1 ? `shard ${names(views)}` : `${views.length} shards (${names(views)})`;
}
