// `make sim SEEDS=n SEED_START=n`: random histories of a whole cluster, each replayable by its seed. Owns: the command
// line, and when a whole run counts as failed: a seed broke an invariant, or something never happened.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runTasks } from './pool.ts';
import { failureText, replayCommand, Tally } from './report.ts';
import { runSeed } from './run.ts';
import { shrink } from './shrink.ts';
import { isFault, type SwarmOptions, swarmOf } from './swarm.ts';

/** From so many seeds on every fault and event has to have happened. */
const SEEDS_FOR_ALL_EVENTS = 500;
const FAILURES_SHOWN_MAX = 5;
const PROGRESS_EVERY = 25;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    start: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    hash: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    lines: { type: 'string', default: '40' },
    off: { type: 'string', default: '' },
    users: { type: 'string' },
    'load-ms': { type: 'string' },
  },
});

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) fail(`--${name}: a whole number, not "${text}"`);
  return value;
}

function fail(text: string): never {
  process.stderr.write(`error: ${text}\n`);
  process.exit(2);
}

const off = values.off === '' ? [] : values.off.split(',');
const unknown = off.find((name) => !isFault(name));
if (unknown !== undefined) fail(`--off: there is no fault ${unknown}`);
const options: SwarmOptions = {
  off: off.filter(isFault),
  ...(values.users === undefined ? {} : { users: number('users', values.users) }),
  ...(values['load-ms'] === undefined ? {} : { loadMs: number('load-ms', values['load-ms']) }),
};
const start = number('start', values.start);
const seeds = number('seeds', values.seeds);
const linesMax = number('lines', values.lines);
const write = (text: string): boolean => process.stdout.write(text);

function* tasks() {
  for (let seed = start; seed < start + seeds; seed++) yield { seed, options, linesMax };
}

const tally = new Tally();
const failed: number[] = [];
const progress = { ended: 0 };
const began = process.hrtime.bigint();
await runTasks(tasks(), { workers: Math.min(number('workers', values.workers), seeds) }, (result) => {
  progress.ended += 1;
  const { ended } = progress;
  tally.add(result);
  if (values.hash) write(`${result.seed} ${result.hash}\n`);
  if (result.findings.length > 0) {
    failed.push(result.seed);
    if (failed.length <= FAILURES_SHOWN_MAX)
      write(failureText(result, options, failed.length === 1 ? linesMax : 0));
  }
  if (ended % PROGRESS_EVERY === 0 && ended < seeds)
    write(`${ended} of ${seeds} seeds, ${failed.length} failed\n`);
  return 'go on';
});

const [first] = failed;
if (first !== undefined && !values['no-shrink']) {
  const whole = await runSeed(swarmOf(first, options));
  const invariant = whole.findings[0]?.invariant ?? '';
  const small = await shrink(first, options, invariant, (smaller) => runSeed(swarmOf(first, smaller)));
  write(`smallest that breaks ${invariant}: ${replayCommand(first, small)}\n`);
}

const seconds = Number(process.hrtime.bigint() - began) / 1e9;
if (seeds > 1) write(`what happened:\n${tally.text()}`);
const missing = seeds >= SEEDS_FOR_ALL_EVENTS ? tally.missing() : [];
if (missing.length > 0) write(`never happened: ${missing.join(', ')}\n`);
write(
  `${seeds} seeds from ${start} in ${seconds.toFixed(0)} s, ${failed.length} failed${failed.length === 0 ? '' : `: ${failed.join(' ')}`}\n`,
);
process.exitCode = failed.length === 0 && missing.length === 0 ? 0 : 1;
