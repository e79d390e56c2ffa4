// The first process of a host with several workers. Owns: what is opened and made around the supervisor, the settings of each
// worker, where the host says that it is. Does not own: what follows from what workers say (supervisor.ts).

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CassandraDatabase, openCassandra } from '../../../cluster/cassandra/index.ts';
import { systemClock } from '../../../cluster/clock/index.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import { cassandraOptions } from '../backing/connections.ts';
import { patiently } from '../backing/patience.ts';
import { explainStart, StartError } from '../errors.ts';
import { announce, type NodeAddress, withdraw } from '../files.ts';
import { ensureKeyFile, keyFileOf } from '../key-file.ts';
import type { Logger } from '../log.ts';
import type { StartStep } from '../node.ts';
import type { NodeConfig } from '../settings.ts';
import { launchWorker, prepareWorkers } from './processes.ts';
import { Supervisor } from './supervisor.ts';

export interface HostOptions {
  /** Processes that serve, 1 to 64. */
  readonly workers: number;
  readonly log: Logger;
  /** Called after each step of the start. Default: nothing. */
  readonly onStep?: (step: StartStep) => void;
  /** Arguments that make this program run a worker. */
  readonly workerArgs: readonly string[];
}

/** A host whose workers are members. */
export interface RunningHost {
  readonly address: NodeAddress;
  readonly hasPage: boolean;
  /** Resolves when it has ended by request. @throws StartError where a worker can't be started any more */
  readonly ended: Promise<'stopped'>;
  /** Stops in order: every worker gives its shards to other hosts. A second call joins the first. */
  stop(): Promise<void>;
}

/** Longest path of a socket that every system takes, bytes. */
const SOCKET_BYTES_MAX = 100;

/** Room beyond drain and grace for the end of a worker's process, milliseconds. */
const END_MS = 4_000;

/** Name of the node of the nth worker. */
function workerName(config: NodeConfig, n: number): string {
  return `${config['node.name']}-w${n}`;
}

/** Starts the workers of a host. @throws StartError, ConfigError */
export async function startHost(config: NodeConfig, options: HostOptions): Promise<RunningHost> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    return await compose(config, options, undo);
  } catch (error) {
    for (const step of undo) await step().catch(() => {});
    throw explainStart(error, config, undefined);
  }
}

async function compose(
  config: NodeConfig,
  options: HostOptions,
  undo: (() => Promise<unknown>)[],
): Promise<RunningHost> {
  const { log, onStep = () => undefined } = options;
  const clock = systemClock();
  let begunMs = clock.monotonic();
  const done = (name: StartStep['name'], detail: string): void => {
    onStep({ name, detail, elapsedMs: clock.monotonic() - begunMs });
    begunMs = clock.monotonic();
  };
  // Once for all of them: each would make its own.
  await ensureKeyFile(keyFileOf(config));
  const database = await openDatabase(config, clock, log);
  undo.unshift(() => database.close());
  done('store opened', `Cassandra ${config['cassandra.contact_points']}`);
  const directory = await mkdtemp(join(tmpdir(), 'starling-'));
  undo.unshift(() => rm(directory, { recursive: true, force: true }));
  const settled = await withPorts(config);
  const sockets = socketsOf(settled, options.workers, directory);
  const plan = planOf(settled, options, sockets);
  const files = new Announcement(config.data);
  const supervisor: Supervisor = new Supervisor({
    nodes: Object.keys(sockets),
    launch: plan,
    lives: database.shards(),
    clock,
    log,
    stopMs: config['stop.drain_ms'] + config['stop.grace_ms'] + END_MS,
    onChange: () => files.update(supervisor.running),
  });
  const { http, grpc, hasPage } = await supervisor.start();
  done('cluster joined', `${options.workers} workers`);
  const address = { http, grpc, pid: process.pid };
  await files.begin(address, supervisor.running);
  log({ level: 'info', message: 'host ready', fields: { http, grpc, workers: options.workers } });
  const close = async (): Promise<void> => {
    await files.end();
    for (const step of undo) await step().catch(() => {});
  };
  const ended = supervisor.ended.then(
    async () => {
      await close();
      return 'stopped' as const;
    },
    async (error: unknown) => {
      await supervisor.stop();
      await close();
      throw error;
    },
  );
  ended.catch(() => {});
  return { address, hasPage, ended, stop: () => supervisor.stop() };
}

async function openDatabase(config: NodeConfig, clock: Clock, log: Logger): Promise<CassandraDatabase> {
  const options = { config, clock, log, address: () => '' };
  const opened = await cassandraOptions(options);
  return patiently(options, 'Cassandra', () => openCassandra(opened));
}

/** Workers that begin later must find the ports of those before, so a free one is chosen here. */
async function withPorts(config: NodeConfig): Promise<NodeConfig> {
  const host = config['http.host'];
  const grpcHost = config['grpc.host'] === '' ? host : config['grpc.host'];
  const http = config['http.port'] === 0 ? await freePort(host) : config['http.port'];
  const grpc = config['grpc.port'] === 0 ? await freePort(grpcHost) : config['grpc.port'];
  return { ...config, 'http.port': http, 'grpc.port': grpc };
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function socketsOf(config: NodeConfig, workers: number, directory: string): Readonly<Record<string, string>> {
  const sockets: Record<string, string> = {};
  for (let n = 1; n <= workers; n++) {
    const path = join(directory, `w${n}`);
    if (Buffer.byteLength(path) > SOCKET_BYTES_MAX) {
      const hint = 'Set TMPDIR to a directory with a shorter path, e.g. /tmp.';
      throw new StartError(`${path} is too long for the path of a socket.`, hint, undefined);
    }
    sockets[workerName(config, n)] = path;
  }
  return sockets;
}

/** How the process of a node is started. */
function planOf(
  config: NodeConfig,
  { workerArgs }: HostOptions,
  sockets: Readonly<Record<string, string>>,
): ConstructorParameters<typeof Supervisor>[0]['launch'] {
  prepareWorkers(workerArgs);
  const nodes = Object.keys(sockets);
  return (node, listener) => {
    const start = { kind: 'start', host: config['node.name'], sockets } as const;
    return launchWorker({ ...start, config: workerConfig(config, node, nodes.indexOf(node)) }, listener);
  };
}

/** The settings of one worker; `index` from 0. */
function workerConfig(config: NodeConfig, node: string, index: number): NodeConfig {
  const metricsPort = config['telemetry.metrics_port'];
  return {
    ...config,
    'node.name': node,
    // Each has figures of its own.
    'telemetry.metrics_port': metricsPort === 0 ? 0 : metricsPort + index,
    'demo.users': config['demo.users'] && index === 0,
  };
}

/** `node.json`, kept as it is while workers come and go. Writes follow each other. */
class Announcement {
  readonly #directory: string;
  #address: NodeAddress | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(directory: string) {
    this.#directory = directory;
  }

  begin(address: NodeAddress, workers: NodeAddress['workers']): Promise<void> {
    this.#address = address;
    return announce(this.#directory, { ...address, ...(workers && { workers }) });
  }

  update(workers: NodeAddress['workers']): void {
    const address = this.#address;
    if (address === undefined) return;
    // A file that could not be written says what it said before.
    this.#last = this.#last
      .then(() => announce(this.#directory, { ...address, ...(workers && { workers }) }))
      .catch(() => {});
  }

  async end(): Promise<void> {
    this.#address = undefined;
    await this.#last;
    await withdraw(this.#directory).catch(() => {});
  }
}
