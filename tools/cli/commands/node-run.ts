// `starling node`: a member of a cluster in this process. Owns: its flags, what is printed once it is ready. Does not own: the
// node (tools/node), its start and end (serve.ts).

import { type Command, Option } from 'commander';
import { CliError } from '../exit.ts';
import { span } from '../format.ts';
import type { Io } from '../io.ts';
import { collectSetting, parseInteger } from '../parse.ts';
import { readSettings, serveUntilEnd, startHere } from '../serve.ts';
import { startHostHere, workHere } from '../serve-host.ts';
import { type OutputFlags, withOutput } from '../shared.ts';

interface NodeFlags extends OutputFlags {
  readonly config?: string;
  readonly data?: string;
  readonly nats?: string;
  readonly cassandra?: string;
  readonly name?: string;
  readonly readyFile?: string;
  readonly workers?: number;
  readonly worker?: true;
  readonly set: Readonly<Record<string, string>>;
}

/** Workers of one host: beyond it a machine has sockets and memory for more hosts, not for more of these. */
const WORKERS_MAX = 64;

/** Adds `starling node`, and answers it for the commands below it. */
export function addNodeCommand(program: Command, io: Io): Command {
  return withOutput(
    program
      .command('node')
      .description('run a member of a cluster; or, below it, look at nodes and move their work'),
  )
    .option('--name <name>', 'name of the node, the same after a restart (node.name)')
    .option('--nats <servers>', 'addresses of NATS, separated by commas (nats.servers)')
    .option('--cassandra <points>', 'some nodes of Cassandra, separated by commas (cassandra.contact_points)')
    .option('--data <dir>', 'directory of the signing key and node.json (default: .starling/data)')
    .option('--config <file>', 'JSON file of settings (docs/operating/configuration.md)')
    .option('--set <key=value>', 'any setting; may be repeated', collectSetting, {})
    .option('--ready-file <file>', 'written when the node is a member: {"http", "grpc", "pid"}')
    .option(
      '--workers <n>',
      'processes that serve behind this one address, 1 to 64; each is a member of the cluster, and one that ends is replaced',
      parseInteger({ min: 1, max: WORKERS_MAX }),
    )
    .addOption(new Option('--worker', 'what --workers starts').hideHelp())
    .action((flags: NodeFlags) => runNode(flags, io));
}

async function runNode(flags: NodeFlags, io: Io): Promise<void> {
  if (flags.worker === true) return workHere(io);
  const config = await readSettings(flags, io, {
    defaults: {},
    flags: {
      data: flags.data,
      'node.name': flags.name,
      'nats.servers': flags.nats,
      'cassandra.contact_points': flags.cassandra,
    },
  });
  if (config['nats.servers'] === '') {
    throw new CliError('usage', 'A member of a cluster needs NATS and Cassandra: --nats and --cassandra.', {
      hint: 'For one node without servers: starling dev. For a whole cluster on this machine: make cluster.',
    });
  }
  const { workers } = flags;
  const what = `node ${config['node.name']}`;
  const node =
    workers === undefined
      ? await startHere(config, { ...flags, what }, io)
      : await startHostHere(config, { ...flags, workers }, io);
  const welcome = (readyMs: number): string =>
    [
      `  ready in ${span(readyMs)}`,
      '',
      `  ${node.hasPage ? 'open ' : 'serve'}  ${node.address.http}`,
      `  gRPC   ${node.address.grpc}`,
      `  look   ${io.self} cluster status --address ${node.address.http}`,
      '  stop   Ctrl-C: gives its shards away first',
      '',
    ].join('\n');
  await serveUntilEnd(node, { ...flags, welcome }, io);
}
