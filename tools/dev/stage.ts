// Runs the stages of a check one after the other. Owns: their logs, time limits, progress lines and the sum of what
// passed. Does not own: what the stages are (check.ts, test.ts).
//
// Invariants:
// 1. A stage counts as failed unless its program ran, ended with 0 and reported no failure.
// 2. A stage that reports no counts counts as one.
// 3. A stage never outlives its limit or the runner: its whole process group is ended.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { COUNTS_VARIABLE, type Counts, readCounts } from './counts.ts';

/** One step of a check. */
export interface Stage {
  /** Names the stage on the command line and its log; letters, digits and dashes. */
  readonly name: string;
  /** Program and arguments, started in the root of the repository. */
  readonly command: readonly [string, ...string[]];
  /** Minutes after which the stage is ended and counts as failed. */
  readonly minutesMax: number;
}

/** How one stage went. */
export interface StageResult extends Counts {
  readonly name: string;
  readonly seconds: number;
  readonly log: string;
  /** Why it failed; empty where it passed. */
  readonly reason: string;
}

export interface StageRunOptions {
  /** Directory for `<stage>.log`, made if missing. */
  readonly logs: string;
  /** Lines of a failing log that are shown. */
  readonly tailLines: number;
  /** Takes the progress text. */
  readonly write: (text: string) => void;
  /** Redraws the line of the running stage every second; for a terminal. */
  readonly live: boolean;
}

const KILL_AFTER_MS = 5_000;
const INTERRUPTED = 'interrupted';

/** Runs every stage, also after a failure but not after an interrupt, and returns how each went, in order. */
export async function runStages(stages: readonly Stage[], options: StageRunOptions): Promise<StageResult[]> {
  mkdirSync(options.logs, { recursive: true });
  const width = Math.max(...stages.map((stage) => stage.name.length));
  const results: StageResult[] = [];
  for (const [index, stage] of stages.entries()) {
    const label = `${String(index + 1).padStart(2)}/${stages.length} ${stage.name.padEnd(width)}`;
    const stopProgress = showProgress(label, options);
    const result = await runStage(stage, options.logs);
    stopProgress();
    results.push(result);
    options.write(`${label}  ${describe(result)}\n`);
    if (result.reason !== '') options.write(failureText(result, options.tailLines));
    if (result.reason === INTERRUPTED) break;
  }
  return results;
}

/** Runs one stage to its end. */
export async function runStage(stage: Stage, logs: string): Promise<StageResult> {
  const log = join(logs, `${stage.name}.log`);
  const counts = join(logs, `${stage.name}.counts`);
  rmSync(counts, { force: true });
  const began = process.hrtime.bigint();
  const failure = await runCommand(stage, log, counts);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  return { name: stage.name, seconds, log, ...judge(failure, counts) };
}

function judge(failure: string, countsPath: string): Counts & { readonly reason: string } {
  let counts: Counts | undefined;
  try {
    counts = readCounts(countsPath);
  } catch (error) {
    return { passed: 0, failed: 1, reason: `its counts cannot be read: ${String(error)}` };
  }
  const { passed, failed } = counts ?? { passed: failure === '' ? 1 : 0, failed: failure === '' ? 0 : 1 };
  if (failure !== '') return { passed, failed: Math.max(failed, 1), reason: failure };
  if (failed > 0) return { passed, failed, reason: `${failed} failed` };
  return passed === 0 ? { passed, failed: 1, reason: 'nothing was run' } : { passed, failed, reason: '' };
}

/** Resolves with an empty text when the command ended with 0, else with what happened. */
function runCommand(stage: Stage, log: string, counts: string): Promise<string> {
  const [program, ...args] = stage.command;
  const output = openSync(log, 'w');
  return new Promise((resolve) => {
    // A group of its own, so that everything the stage starts can be ended with it.
    const child = spawn(program, args, {
      stdio: ['ignore', output, output],
      detached: true,
      env: { ...process.env, [COUNTS_VARIABLE]: counts },
    });
    let reason = '';
    const endGroup = (why: string): void => {
      reason = why;
      signalGroup(child.pid, 'SIGTERM');
      setTimeout(() => signalGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS).unref();
    };
    const limit = setTimeout(
      () => endGroup(`not done after ${stage.minutesMax} minutes`),
      stage.minutesMax * 60_000,
    );
    const interrupt = (): void => endGroup(INTERRUPTED);
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    const settle = (outcome: string): void => {
      clearTimeout(limit);
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
      // What the stage started and left running ends here.
      signalGroup(child.pid, 'SIGKILL');
      closeSync(output);
      resolve(reason === '' ? outcome : reason);
    };
    child.once('error', (error) => settle(`${program} could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      settle(code === 0 ? '' : code === null ? `ended by ${signal}` : `ended with ${code}`),
    );
  });
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

function showProgress(label: string, options: StageRunOptions): () => void {
  if (!options.live) return () => {};
  let seconds = 0;
  options.write(`${label}  …`);
  const timer = setInterval(() => {
    seconds += 1;
    options.write(`\r${label}  … ${seconds} s`);
  }, 1_000);
  return () => {
    clearInterval(timer);
    options.write('\r\x1b[K');
  };
}

function describe(result: StageResult): string {
  const time = `${result.seconds.toFixed(1).padStart(6)} s`;
  const counts = `${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ''}`;
  return `${result.reason === '' ? 'ok  ' : 'FAIL'} ${time}  ${counts}`;
}

function failureText(result: StageResult, tailLines: number): string {
  const lines = readFileSync(result.log, 'utf8').trimEnd().split('\n');
  const tail = lines.slice(-tailLines).map((line) => `    | ${line}\n`);
  return `    ${result.name}: ${result.reason}; whole log in ${result.log}\n${tail.join('')}`;
}
