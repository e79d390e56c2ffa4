// The supervisor's part without processes, sockets and servers: what it knows of its workers and what follows from what they
// say and how they end. Owns: the order of all that. Does not own: how a process is started (processes.ts), what is opened
// and closed around it (host.ts).
//
// Invariants:
// S1  A worker's incarnation is known here before it claims anything, so one that ends is never forgotten: its fence is
//     written, again and again until that is known to be at a quorum or the host stops.
// S2  Workers and cluster are told of an end only after its fence is at a quorum; one worker that is a member tells the
//     cluster, another one if that ends before it has said so.
// S3  A fence read answers only the process that asked, about its own incarnation.
// S4  A stop ends within stopMs: whoever is left then is killed.

import { FenceDoor, hostLimits } from '../../../cluster/host/index.ts';
import type { Timer } from '../../../runtime/index.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import { StartError } from '../errors.ts';
import type { Logger, LogLevel } from '../log.ts';
import type { FromWorker } from './messages.ts';
import type { Lives, WorkerEnd, WorkerListener, WorkerProcess } from './ports.ts';
import { ended, NO_RESTARTS, RESTART_LIMITS, type RestartLimits, type Restarts } from './restarts.ts';

export interface SupervisorOptions {
  /** Nodes of the workers. */
  readonly nodes: readonly string[];
  /** Starts the process of a node, which is sent `start` first. */
  readonly launch: (node: string, listener: WorkerListener) => WorkerProcess;
  readonly lives: Lives;
  readonly clock: Clock;
  readonly log: Logger;
  /** Longest orderly stop, milliseconds. */
  readonly stopMs: number;
  /** Workers began or ended. */
  readonly onChange: () => void;
  readonly limits?: RestartLimits;
}

/** Where the workers are reached. */
export interface Reached {
  readonly http: string;
  readonly grpc: string;
  readonly hasPage: boolean;
}

interface Worker {
  readonly node: string;
  process: WorkerProcess | undefined;
  phase: 'down' | 'starting' | 'ready';
  incarnation: string | undefined;
  readyMs: number;
  failure: StartError | undefined;
  restarts: Restarts;
  timer: Timer | undefined;
}

/** Between two attempts to write a fence, milliseconds; each is twice as long as the one before. */
const FENCE_RETRY_MS_MIN = 20;
const FENCE_RETRY_MS_MAX = 1_000;

/** Ends that the cluster was not told of yet; it finds out about older ones by itself. */
const UNTOLD_MAX = 256;

/**
 * How long the others are left alone with the shards of one that ended, milliseconds: to start a process takes a processor
 * for a second, and people wait for them.
 */
const TAKEOVER_MS = 1_000;

/** How long a stop waits for the fences of workers that did not end in order, milliseconds. */
const FENCES_MS_MAX = 2_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #limits: RestartLimits;
  readonly #door: FenceDoor;
  readonly #workers: readonly Worker[];
  readonly #whole = Promise.withResolvers<Reached>();
  readonly #end = Promise.withResolvers<void>();
  /** S2: fenced, and nobody has said yet that the cluster knows. */
  readonly #untold = new Set<string>();
  readonly #burials = new Set<Promise<void>>();
  #isWhole = false;
  /** Nothing is started any more. */
  #ending = false;
  #stopping: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#limits = options.limits ?? RESTART_LIMITS;
    const { nodes, lives } = options;
    this.#door = new FenceDoor((of) => lives.readLives(of), nodes.length * hostLimits.fenceAsksMax);
    this.#workers = nodes.map((node) => ({
      ...{ node, process: undefined, phase: 'down', incarnation: undefined, readyMs: 0 },
      ...{ failure: undefined, restarts: NO_RESTARTS, timer: undefined },
    }));
    // Whoever starts the host looks at one of them, and both fail together.
    this.#end.promise.catch(() => {});
    this.#whole.promise.catch(() => {});
  }

  /** Resolves when the host has ended. @throws StartError where a worker can't be started any more */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** Fence reads made for the workers so far. */
  get fenceReads(): number {
    return this.#door.reads;
  }

  /** The processes that run now. */
  get running(): { readonly node: string; readonly pid: number }[] {
    return this.#workers.flatMap(({ node, process }) =>
      process === undefined ? [] : [{ node, pid: process.pid }],
    );
  }

  /** Starts every worker; resolves when all are members. @throws StartError */
  start(): Promise<Reached> {
    for (const worker of this.#workers) this.#launch(worker);
    return this.#whole.promise;
  }

  /** Has every worker give its shards to other hosts and end; a second call joins the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  #launch(worker: Worker): void {
    worker.phase = 'starting';
    worker.incarnation = undefined;
    worker.failure = undefined;
    worker.timer = undefined;
    const process = this.#options.launch(worker.node, {
      onMessage: (message) => this.#onMessage(worker, message),
      onEnd: (end) => this.#onEnd(worker, end),
    });
    worker.process = process;
    this.#options.onChange();
  }

  #onMessage(worker: Worker, message: FromWorker): void {
    switch (message.kind) {
      case 'begun':
        worker.incarnation = message.incarnation;
        worker.process?.send({ kind: 'noted' });
        return;
      case 'life':
        void this.#answer(worker, message.id, message.incarnation);
        return;
      case 'ready':
        this.#onReady(worker, message);
        return;
      case 'told':
        this.#untold.delete(message.incarnation);
        return;
      case 'failed':
        worker.failure = new StartError(message.message, message.hint, undefined);
        worker.process?.send({ kind: 'noted' });
        return;
    }
  }

  /** S3. */
  async #answer(worker: Worker, id: number, incarnation: string): Promise<void> {
    const { process } = worker;
    if (process === undefined || incarnation !== worker.incarnation) return;
    const life = await this.#door.ask(incarnation).catch(() => 'unknown' as const);
    process.send({ kind: 'life', id, life });
  }

  #onReady(worker: Worker, { http, grpc, hasPage }: Reached): void {
    worker.phase = 'ready';
    worker.readyMs = this.#options.clock.monotonic();
    this.#write('info', 'a worker serves', { worker: worker.node, pid: worker.process?.pid });
    this.#tell();
    if (this.#isWhole || this.#workers.some(({ phase }) => phase !== 'ready')) return;
    this.#isWhole = true;
    this.#whole.resolve({ http, grpc, hasPage });
  }

  #onEnd(worker: Worker, end: WorkerEnd): void {
    const { clock } = this.#options;
    const { incarnation, phase, failure } = worker;
    const servedMs = phase === 'ready' ? clock.monotonic() - worker.readyMs : undefined;
    worker.process = undefined;
    worker.phase = 'down';
    this.#options.onChange();
    const inOrder = this.#ending && end.code === 0;
    if (incarnation !== undefined && !inOrder) this.#bury(worker.node, incarnation);
    // It may have been the one that was to tell of another.
    this.#tell();
    if (this.#ending) return;
    this.#write('warn', 'a worker has ended', { worker: worker.node, how: end.text });
    // What it says is wrong with settings or servers does not pass by itself.
    const hopeless = !this.#isWhole && failure !== undefined;
    const next = ended(worker.restarts, servedMs, this.#limits);
    if (hopeless || next.kind === 'give-up') {
      this.#giveUp(failure ?? this.#gaveUp(worker, end));
      return;
    }
    worker.restarts = next.state;
    const pauseMs = Math.max(next.pauseMs, this.#teller() === undefined ? 0 : TAKEOVER_MS);
    if (pauseMs === 0) this.#launch(worker);
    else worker.timer = clock.after(pauseMs, () => this.#launch(worker));
  }

  #gaveUp({ node }: Worker, { text }: WorkerEnd): StartError {
    const { failuresMax } = this.#limits;
    const what = `Worker ${node} has ended ${failuresMax} times in a row while it was starting, at last with ${text}.`;
    return new StartError(
      what,
      'Its log above says why. The other workers were stopped in order.',
      undefined,
    );
  }

  #giveUp(error: StartError): void {
    this.#end.reject(error);
    this.#write('error', 'a worker can not be started; all end', { error });
    void this.stop().then(() => this.#whole.reject(error));
  }

  /** S1. */
  #bury(node: string, incarnation: string): void {
    const burial = this.#fence(node, incarnation).finally(() => this.#burials.delete(burial));
    this.#burials.add(burial);
  }

  async #fence(node: string, incarnation: string): Promise<void> {
    const { lives, clock } = this.#options;
    const begunMs = clock.monotonic();
    for (let pauseMs = FENCE_RETRY_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, FENCE_RETRY_MS_MAX)) {
      try {
        await lives.fence(incarnation);
        break;
      } catch (error) {
        this.#write('warn', 'the fence of a worker that ended could not be written yet', {
          worker: node,
          error,
        });
        await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
      }
    }
    const elapsed_ms = Math.round(clock.monotonic() - begunMs);
    this.#write('info', 'a worker that ended is fenced', { worker: node, incarnation, elapsed_ms });
    this.#untold.add(incarnation);
    const [oldest] = this.#untold;
    if (this.#untold.size > UNTOLD_MAX && oldest !== undefined) this.#untold.delete(oldest);
    for (const { phase, process } of this.#workers.filter((each) => each !== this.#teller()))
      if (phase === 'ready') process?.send({ kind: 'ended', incarnation, tell: false });
    this.#tell();
  }

  /** S2. */
  #tell(): void {
    const teller = this.#teller();
    for (const incarnation of this.#untold) teller?.process?.send({ kind: 'ended', incarnation, tell: true });
  }

  #teller(): Worker | undefined {
    return this.#workers.find(({ phase }) => phase === 'ready');
  }

  async #stop(): Promise<void> {
    const { clock, stopMs } = this.#options;
    this.#ending = true;
    for (const worker of this.#workers) {
      worker.timer?.cancel();
      // One that is no member has nothing to give away.
      if (worker.phase === 'ready') worker.process?.send({ kind: 'stop' });
      else worker.process?.kill();
    }
    const untilMs = clock.monotonic() + stopMs;
    await this.#until(() => this.#workers.every(({ process }) => process === undefined), untilMs);
    for (const { node, process } of this.#workers) {
      if (process === undefined) continue;
      this.#write('error', 'a worker took too long to stop and is killed', { worker: node });
      process.kill();
    }
    const endMs = clock.monotonic() + FENCES_MS_MAX;
    await this.#until(() => this.running.length === 0 && this.#burials.size === 0, endMs);
    this.#end.resolve();
  }

  async #until(done: () => boolean, untilMs: number): Promise<void> {
    const { clock } = this.#options;
    while (!done() && clock.monotonic() < untilMs)
      await new Promise<void>((resolve) => clock.after(10, resolve));
  }

  #write(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#options.log({ level, message, fields: { part: 'supervisor', ...fields } });
  }
}
