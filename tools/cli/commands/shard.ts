// `shard list`, `shard show`.

import { type Command, Option } from 'commander';
import {
  ClusterService,
  GetShardResponseSchema,
  ShardFilter,
  type ShardSummary,
  ShardSummarySchema,
} from '../../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { CliError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parseActor, parseInteger, parseNode } from '../parse.ts';
import { shardsView, shardView } from '../shard-view.ts';
import { messageJson, print, type ServerFlags, withTarget } from '../shared.ts';
import { connect } from '../target.ts';

interface ListFlags extends ServerFlags {
  readonly only?: keyof typeof FILTERS;
  readonly node?: string;
}

interface ShowFlags extends ServerFlags {
  readonly actor?: { readonly kind: string; readonly key: string };
}

const FILTERS = {
  unserved: ShardFilter.UNSERVED,
  moving: ShardFilter.MOVING,
  refused: ShardFilter.REFUSED,
} as const;

const pageSize = 5_000;
const { listShards, getShard } = ClusterService.method;

/** Adds the commands. */
export function addShardCommands(program: Command, io: Io): void {
  const shard = program.command('shard').description('shards: what is placed and moved as one');
  withTarget(shard.command('list').description('list shards: the node each is meant for, and who serves it'))
    .addOption(new Option('--only <state>', 'only shards in this state').choices(Object.keys(FILTERS)))
    .option('--node <node>', 'only shards meant for this node or served by it', parseNode)
    .action((flags: ListFlags) => list(flags, io));
  withTarget(
    shard
      .command('show')
      .description('show a shard, or the one of an actor: its row, its epoch, who serves it'),
  )
    .argument('[shard]', 'number of the shard', parseInteger({ min: 0, max: 1_000_000 }))
    .option('--actor <kind/key>', 'the shard of this actor, e.g. user/main/alice', parseActor)
    .action((number: number | undefined, flags: ShowFlags) => show(number, flags, io));
}

async function list({ only, node = '', ...flags }: ListFlags, io: Io): Promise<void> {
  const client = await connect(flags, io);
  const filter = only === undefined ? ShardFilter.UNSPECIFIED : FILTERS[only];
  const shards: ShardSummary[] = [];
  let pageToken = '';
  let total = 0;
  do {
    const page = await client.call(listShards, { filter, node, pageSize, pageToken });
    shards.push(...page.shards);
    pageToken = page.nextPageToken;
    total = page.shardsTotal;
  } while (pageToken !== '');
  print(io, flags, {
    text: () => shardsView({ shards, total }, { self: io.self }),
    json: () => ({
      shards_total: total,
      shards: shards.map((each) => messageJson(ShardSummarySchema, each)),
    }),
  });
}

async function show(number: number | undefined, { actor, ...flags }: ShowFlags, io: Io): Promise<void> {
  if ((number === undefined) === (actor === undefined)) {
    throw new CliError('usage', 'Name a shard by its number, or an actor with --actor; not both.', {
      hint: `${io.self} shard show 17, or ${io.self} shard show --actor user/main/alice`,
    });
  }
  const client = await connect(flags, io);
  const answer = await client.call(
    getShard,
    actor === undefined
      ? { of: { case: 'shard', value: number ?? 0 } }
      : { of: { case: 'actor', value: actor } },
  );
  print(io, flags, {
    text: () => shardView(answer, { self: io.self }),
    json: () => messageJson(GetShardResponseSchema, answer),
  });
}
