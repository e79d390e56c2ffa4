// `starling dev`: a whole node in this process, for development. Owns: its flags, what is printed once it is ready, `--check`.
// Does not own: the node (tools/node), its start and end (serve.ts).

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { RunningNode } from '../../node/index.ts';
import { DEV_DEFAULTS, type NodeConfig } from '../../node/internal.ts';
import { span } from '../format.ts';
import type { Io } from '../io.ts';
import { collectSetting } from '../parse.ts';
import { readSettings, serveUntilEnd, startHere } from '../serve.ts';
import { type OutputFlags, withOutput } from '../shared.ts';

interface DevFlags extends OutputFlags {
  readonly config?: string;
  readonly data?: string;
  readonly host?: string;
  readonly port?: string;
  readonly grpcPort?: string;
  readonly readyFile?: string;
  readonly check?: boolean;
  readonly web: boolean;
  readonly demoUsers: boolean;
  readonly metricsPort?: string;
  readonly actors?: string;
  readonly set: Readonly<Record<string, string>>;
}

/** Adds the command. */
export function addDevCommand(program: Command, io: Io): void {
  withOutput(
    program.command('dev').description('start a node on this machine, with demo users and the web page'),
  )
    .option('--data <dir>', 'data directory (default: .starling/data)')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <n>', 'port of gRPC-web and the page, 0 = any free one (default: 7700)')
    .option('--grpc-port <n>', 'port of native gRPC, 0 = any free one (default: 7701)')
    .option('--metrics-port <n>', 'port of the page of metrics for Prometheus (default: none)')
    .option('--actors <module>', 'module with actors and services of your own (docs/extending)')
    .option('--config <file>', 'JSON file of settings (docs/operating/configuration.md)')
    .option('--set <key=value>', 'any setting; may be repeated', collectSetting, {})
    .option('--ready-file <file>', 'written when ready: {"http", "grpc", "pid"}')
    .option('--no-web', 'serve no web page')
    .option('--no-demo-users', 'make no demo users')
    .option('--check', 'start on free ports and a new directory, send a message, verify it, and exit')
    .action((flags: DevFlags) => (flags.check === true ? check(flags, io) : dev(flags, io)));
}

async function dev(flags: DevFlags, io: Io): Promise<void> {
  const config = await configure(flags, io);
  const node = await startHere(config, { ...flags, what: 'development node' }, io);
  const show = (readyMs: number): string => welcome(node, config, { self: io.self, readyMs });
  await serveUntilEnd(node, { ...flags, welcome: show }, io);
}

function configure(flags: DevFlags, io: Io): Promise<NodeConfig> {
  return readSettings(flags, io, {
    defaults: DEV_DEFAULTS,
    flags: {
      data: flags.data,
      'http.host': flags.host,
      'http.port': flags.port,
      'grpc.port': flags.grpcPort,
      'telemetry.metrics_port': flags.metricsPort,
      'actors.module': flags.actors,
      'web.enabled': flags.web ? undefined : 'false',
      'demo.users': flags.demoUsers ? undefined : 'false',
    },
  });
}

/** What is printed once the node is ready. */
export function welcome(
  node: Pick<RunningNode, 'address' | 'hasPage'>,
  config: NodeConfig,
  options: { readonly self: string; readonly readyMs: number },
): string {
  const { http, grpc } = node.address;
  const { self } = options;
  const data = config.data === '.starling/data' ? '' : ` --data ${config.data}`;
  const token = `"authorization: Bearer $(${self} token issue --user alice${data})"`;
  const signIn = 'choose a demo user; open a second window for another one';
  const open = node.hasPage
    ? [`  open   ${http}`, ...(config['demo.enabled'] ? [`         ${signIn}`] : [])]
    : [
        `  serve  ${http}`,
        ...(config['web.enabled'] ? ['         the web page is not built yet: make web'] : []),
      ];
  return [
    `  ready in ${span(options.readyMs)}, data in ${resolve(config.data)}`,
    '',
    ...open,
    `  gRPC   ${grpc}`,
    `  try    grpcurl ${http.startsWith('https') ? '' : '-plaintext '}-H ${token} ${grpc} starling.im.v1.SessionService/Navigate`,
    `         ${self} user show alice${data}`,
    '  stop   Ctrl-C',
    '',
  ].join('\n');
}

/** Starts a node of its own, tries the system, and stops it again. */
async function check(flags: DevFlags, io: Io): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-check-'));
  try {
    const own = await configure({ ...flags, data: directory, port: '0', grpcPort: '0' }, io);
    const config = { ...own, data: directory, 'http.port': 0, 'grpc.port': 0 };
    const node = await startHere(config, { ...flags, what: 'development node' }, io);
    const readyMs = io.monotonic();
    try {
      const { runCheck } = await import('../check.ts');
      const report = await runCheck(node.address.http, io.monotonic);
      if (flags.output === 'json')
        io.out(`${JSON.stringify({ ready_ms: Math.round(readyMs), ...report })}\n`);
      else {
        io.out(`  ready in ${span(readyMs)}\n`);
        for (const { name, elapsedMs } of report.steps) io.out(`  ✓ ${name}  ${span(elapsedMs)}\n`);
        io.out('ok: two people signed in, one wrote, the other was pushed the message, and history has it\n');
      }
    } finally {
      await node.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
