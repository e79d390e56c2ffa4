// What a command may touch outside of itself. Owns: the shape of it and the one made from this process. Tests give another.

import { once } from 'node:events';
import process from 'node:process';
import { EXIT_CODES } from './exit.ts';

export interface Io {
  /** Results. */
  readonly out: (text: string) => void;
  /** Resolves when standard output can take more. */
  readonly drained: () => Promise<void>;
  /** Everything else: progress, hints, errors. */
  readonly err: (text: string) => void;
  /** Standard output is a terminal. */
  readonly outTty: boolean;
  /** Standard error is a terminal. */
  readonly errTty: boolean;
  /** Columns of the terminal. */
  readonly columns: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number;
  /** Milliseconds since the process began; never run backwards. */
  readonly monotonic: () => number;
  /** How this program was called, for hints: `starling`, or `node tools/cli/main.ts`. */
  readonly self: string;
  /** Aborted by the first SIGINT or SIGTERM, once a command has asked for it. */
  readonly interruption: () => AbortSignal;
}

/** The terminal, environment and clocks of this process. */
export function processIo(self: string): Io {
  let signal: AbortSignal | undefined;
  return {
    out: (text) => void process.stdout.write(text),
    drained: async () => {
      if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
    },
    err: (text) => void process.stderr.write(text),
    outTty: process.stdout.isTTY === true,
    errTty: process.stderr.isTTY === true,
    columns: process.stdout.columns ?? 120,
    environment: process.env,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    self,
    interruption: () => {
      signal ??= onInterrupt();
      return signal;
    },
  };
}

/** The first signal asks, the second one does not wait. */
function onInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(EXIT_CODES.interrupted.code);
      controller.abort();
    });
  }
  return controller.signal;
}
