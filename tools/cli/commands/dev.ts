// `starling dev`: a whole node in this process, for development. Owns: what is printed while it starts, the ready file,
// signals, `--check`. Does not own: the node (tools/node).

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { RunningNode, StartStep } from '../../node/index.ts';
import { DEV_DEFAULTS, type NodeConfig, resolveConfig, VERSION, writeAtomic } from '../../node/internal.ts';
import { CliError } from '../exit.ts';
import { span } from '../format.ts';
import type { Io } from '../io.ts';
import { collectSetting } from '../parse.ts';
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
  const config = await configure(flags, io, {});
  const node = await start(config, flags, io);
  const interruption = io.interruption();
  if (flags.readyFile !== undefined) {
    await writeAtomic(flags.readyFile, `${JSON.stringify(node.address)}\n`);
  }
  const readyMs = io.monotonic();
  if (flags.output === 'json')
    io.out(`${JSON.stringify({ ...node.address, ready_ms: Math.round(readyMs) })}\n`);
  else io.out(welcome(node, config, { self: io.self, readyMs }));
  const stop = (): void => {
    if (io.errTty) io.err('\nstopping; once more to stop at once\n');
    void node.stop();
  };
  if (interruption.aborted) stop();
  else interruption.addEventListener('abort', stop, { once: true });
  const end = await node.ended;
  if (flags.readyFile !== undefined) await rm(flags.readyFile, { force: true });
  if (end === 'broken') {
    throw new CliError('broken', 'The store failed; what was acknowledged is kept.', {
      hint: 'Look at the log above and at the disk, then start again.',
    });
  }
}

async function configure(flags: DevFlags, io: Io, overrides: Partial<NodeConfig>): Promise<NodeConfig> {
  const { STARLING_CONFIG } = io.environment;
  const path = flags.config ?? STARLING_CONFIG;
  const settings: Record<string, string> = {
    ...flags.set,
    ...(flags.data === undefined ? {} : { data: flags.data }),
  };
  if (flags.host !== undefined) settings['http.host'] = flags.host;
  if (flags.port !== undefined) settings['http.port'] = flags.port;
  if (flags.grpcPort !== undefined) settings['grpc.port'] = flags.grpcPort;
  if (flags.metricsPort !== undefined) settings['telemetry.metrics_port'] = flags.metricsPort;
  if (flags.actors !== undefined) settings['actors.module'] = flags.actors;
  if (!flags.web) settings['web.enabled'] = 'false';
  if (!flags.demoUsers) settings['demo.users'] = 'false';
  const { config } = resolveConfig({
    defaults: DEV_DEFAULTS,
    environment: io.environment,
    flags: settings,
    ...(path === undefined ? {} : { file: { name: path, value: await readJson(path) } }),
  });
  return { ...config, ...overrides };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new CliError('usage', `Cannot read the configuration ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function start(config: NodeConfig, flags: DevFlags, io: Io): Promise<RunningNode> {
  const { createLogger, startNode } = await import('../../node/index.ts');
  const format = config['log.format'] === 'auto' ? (io.errTty ? 'pretty' : 'json') : config['log.format'];
  const level = config['log.level'];
  const fields = { node: config['node.name'] };
  const log = createLogger({ level, format, fields, now: io.now, write: io.err });
  const quiet = flags.output === 'json';
  if (!quiet) io.out(`starling ${VERSION}, development node\n`);
  return startNode(config, { log, onStep: (step) => (quiet ? undefined : io.out(stepLine(step))) });
}

function stepLine({ name, detail, elapsedMs }: StartStep): string {
  return `  ✓ ${name.padEnd(15)} ${span(elapsedMs).padStart(6)}  ${detail}`.trimEnd().concat('\n');
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
    const overrides = { data: directory, 'http.port': 0, 'grpc.port': 0 };
    const config = await configure({ ...flags, data: directory, port: '0', grpcPort: '0' }, io, overrides);
    const node = await start(config, flags, io);
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
