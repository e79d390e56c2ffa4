// `cluster status`.

import type { Command } from 'commander';
import {
  ClusterService,
  type GetClusterResponse,
  GetClusterResponseSchema,
  MemberReach,
  MemberState,
} from '../../../proto/gen/starling/admin/v1/cluster_pb.ts';
import type { Client } from '../client.ts';
import { clusterView } from '../cluster-view.ts';
import { CliError } from '../exit.ts';
import { count } from '../format.ts';
import type { Io } from '../io.ts';
import { parseDuration, parseInteger } from '../parse.ts';
import { messageJson, print, type ServerFlags, withTarget } from '../shared.ts';
import { connect } from '../target.ts';
import { until } from '../until.ts';

interface StatusFlags extends ServerFlags {
  readonly check?: boolean;
  /** Seconds. */
  readonly wait?: number;
  /** Ready and well ones that there must be. */
  readonly members?: number;
}

const { getCluster } = ClusterService.method;

/** Adds the command. */
export function addClusterCommands(program: Command, io: Io): void {
  const cluster = program.command('cluster').description('the cluster as a whole');
  withTarget(
    cluster
      .command('status')
      .description('show what is wrong and what to do, members, shards, NATS and Cassandra'),
  )
    .option('--check', 'end with 1 if anything is wrong')
    .option(
      '--wait <duration>',
      'wait until nothing is wrong and no shard is to be moved, e.g. 60s; else end with 1',
      parseDuration,
    )
    .option(
      '--members <n>',
      'count it as wrong if fewer members than this are ready and well',
      parseInteger({ min: 1, max: 1_024 }),
    )
    .action(async (flags: StatusFlags) => {
      const client = await connect(flags, io);
      const answer = await look(client, flags, io);
      print(io, flags, {
        text: () => clusterView(answer, { self: io.self }),
        json: () => messageJson(GetClusterResponseSchema, answer),
      });
      const { check, wait, members } = flags;
      if (check !== true && wait === undefined && members === undefined) return;
      const wrong = wrongWith(answer, flags);
      if (wrong !== undefined) throw new CliError('failed', wrong);
    });
}

/** Why a check does not hold; undefined where it does. */
function wrongWith(
  { members, problems, shardsMoving }: GetClusterResponse,
  { members: wanted = 0, wait }: StatusFlags,
): string | undefined {
  const ready = members.filter(
    ({ state, reach }) => state === MemberState.READY && reach === MemberReach.WELL,
  ).length;
  if (problems.length === 1) return 'One problem, listed above.';
  if (problems.length > 1) return `${count(problems.length)} problems, listed above.`;
  if (ready < wanted) return `${count(ready)} members are ready and well, not ${count(wanted)}.`;
  if (wait === undefined || shardsMoving === 0) return undefined;
  return `${count(shardsMoving)} shards are still to be moved.`;
}

/** The cluster now, or as soon as nothing is wrong with it. */
async function look(client: Client, flags: StatusFlags, io: Io): Promise<GetClusterResponse> {
  const { wait } = flags;
  if (wait === undefined) return client.call(getCluster, {});
  let last: GetClusterResponse | undefined;
  const settled = await until(io, { timeoutMs: wait * 1_000, signal: io.interruption() }, async () => {
    last = await client.call(getCluster, {});
    return wrongWith(last, flags) === undefined ? last : undefined;
  });
  const found = settled ?? last;
  if (found === undefined) throw new CliError('busy', `${client.address} did not answer.`);
  return found;
}
