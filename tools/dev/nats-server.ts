// A real nats-server with JetStream on loopback: for `make cluster`, benchmarks and tests. Run as a program it stays until
// it is interrupted: `node tools/dev/nats-server.ts [STORE_DIRECTORY]`.
//
// Owns: finding or building the program, its configuration, ready check, log and end. Does not own: what it is used for.

import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { goTool } from '../conformance/go-tool.ts';
import { endWithUs } from './end-with-us.ts';

/** What is built where none is on PATH. */
const PINNED = { module: 'github.com/nats-io/nats-server/v2', name: 'nats-server', version: 'v2.15.2' };

/** Keys that expire one by one came with it. */
const MINOR_MIN = 11;

const READY_MS_MAX = 20_000;
const STOP_MS_MAX = 10_000;

export interface NatsServerOptions {
  /** Where JetStream keeps its data, the configuration and the log. Default: a new directory that the end removes. */
  readonly directory?: string;
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Further lines of its configuration, e.g. `authorization { token: x }`. */
  readonly config?: string;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly logFile: string;
  /** The process; undefined while none runs. */
  readonly pid: number | undefined;
  /** Sends a signal, e.g. SIGSTOP; SIGKILL resolves when the process is gone. */
  signal(name: NodeJS.Signals): Promise<void>;
  /** Starts it on the same port after it was killed or stopped, with its data or, `forget`, without. */
  restart(how?: { readonly forget?: boolean }): Promise<void>;
  /** Ends it in order and removes a directory of its own making. */
  stop(): Promise<void>;
}

/** What a test hands over: its end is the server's. */
export interface TestScope {
  after(end: () => Promise<void>): void;
}

/** A server that ends with the test. */
export async function startNatsServer(
  scope: TestScope,
  options: NatsServerOptions = {},
): Promise<NatsServer> {
  const server = await runNatsServer(options);
  scope.after(() => server.stop());
  return server;
}

/**
 * Starts a server and resolves when it takes connections.
 * @throws Error that names what is missing, or quotes the end of its log
 */
export async function runNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const program = await natsServerProgram();
  const own = options.directory === undefined;
  const directory = resolve(options.directory ?? (await mkdtemp(join(tmpdir(), 'starling-nats-'))));
  await mkdir(directory, { recursive: true });
  const server = new LocalServer(
    program,
    directory,
    own,
    options.port ?? (await freePort()),
    options.config ?? '',
  );
  try {
    await server.restart();
  } catch (error) {
    if (own) await rm(directory, { recursive: true, force: true });
    throw error;
  }
  return server;
}

/** The path of a nats-server that is new enough: from PATH, else built once into the cache. */
export async function natsServerProgram(): Promise<string> {
  const found = await outputOf('nats-server', ['--version']);
  const [, major = '0', minor = '0'] = /v(\d+)\.(\d+)\./.exec(found ?? '') ?? [];
  if (Number(major) > 2 || (major === '2' && Number(minor) >= MINOR_MIN)) return 'nats-server';
  const lacking =
    found === undefined ? 'No nats-server is on PATH' : `The nats-server on PATH is ${found.trim()}`;
  const wanted = `Put nats-server 2.${MINOR_MIN} or later on PATH, or install Go, with which ${PINNED.version} is built.`;
  if ((await outputOf('go', ['version'])) === undefined)
    throw new Error(`${lacking}, and there is no Go to build one. ${wanted}`);
  try {
    return await goTool(PINNED);
  } catch (cause) {
    throw new Error(`${lacking}, and it could not be built. ${wanted}`, { cause });
  }
}

class LocalServer implements NatsServer {
  readonly url: string;
  readonly port: number;
  readonly logFile: string;
  readonly #program: string;
  readonly #directory: string;
  readonly #own: boolean;
  readonly #config: string;
  #child: { readonly pid: number; readonly ended: Promise<void>; alive: boolean } | undefined;

  constructor(program: string, directory: string, own: boolean, port: number, config: string) {
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.logFile = join(directory, 'nats-server.log');
    this.#program = program;
    this.#directory = directory;
    this.#own = own;
    this.#config = config;
  }

  get pid(): number | undefined {
    return this.#child?.alive === true ? this.#child.pid : undefined;
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.alive !== true) return;
    process.kill(child.pid, name);
    if (name === 'SIGKILL') await child.ended;
  }

  async restart({ forget = false } = {}): Promise<void> {
    await this.#end();
    const store = join(this.#directory, 'jetstream');
    if (forget) await rm(store, { recursive: true, force: true });
    const file = join(this.#directory, 'nats-server.conf');
    const lines = [
      `listen: "127.0.0.1:${this.port}"`,
      `server_name: "starling-${this.port}"`,
      `jetstream { store_dir: ${JSON.stringify(store)} }`,
      this.#config,
    ];
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    const log = await open(this.logFile, 'a');
    try {
      const process = spawn(this.#program, ['-c', file], { stdio: ['ignore', log.fd, log.fd] });
      const ended = new Promise<void>((done) => {
        process.once('exit', () => done());
        process.once('error', () => done());
      });
      const child = { pid: process.pid ?? 0, ended, alive: process.pid !== undefined };
      const watcher = endWithUs(child.pid);
      void ended.then(() => {
        child.alive = false;
        watcher();
      });
      this.#child = child;
    } finally {
      await log.close();
    }
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#end();
    if (this.#own) await rm(this.#directory, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child?.alive !== true) return;
    process.kill(child.pid, 'SIGCONT');
    process.kill(child.pid, 'SIGTERM');
    const timer = setTimeout(() => process.kill(child.pid, 'SIGKILL'), STOP_MS_MAX);
    await child.ended;
    clearTimeout(timer);
  }

  /** Ready is who greets: JetStream is up before the port is opened. */
  async #ready(): Promise<void> {
    const untilMs = performance.now() + READY_MS_MAX;
    while (this.pid !== undefined && performance.now() < untilMs) {
      if (await greets(this.port)) return;
      await new Promise((wait) => setTimeout(wait, 20));
    }
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    await this.#end();
    const tail = log.trimEnd().split('\n').slice(-8).join('\n');
    throw new Error(
      `nats-server did not become ready on port ${this.port}. The end of ${this.logFile}:\n${tail}`,
    );
  }
}

/** True when a NATS server answers on the port. */
function greets(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket: Socket = connect({ host: '127.0.0.1', port });
    const answer = (good: boolean): void => {
      socket.destroy();
      done(good);
    };
    socket.setTimeout(1_000, () => answer(false));
    socket.once('data', (bytes) => answer(bytes.toString('latin1').startsWith('INFO ')));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function outputOf(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(command, args)).stdout;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const [, , directory] = process.argv;
  const server = await runNatsServer({ port: 4222, ...(directory === undefined ? {} : { directory }) });
  console.log(`nats-server at ${server.url}, log in ${server.logFile}`);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void server.stop());
}
