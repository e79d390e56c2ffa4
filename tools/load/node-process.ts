// A node in a process of its own. Owns: starting it on given data and ports, knowing when it is ready, ending it, and
// what the operating system says of its use of processor and memory. Does not own: what is sent to it.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CrashNode } from './crash/run.ts';
import type { Endpoint } from './wire.ts';

/** The program `starling`. */
export const STARLING = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;

export interface NodeOptions {
  /** Directory for the data, the log and the ready file. */
  readonly directory: string;
  readonly port: number;
  readonly grpcPort: number;
  /** Arguments of Node.js itself, e.g. `--cpu-prof`. Default none. */
  readonly execArgs?: readonly string[];
}

/** One `starling dev`. */
export class NodeProcess implements CrashNode {
  readonly endpoint: Endpoint;
  readonly grpcPort: number;
  readonly data: string;
  readonly #options: NodeOptions;
  readonly #readyFile: string;
  #child: ChildProcess | undefined;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.endpoint = { host: '127.0.0.1', port: options.port };
    this.grpcPort = options.grpcPort;
    this.data = join(options.directory, 'data');
    this.#readyFile = join(options.directory, 'ready.json');
  }

  /** Base address of gRPC-web. */
  get address(): string {
    return `http://127.0.0.1:${this.endpoint.port}`;
  }

  /** Process id. @throws Error when it does not run */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the node does not run');
    return pid;
  }

  /** Resolves when the node says that it is ready. @throws Error with the end of its log */
  async start(): Promise<void> {
    const { directory, port, grpcPort, execArgs = [] } = this.#options;
    await rm(this.#readyFile, { force: true });
    const log = openSync(join(directory, 'node.log'), 'a');
    const child = spawn(
      process.execPath,
      [
        ...execArgs,
        STARLING,
        'dev',
        ...['--data', this.data, '--port', `${port}`, '--grpc-port', `${grpcPort}`],
        ...['--ready-file', this.#readyFile, '--no-web', '--no-demo-users'],
      ],
      { stdio: ['ignore', log, log] },
    );
    closeSync(log);
    this.#child = child;
    const deadline = performance.now() + READY_MS_MAX;
    while (!(await isComplete(this.#readyFile))) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline)
        throw new Error(`the node did not get ready:\n${await this.logTail()}`);
      await sleep(3);
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Asks it to stop in order, and waits. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => void this.kill(), STOP_MS_MAX);
    await this.#end('SIGTERM');
    clearTimeout(timer);
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** True while the process runs. */
  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last lines of its log. */
  async logTail(): Promise<string> {
    const log = await readFile(join(this.#options.directory, 'node.log'), 'utf8').catch(() => '');
    return log.split('\n').slice(-20).join('\n');
  }

  async backendToken(): Promise<string> {
    const { token } = await this.starling<{ token: string }>([
      'token',
      'issue',
      ...['--scope', 'backend', '--user', 'load'],
    ]);
    return token;
  }

  /** Runs a command of the CLI against this node and reads its JSON. @throws Error when it fails */
  async starling<T>(args: readonly string[]): Promise<T> {
    const all = [STARLING, ...args, '--data', this.data, '-o', 'json'];
    const { stdout } = await promisify(execFile)(process.execPath, all, { maxBuffer: 64 * 1024 * 1024 });
    return JSON.parse(stdout) as T;
  }
}

async function isComplete(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().endsWith('}');
}

/** A node on a fresh directory and free ports; `dispose` ends it and removes the directory. */
export async function freshNode(
  name: string,
  execArgs: readonly string[] = [],
): Promise<{ node: NodeProcess; dispose: (keep?: boolean) => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), `starling-${name}-`));
  const node = new NodeProcess({ directory, port: await freePort(), grpcPort: await freePort(), execArgs });
  const dispose = async (keep = false): Promise<void> => {
    await node.kill();
    if (!keep) await rm(directory, { recursive: true, force: true });
  };
  return { node, dispose };
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** Clock ticks a second in /proc; 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** Processor time of a process and those it started, seconds, user and system together. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const each of processTree(pid)) {
    const stat = readFileSync(`/proc/${each}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Memory in use by a process and those it started, bytes. */
export function residentBytes(pid: number): number {
  let kib = 0;
  for (const each of processTree(pid)) {
    const status = readFileSync(`/proc/${each}/status`, 'latin1');
    kib += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  }
  return kib * 1024;
}

function processTree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}
