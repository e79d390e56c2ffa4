// One worker: a node in a process that a supervisor started. Owns: its line to the supervisor, signals, what is said when it
// can't start. Does not own: the node (node.ts).

import process from 'node:process';
import { systemClock } from '../../../cluster/clock/index.ts';
import { StartError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type RunningNode, startNode } from '../node.ts';
import type { NodeConfig } from '../settings.ts';
import type { NodeEnd } from '../stop.ts';
import { type FromWorker, type ToWorker, toWorker } from './messages.ts';
import { WorkerPlace } from './worker-place.ts';

export interface WorkerOptions {
  readonly log: (config: NodeConfig) => Logger;
}

/** How long the supervisor may take to hear why a worker does not start, milliseconds. */
const HEARD_MS_MAX = 1_000;

/**
 * Runs the worker that this process was started for; resolves when it has ended. The process ends at once when the
 * supervisor does: the cluster module of Node.js sees to it.
 * @throws StartError, and whatever else keeps the node from starting
 */
export async function runWorker({ log }: WorkerOptions): Promise<NodeEnd> {
  const line = new Line();
  const running: { node?: RunningNode } = {};
  // An interrupt from a terminal goes to every process of the group: the supervisor says what follows.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {
    // One that serves gives its shards away and is replaced by another.
    if (running.node === undefined) process.exit(1);
    void running.node.stop();
  });
  const start = await line.started;
  const { config } = start;
  const place = new WorkerPlace({ start, send: (message) => line.send(message), clock: systemClock() });
  line.onMessage((message) => {
    if (message.kind === 'stop') void running.node?.stop();
    else place.take(message);
  });
  try {
    running.node = await startNode(config, { log: log(config), place });
  } catch (error) {
    if (error instanceof StartError) {
      line.send({ kind: 'failed', message: error.message, hint: error.hint });
      await line.heard(HEARD_MS_MAX);
    }
    throw error;
  }
  const { address, hasPage, ended } = running.node;
  line.send({ kind: 'ready', http: address.http, grpc: address.grpc, hasPage });
  return ended;
}

type Start = Extract<ToWorker, { readonly kind: 'start' }>;

/** The line to the supervisor. */
class Line {
  readonly started: Promise<Start>;
  readonly #listeners: ((message: ToWorker) => void)[] = [];

  constructor() {
    if (process.send === undefined)
      throw new StartError('Only a supervisor starts workers.', 'Run: starling node --workers N', undefined);
    this.started = new Promise((resolve) => {
      this.#listeners.push((message) => message.kind === 'start' && resolve(message));
    });
    process.on('message', (value: unknown) => {
      const message = toWorker(value);
      if (message === undefined) return;
      for (const listener of this.#listeners) listener(message);
    });
  }

  onMessage(listener: (message: ToWorker) => void): void {
    this.#listeners.push(listener);
  }

  send(message: FromWorker): void {
    // What can't be sent is lost: without its supervisor the process ends.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  }

  /** Resolves when what was sent last has been noted, at the latest after `timeoutMs`. */
  heard(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.onMessage((message) => {
        if (message.kind !== 'noted') return;
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
