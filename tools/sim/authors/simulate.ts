// What an author calls. Owns: which seeds run, the report, and the text of a failure with the command that replays it.

import { relative } from 'node:path';
import type { ActorDefinition, RuntimeLimits } from '../../../runtime/index.ts';
import { traceText } from '../world/trace.ts';
import { type HistoryContext, runHistory, type Simulated } from './history.ts';
import type { AuthorFault } from './swarm.ts';

/** Lines shown of each place. */
const LINES_MAX = 40;

export interface SimulationOptions {
  readonly actors: readonly ActorDefinition[];
  /** Histories to run. Default 100; the environment variable SEEDS overrides it. */
  readonly seeds?: number;
  /** First seed. Default 1; the environment variable SEED runs that one alone. */
  readonly seedStart?: number;
  /** What callers do while things go wrong: for some 20 simulated seconds. Ends by itself; an exception fails the seed. */
  readonly workload: (context: HistoryContext) => Promise<void>;
  /** What holds at the end, after everything was healed and nobody called for `restMs`. An exception fails the seed. */
  readonly check: (context: HistoryContext) => Promise<void>;
  /** Simulated milliseconds between workload and check, in which nobody calls. Default 60,000. */
  readonly restMs?: number;
  /** Faults that stay off. Default none. */
  readonly off?: readonly AuthorFault[];
  /** Overrides those of the seed, which are tight. */
  readonly limits?: Partial<RuntimeLimits>;
}

/** What many histories were like. */
export interface SimulationReport {
  readonly seeds: number;
  readonly seedStart: number;
  /** Hash of the events of each seed, in order: equal wherever the same code runs. */
  readonly hashes: readonly string[];
  /** How often each fault and event happened, over all seeds. */
  readonly counts: ReadonlyMap<string, number>;
}

/** A seed in which the workload or the check failed. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
  readonly seed: number;

  constructor(history: Simulated, text: string) {
    super(text);
    this.seed = history.seed;
  }
}

/**
 * Runs histories of a small cluster with these actors: nodes are killed, paused, cut off and replaced, writes come late,
 * twice, in part or with an unknown outcome, all drawn from a seed.
 * @throws SimulationFailure at the first seed that fails; it names the command that runs this seed again
 * @example
 * await simulate({
 *   actors: [counter],
 *   seeds: 200,
 *   workload: async ({ client, repeat }) => void (await repeat(() => client(Counter, 'a').add({ id: '1', amount: 5n }))),
 *   check: async ({ client }) => assert.equal((await client(Counter, 'a').total({})).total, 5n),
 * });
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const { SEED, SEEDS } = process.env;
  const seedStart = SEED === undefined ? (options.seedStart ?? 1) : wholeNumber('SEED', SEED);
  const wanted = SEEDS === undefined ? (options.seeds ?? 100) : wholeNumber('SEEDS', SEEDS);
  const seeds = SEED === undefined ? wanted : 1;
  const counts = new Map<string, number>();
  const hashes: string[] = [];
  for (let seed = seedStart; seed < seedStart + seeds; seed++) {
    const history = await runHistory(options, seed);
    if (history.failure !== undefined) throw new SimulationFailure(history, failureText(history));
    hashes.push(history.hash);
    for (const [name, count] of history.counts) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return { seeds, seedStart, hashes, counts };
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name}: a whole number, not "${text}".`);
  return Number(text);
}

/** What is wrong, how to see it again, and the last lines of every place. */
function failureText({ seed, failure, trace }: Simulated): string {
  const program = relative(process.cwd(), process.argv[1] ?? '');
  const lines = [
    `Seed ${seed} failed: ${failure}`,
    '',
    `again: SEED=${seed} node --test ${program}`,
    'what happened last, by place; times in simulated seconds:',
  ];
  return [...lines, ...traceText(trace, LINES_MAX)].join('\n');
}
