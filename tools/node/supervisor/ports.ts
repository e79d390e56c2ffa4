// What a supervisor stands on: processes and the marks of lives. Owns: the shapes.

import type { ShardTable } from '../../../runtime/index.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** How a process ended. */
export interface WorkerEnd {
  /** Undefined where a signal ended it. */
  readonly code: number | undefined;
  /** For people: `exit code 1`, `SIGKILL`. */
  readonly text: string;
}

/** A process that runs a worker. */
export interface WorkerProcess {
  readonly pid: number;
  /** May be lost where the process ends. */
  send(message: ToWorker): void;
  kill(): void;
}

export interface WorkerListener {
  onMessage(message: FromWorker): void;
  /** Called once, last, when the process is surely gone. */
  onEnd(end: WorkerEnd): void;
}

export interface Lives {
  readLives(incarnations: readonly string[]): Promise<ReadonlySet<string>>;
  fence: ShardTable['fence'];
}
