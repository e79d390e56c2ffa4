// A real development server in a process of its own. Owns: its directory, its ports over restarts, its end.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { outDir, root } from './paths.ts';

const execute = promisify(execFile);

/** What the server writes when it is ready. */
interface Ready {
  /** Base address of the page and of gRPC-web. */
  readonly http: string;
  /** Host and port of native gRPC. */
  readonly grpc: string;
  readonly pid: number;
}

/** Longest time that a start may take on a busy machine. */
const readyMsMax = 60_000;

export class Server {
  readonly #dir: string;
  readonly #log: string;
  #child: ChildProcess | undefined;
  #ready: Ready | undefined;

  private constructor(dir: string, log: string) {
    this.#dir = dir;
    this.#log = log;
  }

  /** Starts a server with an empty store. `name` names its log under out/e2e/. */
  static async start(name: string): Promise<Server> {
    await mkdir(join(outDir, 'e2e'), { recursive: true });
    const dir = await mkdtemp(join(tmpdir(), 'starling-e2e-'));
    const server = new Server(dir, join(outDir, 'e2e', `${name}.log`));
    await server.run();
    return server;
  }

  /** Base address of the page. */
  get http(): string {
    return this.#known().http;
  }

  /** Ends the process as a power cut would, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Starts on the data and the ports of before. */
  async run(): Promise<void> {
    const readyFile = join(this.#dir, 'ready.json');
    await rm(readyFile, { force: true });
    const ports =
      this.#ready === undefined ? ['0', '0'] : [portOf(this.#ready.http), portOf(this.#ready.grpc)];
    const args = [
      'dev',
      '--data',
      join(this.#dir, 'data'),
      '--port',
      ports[0] ?? '0',
      '--grpc-port',
      ports[1] ?? '0',
    ];
    const main = join(root, 'tools/cli/main.ts');
    const child = spawn(process.execPath, [main, ...args, '--ready-file', readyFile], { cwd: root });
    this.#child = child;
    const log = createWriteStream(this.#log, { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#ready = await this.#untilReady(readyFile, child);
  }

  /** Imports lines of the import format through the command line. */
  async import(records: readonly object[]): Promise<void> {
    const file = join(this.#dir, 'import.jsonl');
    await writeFile(file, records.map((record) => JSON.stringify(record)).join('\n'));
    const main = join(root, 'tools/cli/main.ts');
    await execute(process.execPath, [main, 'import', file, '--data', join(this.#dir, 'data')]);
  }

  /** Ends the server and removes its data. */
  async close(): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** The file appears as a whole when the server serves. */
  async #untilReady(file: string, child: ChildProcess): Promise<Ready> {
    const abort = new AbortController();
    const died = () => abort.abort(new Error(`The server ended before it was ready; see ${this.#log}`));
    child.once('exit', died);
    const timer = setTimeout(() => abort.abort(new Error('The server was not ready in time.')), readyMsMax);
    try {
      const events = watch(this.#dir, { signal: abort.signal });
      let ready = await readReady(file);
      if (ready !== undefined) return ready;
      for await (const _ of events) {
        ready = await readReady(file);
        if (ready !== undefined) return ready;
      }
      throw new Error('The directory of the server went away.');
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error;
    } finally {
      clearTimeout(timer);
      child.off('exit', died);
    }
  }

  #known(): Ready {
    if (this.#ready === undefined) throw new Error('The server was never ready.');
    return this.#ready;
  }
}

async function readReady(file: string): Promise<Ready | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return value as Ready;
  } catch {
    // Not there yet, or not yet whole.
    return undefined;
  }
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}
