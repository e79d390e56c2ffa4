// Processes of workers, by the cluster module of Node.js. Owns: starting one, its line, its end. Does not own: what is said.

import cluster from 'node:cluster';
import { fromWorker, type ToWorker } from './messages.ts';
import type { WorkerEnd, WorkerListener, WorkerProcess } from './ports.ts';

/** Called once, before the first launch. `args`: what makes this program run a worker. */
export function prepareWorkers(args: readonly string[]): void {
  // The default everywhere but on Windows; see the head of index.ts.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ args: [...args] });
}

export function launchWorker(
  start: Extract<ToWorker, { readonly kind: 'start' }>,
  listener: WorkerListener,
): WorkerProcess {
  const worker = cluster.fork();
  let hasEnded = false;
  const end = (how: WorkerEnd): void => {
    if (hasEnded) return;
    hasEnded = true;
    listener.onEnd(how);
  };
  worker.on('message', (value: unknown) => {
    const message = fromWorker(value);
    // What arrives after the end is of no use, and must not be taken for the next process's.
    if (message !== undefined && !hasEnded) listener.onMessage(message);
  });
  worker.on('exit', (code: number | null, signal: string | null) => {
    if (signal) end({ code: undefined, text: signal });
    else end({ code: code ?? undefined, text: `exit code ${code}` });
  });
  worker.on('error', (error) => {
    // It could not be started at all; else its end follows by itself.
    if (worker.process.pid === undefined) end({ code: undefined, text: error.message });
  });
  const send = (message: ToWorker): void => {
    // What can't be sent is lost: the line of a process that ended.
    if (worker.isConnected()) worker.process.send(message, undefined, undefined, () => {});
  };
  send(start);
  return {
    pid: worker.process.pid ?? 0,
    send,
    kill: () => void worker.process.kill('SIGKILL'),
  };
}
