// A real Cassandra server of its own, on loopback. Owns: its process from start to end, its directory, its log. Does not own:
// what is stored there.
//
// Invariants:
// 1. `start` resolves once the server answers a request of the native protocol, not when its port is open.
// 2. Nothing of a server outlives `dispose`; the log is kept where the caller named a directory.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { javaArguments, writeConfig } from './cassandra-config.ts';
import { type ServerProgram, serverProgram } from './cassandra-jars.ts';
import { answers, freePort, freePorts, type ServerPorts } from './cassandra-ports.ts';
import { endWithUs } from './end-with-us.ts';

/** Milliseconds a server may take until it answers. */
const startMsMax = 180_000;

/** Milliseconds between two looks at a server that starts. */
const lookMs = 200;

/** Milliseconds one command of nodetool may take. */
const nodetoolMsMax = 60_000;

/** Milliseconds a server may take to stop before it is killed. */
const stopMsMax = 30_000;

export interface ServerOptions {
  /** Kept after `dispose`; default: a temporary one, which is not. */
  readonly directory?: string;
  /** Number of the node, from 1: its address is 127.0.0.<number>. Default 1. */
  readonly node?: number;
  /** Addresses of the nodes that a cluster begins with, which join without a wait; default: that of the first. */
  readonly seeds?: readonly string[];
  /** Ports shared with other nodes; default: free ones. */
  readonly ports?: ServerPorts;
  /** Default `none`. */
  readonly authentication?: 'none' | 'password';
  /** Default `group`. */
  readonly commitLogSync?: 'group' | 'periodic';
  /** Mebibytes of heap; default 768. */
  readonly heapMiB?: number;
}

export const dataCenter = 'dc1';

/** One server: its process can end and be started again over the same data. */
export class CassandraServer {
  /** `host:port` of its native protocol. */
  readonly address: string;
  readonly directory: string;
  readonly #host: string;
  readonly #port: number;
  readonly #args: readonly string[];
  readonly #program: ServerProgram;
  readonly #managementPort: number;
  readonly #kept: boolean;
  readonly #accounts: boolean;
  #child: ChildProcess | undefined;

  private constructor(options: {
    readonly directory: string;
    readonly host: string;
    readonly port: number;
    readonly managementPort: number;
    readonly program: ServerProgram;
    readonly args: readonly string[];
    readonly kept: boolean;
    readonly accounts: boolean;
  }) {
    this.directory = options.directory;
    this.address = `${options.host}:${options.port}`;
    this.#host = options.host;
    this.#port = options.port;
    this.#program = options.program;
    this.#managementPort = options.managementPort;
    this.#args = options.args;
    this.#kept = options.kept;
    this.#accounts = options.accounts;
  }

  /** Sets a server up without starting it. */
  static async create(options: ServerOptions = {}): Promise<CassandraServer> {
    const program = await serverProgram();
    const { node = 1, authentication = 'none', commitLogSync = 'group', heapMiB = 768 } = options;
    const host = `127.0.0.${node}`;
    const ports = options.ports ?? (await freePorts([host]));
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'starling-cassandra-')));
    await mkdir(directory, { recursive: true });
    const conf = await writeConfig({
      directory,
      address: host,
      clusterName: 'starling',
      seeds: options.seeds ?? ['127.0.0.1'],
      storagePort: ports.storage,
      nativePort: ports.native,
      authentication,
      commitLogSync,
      dataCenter,
    });
    const managementPort = await freePort([host]);
    const args = javaArguments({ conf, directory, heapMiB, managementPort, classPath: program.classPath });
    const kept = options.directory !== undefined;
    const accounts = authentication === 'password';
    return new CassandraServer({
      directory,
      host,
      port: ports.native,
      managementPort,
      program,
      args,
      kept,
      accounts,
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws Error with the end of its log where it does not come up */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error('the server runs already');
    const output = openSync(join(this.directory, 'output.log'), 'a');
    const child = spawn(this.#program.java, this.#args, { stdio: ['ignore', output, output] });
    closeSync(output);
    this.#child = child;
    let ended: string | undefined;
    child.once('error', (error) => {
      ended = error.message;
    });
    const forget = endWithUs(child.pid ?? 0);
    child.once('exit', (code, signal) => {
      forget();
      ended ??= `ended with ${signal ?? code}`;
      if (this.#child === child) this.#child = undefined;
    });
    const untilMs = performance.now() + startMsMax;
    while (!(await this.#ready())) {
      if (ended === undefined && performance.now() < untilMs) {
        await new Promise((resolve) => setTimeout(resolve, lookMs));
        continue;
      }
      const reason = ended ?? `did not answer within ${startMsMax / 1_000} s`;
      await this.kill();
      throw new Error(
        `Cassandra at ${this.address} ${reason}. Its log: ${this.directory}\n${await this.#logEnd()}`,
      );
    }
  }

  /** Ends it cleanly. */
  async stop(): Promise<void> {
    const limit = setTimeout(() => this.#child?.kill('SIGKILL'), stopMsMax);
    await this.#end('SIGTERM');
    clearTimeout(limit);
  }

  /** Ends it as `kill -9` does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Runs a command of Cassandra's nodetool on it, e.g. `flush`, and returns what it prints. */
  async nodetool(...command: readonly string[]): Promise<string> {
    const args = [
      ...this.#args.filter((arg) => arg.startsWith('--add-')),
      '-XX:TieredStopAtLevel=1',
      '-cp',
      this.#program.classPath,
      'org.apache.cassandra.tools.NodeTool',
      '-h',
      '127.0.0.1',
      '-p',
      String(this.#managementPort),
      ...command,
    ];
    return (await promisify(execFile)(this.#program.java, args, { timeout: nodetoolMsMax })).stdout;
  }

  /** Ends it and removes its directory, unless that is the caller's. */
  async dispose(): Promise<void> {
    await this.kill();
    if (!this.#kept) await rm(this.directory, { recursive: true, force: true });
  }

  /** With accounts: once the first one can log in. */
  async #ready(): Promise<boolean> {
    if (!(await answers(this.#host, this.#port))) return false;
    if (!this.#accounts) return true;
    return (await this.#log('system.log')).includes("default superuser role 'cassandra'");
  }

  #log(name: string): Promise<string> {
    return readFile(join(this.directory, name), 'utf8').catch(() => '');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
    this.#child = undefined;
  }

  async #logEnd(): Promise<string> {
    const texts = await Promise.all(
      ['output.log', 'system.log'].map((name) =>
        readFile(join(this.directory, name), 'utf8').catch(() => ''),
      ),
    );
    return texts.map((text) => text.trimEnd().split('\n').slice(-12).join('\n')).join('\n');
  }
}

/** Starts one server. */
export async function startCassandra(options: ServerOptions = {}): Promise<CassandraServer> {
  const server = await CassandraServer.create(options);
  try {
    await server.start();
    return server;
  } catch (error) {
    // The log stays for whoever looks for the cause.
    await server.kill();
    throw error;
  }
}

/**
 * Starts a cluster of several nodes at once: all are seeds, so that none waits for another to have joined. Resolves when each
 * takes all of them as up: before that it refuses what needs a quorum.
 */
export async function startCluster(nodes: number, options: ServerOptions = {}): Promise<CassandraServer[]> {
  const seeds = Array.from({ length: nodes }, (_, at) => `127.0.0.${at + 1}`);
  const ports = await freePorts(seeds);
  const starts = seeds.map((_, at) => {
    const node = at + 1;
    const own = options.directory === undefined ? {} : { directory: join(options.directory, `node${node}`) };
    return startCassandra({ ...options, ...own, node, ports, seeds });
  });
  const ends = await Promise.allSettled(starts);
  const servers = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  for (const end of ends) {
    if (end.status === 'fulfilled') continue;
    await Promise.all(servers.map((server) => server.dispose()));
    throw end.reason;
  }
  if (nodes > 1) await Promise.all(servers.map((server) => untilUp(server, nodes)));
  return servers;
}

/** @throws Error where a server does not take so many as up in time */
async function untilUp(server: CassandraServer, nodes: number): Promise<void> {
  const untilMs = performance.now() + startMsMax;
  for (;;) {
    const status = await server.nodetool('status');
    const up = status.split('\n').filter((line) => line.startsWith('UN ')).length;
    if (up === nodes) return;
    if (performance.now() > untilMs)
      throw new Error(`${server.address} sees ${up} of ${nodes} up:\n${status}`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
