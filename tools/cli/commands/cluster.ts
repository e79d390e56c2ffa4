// `cluster status`.

import type { Command } from 'commander';
import {
  ClusterService,
  type GetClusterResponse,
  GetClusterResponseSchema,
} from '../../../proto/gen/starling/admin/v1/cluster_pb.ts';
import type { Client } from '../client.ts';
import { clusterView } from '../cluster-view.ts';
import { CliError } from '../exit.ts';
import { count } from '../format.ts';
import type { Io } from '../io.ts';
import { parseDuration } from '../parse.ts';
import { messageJson, print, type ServerFlags, withTarget } from '../shared.ts';
import { connect } from '../target.ts';
import { until } from '../until.ts';

interface StatusFlags extends ServerFlags {
  readonly check?: boolean;
  /** Seconds. */
  readonly wait?: number;
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
    .action(async (flags: StatusFlags) => {
      const client = await connect(flags, io);
      const answer = await look(client, flags, io);
      print(io, flags, {
        text: () => clusterView(answer, { self: io.self }),
        json: () => messageJson(GetClusterResponseSchema, answer),
      });
      const checked = flags.check === true || flags.wait !== undefined;
      const { problems, shardsMoving } = answer;
      if (checked && problems.length > 0)
        throw new CliError('failed', `${count(problems.length)} problems, listed above.`);
      if (flags.wait !== undefined && shardsMoving > 0)
        throw new CliError('failed', `${count(shardsMoving)} shards are still to be moved.`);
    });
}

/** The cluster now, or as soon as it is settled. */
async function look(client: Client, { wait }: StatusFlags, io: Io): Promise<GetClusterResponse> {
  if (wait === undefined) return client.call(getCluster, {});
  let last: GetClusterResponse | undefined;
  const settled = await until(io, { timeoutMs: wait * 1_000, signal: io.interruption() }, async () => {
    last = await client.call(getCluster, {});
    return last.problems.length === 0 && last.shardsMoving === 0 ? last : undefined;
  });
  const found = settled ?? last;
  if (found === undefined) throw new CliError('busy', `${client.address} did not answer.`);
  return found;
}
