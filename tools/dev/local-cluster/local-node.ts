// One `starling node` in a process of its own. Owns: its directory, its ports, starting it, ending it, starting it again where
// it asked for that. Does not own: the servers that it uses, what is sent to it.
//
// Invariants:
// P1  Ports and directory stay the same over every start, so that clients find the node where it was.
// P2  A process that ended by itself after it was ready is started again, as whoever supervises nodes does; one that was ended
//     by a call here is not.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAnnouncement } from '../../node/internal.ts';
import { endWithUs } from '../end-with-us.ts';
import type { Link } from './proxy.ts';

/** Longest time from the start of the process until it is a member. */
const startMsMax = 90_000;

/** Longest time until a member serves. */
const serveMsMax = 90_000;

/** Beyond it an orderly stop becomes a kill. */
const stopMsMax = 45_000;

/** Pause before a process that ended by itself is started again. */
const reviveMs = 200;

/** Links of one node, where they were asked for. */
export interface NodeLinks {
  readonly nats: Link;
  /** One for each Cassandra node, in their order. */
  readonly cassandra: readonly Link[];
}

export interface LocalNodeOptions {
  readonly name: string;
  /** Holds data, log and ready file. */
  readonly directory: string;
  readonly port: number;
  readonly grpcPort: number;
  /** 0 = it has no page of metrics. */
  readonly metricsPort: number;
  /** Path of `tools/cli/main.ts` of the build to run. */
  readonly program: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Arguments of Node.js itself. */
  readonly execArgs: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Processes that serve, beside the first one; 1 = only that. */
  readonly workers: number;
  readonly links: NodeLinks | undefined;
  readonly onStep: (line: string) => void;
}

/** A process that ended by itself. */
export interface NodeEnd {
  readonly name: string;
  /** Exit code, or the signal. */
  readonly how: string;
}

export class LocalNode {
  readonly name: string;
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly grpcAddress: string;
  /** Of the CLI's `--data`. */
  readonly data: string;
  readonly logFile: string;
  readonly links: NodeLinks | undefined;
  readonly #options: LocalNodeOptions;
  readonly #readyFile: string;
  readonly #ends: NodeEnd[] = [];
  #environment: Readonly<Record<string, string>>;
  #program: string;
  #child: ChildProcess | undefined;
  /** What a call asked for last: whether there should be a process. */
  #wanted = false;

  constructor(options: LocalNodeOptions) {
    const { name, directory, port, grpcPort, environment, links } = options;
    this.name = name;
    this.endpoint = { host: '127.0.0.1', port };
    this.grpcAddress = `127.0.0.1:${grpcPort}`;
    this.data = join(directory, 'data');
    this.logFile = join(directory, 'node.log');
    this.links = links;
    this.#options = options;
    this.#environment = environment;
    this.#program = options.program;
    this.#readyFile = join(directory, 'ready.json');
  }

  /** Base address of gRPC-web. */
  get address(): string {
    return `http://127.0.0.1:${this.endpoint.port}`;
  }

  /** The figures of its page of metrics, summed over their labels. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`http://127.0.0.1:${this.#options.metricsPort}/metrics`);
    const figures = new Map<string, number>();
    for (const line of (await response.text()).split('\n')) {
      const [, name = '', value] = /^([a-z_]+)(?:\{.*\})? (\S+)/.exec(line) ?? [];
      if (name !== '') figures.set(name, (figures.get(name) ?? 0) + Number(value));
    }
    return figures;
  }

  /** @throws Error when it does not run */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.running) throw new Error(`node ${this.name} does not run`);
    return pid;
  }

  /** True while the process is there, be it stopped by a signal. */
  get running(): boolean {
    return this.#child !== undefined && isAlive(this.#child);
  }

  /** Processes that ended by themselves, the oldest first. */
  get ends(): readonly NodeEnd[] {
    return this.#ends;
  }

  /** Another build for the starts from now on: the path of its `tools/cli/main.ts`. */
  runs(program: string): void {
    this.#program = program;
  }

  /** Variables of the environment for the starts from now on. */
  setEnvironment(environment: Readonly<Record<string, string>>): void {
    this.#environment = environment;
  }

  /** Resolves when it is a member. @throws Error with the end of its log */
  async start(): Promise<void> {
    if (this.running) throw new Error(`node ${this.name} runs already`);
    this.#wanted = true;
    await this.#launch();
  }

  /** Resolves when it serves: `/readyz` says so. @throws Error with the end of its log */
  async serving(): Promise<void> {
    const untilMs = performance.now() + serveMsMax;
    for (;;) {
      const response = await fetch(`${this.address}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(
        () => undefined,
      );
      await response?.arrayBuffer().catch(() => undefined);
      if (response?.ok === true) return;
      if (performance.now() > untilMs)
        throw new Error(`node ${this.name} does not serve:\n${await this.logTail()}`);
      await sleep(50);
    }
  }

  /** Ends it as `kill -9` does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Asks it to give its shards away and stop, and waits. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), stopMsMax);
    await this.#end('SIGTERM');
    clearTimeout(timer);
  }

  /** Stops it in order and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Sends a signal, e.g. SIGSTOP. @throws Error when it does not run */
  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** The processes that serve, where it has several; empty where it is the only one. */
  async workers(): Promise<readonly { readonly node: string; readonly pid: number }[]> {
    return (await readAnnouncement(this.data))?.workers ?? [];
  }

  /** The last lines of its log. */
  async logTail(lines = 20): Promise<string> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    return log.trimEnd().split('\n').slice(-lines).join('\n');
  }

  async #launch(): Promise<void> {
    const { directory, execArgs, workers, name } = this.#options;
    await mkdir(directory, { recursive: true });
    await rm(this.#readyFile, { force: true });
    const log = openSync(this.logFile, 'a');
    const args = [
      ...execArgs,
      this.#program,
      'node',
      ...['--data', this.data, '--ready-file', this.#readyFile],
      ...(workers > 1 ? ['--workers', `${workers}`] : []),
      ...Object.entries(this.#settings()).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#environment },
      // Out of the terminal's group: Ctrl-C is for who started the cluster, who ends it in order.
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    let ready = false;
    const forget = endWithUs(child.pid ?? 0);
    child.once('error', forget);
    child.once('exit', (code, signal) => {
      forget();
      if (ready && this.#wanted && this.#child === child) void this.#revive(String(signal ?? code));
    });
    const untilMs = performance.now() + startMsMax;
    while (!(await isComplete(this.#readyFile))) {
      if (!isAlive(child) || performance.now() > untilMs) {
        this.#wanted = false;
        if (isAlive(child)) child.kill('SIGKILL');
        throw new Error(`node ${name} did not get ready:\n${await this.logTail()}`);
      }
      await sleep(20);
    }
    ready = true;
  }

  /** P2. */
  async #revive(how: string): Promise<void> {
    const { name, onStep } = this.#options;
    this.#ends.push({ name, how });
    onStep(`node ${name} ended by itself (${how}): started again`);
    await sleep(reviveMs);
    if (!this.#wanted || this.running) return;
    await this.#launch().catch((error: Error) => onStep(error.message));
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (child === undefined || !isAlive(child)) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    // A stopped process hears of nothing but its kill.
    child.kill('SIGCONT');
    await gone;
  }

  #settings(): Readonly<Record<string, string>> {
    const { name, port, grpcPort, settings } = this.#options;
    return { 'node.name': name, 'http.port': `${port}`, 'grpc.port': `${grpcPort}`, ...settings };
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function isComplete(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().endsWith('}');
}
