// What `shard list` and `shard show` print.

import type { GetShardResponse, ShardSummary } from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { problemLines } from './cluster-view.ts';
import { count, pairs, table } from './format.ts';
import { joined, next } from './views.ts';

/** What is the matter with a shard, in one word. */
export function shardState({ desiredNode, servingNodes, refusingNodes }: ShardSummary): string {
  if (refusingNodes.length > 0) return 'refused';
  if (servingNodes.length === 0) return 'unserved';
  return desiredNode === '' || servingNodes.includes(desiredNode) ? 'served' : 'moving';
}

/** Shards, one a line. */
export function shardsView(
  { shards, total }: { readonly shards: readonly ShardSummary[]; readonly total: number },
  { self }: { readonly self: string },
): string {
  const rows = shards.map((shard) => [
    ...[`${shard.shard}`, shardState(shard), shard.desiredNode, shard.servingNodes.join(', ')],
  ]);
  const columns = [
    { title: 'shard', align: 'right' as const },
    ...[{ title: 'state' }, { title: 'desired' }, { title: 'served by' }],
  ];
  const odd = shards.find((shard) => shardState(shard) !== 'served');
  return joined([
    shards.length === 0 ? '' : table(columns, rows),
    `${count(shards.length)} of ${count(total)} shards`,
    next(odd === undefined ? undefined : `${self} shard show ${odd.shard}`),
  ]);
}

/** One shard. */
export function shardView(answer: GetShardResponse, { self }: { readonly self: string }): string {
  const { shard, row, problems, rowProblem, servingIncarnations } = answer;
  if (shard === undefined) return '';
  const none = rowProblem === '' ? 'none: it never had an owner' : `can not be read: ${rowProblem}`;
  const mark = row?.ownerLive === true ? 'may serve' : 'is fenced';
  const served = servingIncarnations.length === 0 ? 'nobody that answers' : servingIncarnations.join(', ');
  return joined([
    problemLines(problems),
    pairs([
      ['shard', `${shard.shard}, ${shardState(shard)}`],
      ['desired', shard.desiredNode === '' ? 'no plan is known' : shard.desiredNode],
      ['served by', served],
      ['row', row === undefined ? none : `epoch ${row.epoch}, owner ${row.owner}, which ${mark}`],
      ...(shard.refusingNodes.length === 0 ? [] : [['refused by', shard.refusingNodes.join(', ')] as const]),
    ]),
    next(row === undefined ? undefined : `${self} node show ${row.ownerNode}`),
  ]);
}
