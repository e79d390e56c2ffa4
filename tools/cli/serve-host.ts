// The processes of a host, for `starling node --workers`: the first one, which watches over them, and each of them. Owns: what
// they print and log. Does not own: what they do (tools/node/supervisor).

import type { RunningHost } from '../node/index.ts';
import { type NodeConfig, VERSION } from '../node/internal.ts';
import type { Io } from './io.ts';
import { logOptions, sayEnd, stepLine } from './serve.ts';
import type { OutputFlags } from './shared.ts';

/** What makes this program run a worker. */
const WORKER_ARGS = ['node', '--worker'];

/** Starts the workers and prints the steps. */
export async function startHostHere(
  config: NodeConfig,
  { output, workers }: OutputFlags & { readonly workers: number },
  io: Io,
): Promise<RunningHost> {
  const { createLogger, startHost } = await import('../node/index.ts');
  const log = createLogger(logOptions(config, io));
  const quiet = output === 'json';
  if (!quiet) io.out(`starling ${VERSION}, node ${config['node.name']} with ${workers} workers\n`);
  const onStep = (step: Parameters<typeof stepLine>[0]): void => {
    if (!quiet) io.out(stepLine(step));
  };
  return startHost(config, { workers, log, onStep, workerArgs: WORKER_ARGS });
}

/** Runs one worker to its end. @throws CliError where it did not end by request */
export async function workHere(io: Io): Promise<void> {
  const { createLogger, runWorker } = await import('../node/index.ts');
  const end = await runWorker({
    log: (config) => {
      const options = logOptions(config, io);
      // A JSON line names its node; a line for people has to be told whose it is.
      const write =
        options.format === 'json' ? io.err : (line: string) => io.err(`${config['node.name']} ${line}`);
      return createLogger({ ...options, write });
    },
  });
  sayEnd(end);
}
