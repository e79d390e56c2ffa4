// Builds a verifier from a model with spin and gcc, runs it, and replays the counter-example it finds.
//
// Invariants:
// 1. A verifier never outlives its time limit or this process.
// 2. What is built lives in the folder given and nowhere else.

import { spawn } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, definesOf } from './case.ts';
import { type PanReport, parsePan, parseTrace, type TraceStep } from './pan-report.ts';

/** Steps of one path, far above any that these models have: a path cut short is a failure all the same. */
const DEPTH_MAX = 100_000;
const BUILD_SECONDS_MAX = 120;
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/** How one case ended. */
export interface Outcome {
  readonly report: PanReport;
  /** Of the counter-example; empty without one. */
  readonly steps: readonly TraceStep[];
  /** Of the search alone. */
  readonly seconds: number;
}

interface Finished {
  readonly text: string;
  readonly seconds: number;
}

interface Program {
  readonly command: readonly [string, ...string[]];
  readonly folder: string;
  readonly secondsMax: number;
  readonly signal: AbortSignal;
}

/** Runs a program to its end; throws an Error with the tail of its output where it fails or takes too long. */
async function run({ command, folder, secondsMax, signal }: Program): Promise<Finished> {
  const [program, ...args] = command;
  const began = performance.now();
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: secondsMax * 1_000,
    killSignal: 'SIGKILL',
    signal,
  });
  let text = '';
  const take = (bytes: Buffer): void => {
    if (text.length < OUTPUT_BYTES_MAX) text += bytes.toString('utf8');
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const name = basename(program);
  if (code === null) throw new Error(`${name} took more than ${secondsMax} s`);
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${text.trim().slice(-600)}`);
  return { text, seconds: (performance.now() - began) / 1_000 };
}

/** The switches of the C compiler for a case: how to search, and how to hold the states. */
export function compilerSwitches(one: Case): readonly string[] {
  const memory = `-DMEMLIM=${one.memoryMib}`;
  switch (one.search) {
    case 'shortest':
      return ['-O0', '-DSAFETY', '-DBFS', memory];
    case 'exhaustive':
      return ['-O2', '-DSAFETY', ...(one.memoryMib > 1_000 ? ['-DCOLLAPSE'] : []), memory];
    case 'cycles':
      return ['-O2', '-DNP', '-DNOFAIR', memory];
  }
}

export interface VerifyOptions {
  /** Where to build; each case gets a folder in it. */
  readonly scratch: string;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** Builds and runs one case; throws an Error where a tool fails. */
export async function verify(one: Case, { scratch, signal }: VerifyOptions): Promise<Outcome> {
  const folder = join(scratch, one.name);
  await mkdir(folder, { recursive: true });
  await copyFile(fileURLToPath(new URL(`${one.model}.pml`, import.meta.url)), join(folder, 'model.pml'));
  const defines = definesOf(one).map((define) => `-D${define}`);
  const build = { folder, signal, secondsMax: BUILD_SECONDS_MAX };
  await run({ ...build, command: ['spin', ...defines, '-a', 'model.pml'] });
  await run({ ...build, command: ['gcc', '-w', ...compilerSwitches(one), '-o', 'pan', 'pan.c'] });
  const cycles = one.search === 'cycles' ? ['-l'] : [];
  const table = `-w${one.memoryMib > 1_000 ? 26 : 22}`;
  const { text, seconds } = await run({
    command: [join(folder, 'pan'), `-m${DEPTH_MAX}`, table, ...cycles],
    folder,
    signal,
    secondsMax: one.secondsMax,
  });
  const report = parsePan(text);
  if (report.errors === 0) return { report, steps: [], seconds };
  const replay = await run({ ...build, command: ['spin', ...defines, '-t', '-T', 'model.pml'] });
  return { report, steps: parseTrace(replay.text), seconds };
}
