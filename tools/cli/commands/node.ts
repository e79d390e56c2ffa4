// `node list`, `node show`, `node drain`, `node uncordon`, `node remove`: what is below `node`, which itself runs one.

import type { Command } from 'commander';
import { InspectNodeResponseSchema, InspectService } from '../../../proto/gen/starling/admin/v1/admin_pb.ts';
import {
  ClusterService,
  DrainNodeResponseSchema,
  GetClusterResponseSchema,
  type GetNodeResponse,
  GetNodeResponseSchema,
  MemberReach,
  RemoveAction,
  RemoveNodeResponseSchema,
  UncordonNodeResponseSchema,
} from '../../../proto/gen/starling/admin/v1/cluster_pb.ts';
import type { Client } from '../client.ts';
import { drainPlan, membersView, memberView, removePlan } from '../cluster-view.ts';
import { CliError } from '../exit.ts';
import { count, span } from '../format.ts';
import type { Io } from '../io.ts';
import { parseDuration, parseNode } from '../parse.ts';
import { Progress } from '../progress.ts';
import { RpcError } from '../rpc-error.ts';
import { messageJson, print, type ServerFlags, withTarget } from '../shared.ts';
import { connect } from '../target.ts';
import { until } from '../until.ts';
import { nodeView } from '../views.ts';

interface ActFlags extends ServerFlags {
  readonly dryRun?: boolean;
}

interface WaitingFlags extends ActFlags {
  /** Seconds. */
  readonly timeout: number;
  readonly wait: boolean;
}

const { getCluster, getNode, drainNode, uncordonNode, removeNode } = ClusterService.method;
const { inspectNode } = InspectService.method;

/** Adds the commands; `node`: the command `starling node`. */
export function addNodeCommands(node: Command, io: Io): void {
  withTarget(node.command('list').description('list the members of the cluster')).action(
    async (flags: ServerFlags) => {
      const client = await connect(flags, io);
      const answer = await client.call(getCluster, {});
      print(io, flags, {
        text: () => membersView(answer, { self: io.self }),
        json: () => messageJson(GetClusterResponseSchema, answer),
      });
    },
  );
  withTarget(node.command('show').description('show a member; without a name the node that answers'))
    .argument('[node]', 'name of the node, or an incarnation', parseNode)
    .action((name: string | undefined, flags: ServerFlags) =>
      name === undefined ? showAnswering(flags, io) : showMember(name, flags, io),
    );
  withWait(
    withTarget(node.command('drain').description('have a node give all its shards away, and take none')),
  )
    .option('--dry-run', 'only say how many shards would go where')
    .action((name: string, flags: WaitingFlags) => drain(name, flags, io));
  withTarget(node.command('uncordon').description('have a drained node take shards again'))
    .argument('<node>', 'name of the node, or an incarnation', parseNode)
    .option('--dry-run', 'change nothing')
    .action((name: string, flags: ActFlags) => uncordon(name, flags, io));
  withWait(
    withTarget(
      node
        .command('remove')
        .description('take a node out: stops a drained one, fences one whose process is gone'),
    ),
  )
    .option('--dry-run', 'only say what would be done')
    .option('--force', 'fence it even if it runs and serves; nothing acknowledged is lost')
    .action((name: string, flags: WaitingFlags & { force?: boolean }) => remove(name, flags, io));
}

function withWait(command: Command): Command {
  return command
    .argument('<node>', 'name of the node, or an incarnation', parseNode)
    .option('--no-wait', 'end once it has begun')
    .option('--timeout <duration>', 'wait at most so long', parseDuration, 300);
}

async function showAnswering(flags: ServerFlags, io: Io): Promise<void> {
  const client = await connect(flags, io);
  const answer = await client.call(inspectNode, {});
  print(io, flags, {
    text: () => nodeView(client.address, answer, { now: io.now(), self: io.self }),
    json: () => ({
      address: client.address,
      ...(messageJson(InspectNodeResponseSchema, answer) as object),
    }),
  });
}

async function showMember(name: string, flags: ServerFlags, io: Io): Promise<void> {
  const client = await connect(flags, io);
  const answer = await client.call(getNode, { node: name });
  print(io, flags, {
    text: () => memberView(answer, { self: io.self }),
    json: () => messageJson(GetNodeResponseSchema, answer),
  });
}

async function drain(name: string, flags: WaitingFlags, io: Io): Promise<void> {
  const client = await connect(flags, io);
  const dryRun = flags.dryRun === true;
  const begun = await client.call(drainNode, { node: name, dryRun });
  const json = (left: number): object => ({
    ...(messageJson(DrainNodeResponseSchema, begun) as object),
    dry_run: dryRun,
    shards_left: left,
  });
  const before = begun.member?.shardsServing ?? 0;
  if (dryRun || !flags.wait) {
    const going = `${name} gives its shards away, ${count(before)} of them: ${io.self} node show ${name}\n`;
    print(io, flags, {
      text: () => (dryRun ? drainPlan(name, begun) : going),
      json: () => json(before),
    });
    return;
  }
  const startedMs = io.monotonic();
  const left = await followDrain(
    client,
    { name, before, incarnation: begun.member?.incarnation ?? '' },
    flags,
    io,
  );
  const took = span(io.monotonic() - startedMs);
  print(io, flags, {
    text: () =>
      left > 0
        ? ''
        : `${name} serves no shard any more (${took}). Restart it, or: ${io.self} node remove ${name}\n`,
    json: () => json(left),
  });
  if (left === 0) return;
  throw new CliError(
    'busy',
    `${name} still serves ${count(left)} shards after ${took}, and goes on giving them away.`,
    {
      hint: `See why: ${io.self} cluster status. To take it back: ${io.self} node uncordon ${name}.`,
    },
  );
}

interface Followed {
  readonly name: string;
  readonly incarnation: string;
  /** Shards at the start. */
  readonly before: number;
}

/** Shows how many shards are left, until none is or the time is over. */
async function followDrain(
  client: Client,
  { name, incarnation, before }: Followed,
  flags: WaitingFlags,
  io: Io,
): Promise<number> {
  const progress = new Progress({
    ...{ unit: 'shards', write: io.err, interactive: io.errTty, now: io.monotonic },
  });
  let left = before;
  const options = { timeoutMs: flags.timeout * 1_000, signal: io.interruption() };
  try {
    await until(io, options, async () => {
      const { member } = await client.call(getNode, { node: incarnation });
      left = member?.shardsServing ?? 0;
      progress.update({ done: Math.max(0, before - left), total: before });
      return left === 0 ? true : undefined;
    });
  } catch (error) {
    if (!options.signal.aborted) throw error;
    throw new CliError('interrupted', `${name} goes on giving its shards away; ${count(left)} are left.`, {
      hint: `To take it back: ${io.self} node uncordon ${name}.`,
    });
  } finally {
    progress.end();
  }
  return left;
}

async function uncordon(name: string, flags: ActFlags, io: Io): Promise<void> {
  const client = await connect(flags, io);
  const dryRun = flags.dryRun === true;
  const answer = await client.call(uncordonNode, { node: name, dryRun });
  const does = dryRun ? 'would take' : 'takes';
  print(io, flags, {
    text: () => (answer.changed ? `${name} ${does} shards again.\n` : `${name} takes shards already.\n`),
    json: () => ({
      ...(messageJson(UncordonNodeResponseSchema, answer) as object),
      dry_run: dryRun,
    }),
  });
}

async function remove(name: string, flags: WaitingFlags & { force?: boolean }, io: Io): Promise<void> {
  const client = await connect(flags, io);
  const dryRun = flags.dryRun === true;
  const answer = await client.call(removeNode, { node: name, dryRun, force: flags.force === true });
  const { action, membersTold } = answer;
  const json = () => ({
    ...(messageJson(RemoveNodeResponseSchema, answer) as object),
    dry_run: dryRun,
  });
  if (dryRun) {
    print(io, flags, { text: () => removePlan(name, answer), json });
    return;
  }
  const incarnation = answer.member?.incarnation ?? name;
  if (action === RemoveAction.STOP && flags.wait) await followStop(client, incarnation, flags, io);
  const stopped = flags.wait ? 'is stopped' : 'is stopping';
  const fenced = `${incarnation} is fenced, ${count(membersTold)} members were told: its shards are theirs now.`;
  print(io, flags, {
    text: () =>
      `${action === RemoveAction.STOP ? `${name} ${stopped}.` : fenced} Started again, it joins as a new process.\n`,
    json,
  });
}

/** Waits until a process is gone. */
async function followStop(client: Client, incarnation: string, flags: WaitingFlags, io: Io): Promise<void> {
  const options = { timeoutMs: flags.timeout * 1_000, signal: io.interruption() };
  let last: GetNodeResponse | undefined;
  const gone = await until(io, options, async () => {
    try {
      last = await client.call(getNode, { node: incarnation });
      const reach = last.member?.reach;
      return reach === MemberReach.SILENT || reach === MemberReach.REPLACED ? true : undefined;
    } catch (error) {
      if (error instanceof RpcError && error.status === 'NOT_FOUND') return true;
      // The node that answers may be the one that ends.
      const itself = last?.member !== undefined && last.answeredBy === last.member.node;
      if (itself && error instanceof CliError && error.exit === 'unreachable') return true;
      throw error;
    }
  });
  if (gone === undefined) throw new CliError('busy', `${incarnation} was asked to stop and still answers.`);
}
