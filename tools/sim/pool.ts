// Worker processes that run seeds. Owns: their number, their ends, and that a seed that hangs or dies is a failure of that
// seed. Does not own: what a run is.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RunResult } from './run.ts';
import type { Task } from './worker.ts';

/** Real time one seed may take, milliseconds: it takes half a second, and some hundred times that where others use the machine. */
const SEED_MS_MAX = 300_000;

export interface PoolOptions {
  readonly workers: number;
  /** Arguments for Node, such as `--import`. */
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

type Going = 'go on' | 'enough';

/** Runs tasks in order of the iterator, several at a time; `done` may say that no more are to be begun. */
export async function runTasks(
  tasks: Iterator<Task>,
  options: PoolOptions,
  done: (result: RunResult, task: Task) => Going | Promise<Going>,
): Promise<void> {
  let enough = false;
  const worker = async (): Promise<void> => {
    let child: ChildProcess | undefined;
    for (;;) {
      const next = enough ? undefined : tasks.next();
      if (next === undefined || next.done === true) break;
      child ??= start(options);
      const { result, alive } = await runOne(child, next.value);
      if (!alive) child = undefined;
      if ((await done(result, next.value)) === 'enough') enough = true;
    }
    child?.kill();
  };
  await Promise.all(Array.from({ length: options.workers }, worker));
}

function start({ execArgv = [], env = {} }: PoolOptions): ChildProcess {
  const path = fileURLToPath(new URL('./worker.ts', import.meta.url));
  return fork(path, {
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

function runOne(child: ChildProcess, task: Task): Promise<{ result: RunResult; alive: boolean }> {
  return new Promise((resolve) => {
    const broken = (text: string): RunResult => ({
      seed: task.seed,
      hash: '',
      counts: {},
      trace: {},
      findings: [{ invariant: 'the run ends', text, atMs: 0 }],
    });
    const over = (result: RunResult, alive: boolean): void => {
      clearTimeout(limit);
      child.off('message', answered);
      child.off('exit', exited);
      if (!alive) child.kill('SIGKILL');
      resolve({ result, alive });
    };
    const answered = (message: unknown): void => over(message as RunResult, true);
    const exited = (code: number | null): void => over(broken(`its process ended with ${code}`), false);
    const limit = setTimeout(
      () => over(broken(`it took more than ${SEED_MS_MAX} ms of real time`), false),
      SEED_MS_MAX,
    );
    child.on('message', answered);
    child.on('exit', exited);
    child.send(task);
  });
}
