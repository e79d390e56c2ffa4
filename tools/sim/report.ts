// What is told of a run: failures as somebody reads them who has never seen the seed, and the table of what happened.

import type { RunResult } from './run.ts';
import { FAULTS, type SwarmOptions } from './swarm.ts';
import { traceText } from './world/trace.ts';

/** Events that have to happen in a run of many seeds, besides every fault. */
const EVENTS = [
  'takeover',
  'move',
  'first claim',
  'new epoch for itself',
  'fenced',
  'zombie stopped by the fence',
  'swap of unknown outcome',
  'swap lost',
  'unclean activation',
  'delivery refused',
  'trim',
  'full sync',
  'device notified',
  'device started',
  'device stopped',
  'stream relayed',
  'stream rotated',
  'send placed',
  'send answered twice',
  'send done',
  'send failed for good',
  'unknown outcome at a client',
  'member added',
  'member removed',
  'marked read',
  'log read',
  'group created',
  'word said',
  'tell taken',
  'reminder set',
  'reminder replaced',
  'reminder cancelled',
  'reminder run once',
  'periodic reminder run',
  'reminder run after a takeover',
  'reminder run late',
  'reminder run a minute late',
  'fold compared',
  'ledger looked at',
  'envelope lost',
  'envelope late',
  'envelope repeated',
  'envelope lost in a cut',
  'nobody there',
  'killed',
  'held at an await',
  'restarted after a drain',
  'removed after a drain',
  'stopped in order',
  'upgraded after a drain',
  'node upgraded',
  'all nodes run the next build',
  'node that does not fit refused',
  'node that joined serves at the end',
  'silent restart of all nodes',
  'run with a bad board alone',
  'view compared',
  'node cut from the store alone',
  'wrong cursor shown',
  'absent member marked',
  'send accepted',
  'late write landed',
  'hint replayed',
  'partial batch',
  'unknown write',
  'read repair',
  'digest mismatch',
  'proposal completed by a stranger',
  'unsynced write lost',
] as const;

/** The command that runs a seed again. */
export function replayCommand(seed: number, options: SwarmOptions): string {
  const flags = [
    ...(options.off === undefined || options.off.length === 0 ? [] : [`--off ${options.off.join(',')}`]),
    ...(options.users === undefined ? [] : [`--users ${options.users}`]),
    ...(options.loadMs === undefined ? [] : [`--load-ms ${options.loadMs}`]),
  ];
  const args = flags.length === 0 ? '' : ` ARGS='${flags.join(' ')}'`;
  return `make sim SEEDS=1 SEED_START=${seed}${args}`;
}

/** What is wrong, how to see it again, and the last lines of every place. */
export function failureText(result: RunResult, options: SwarmOptions, linesMax: number): string {
  const lines = [`seed ${result.seed} failed:`];
  for (const { invariant, text, atMs } of result.findings)
    lines.push(`  ${invariant} at ${(atMs / 1000).toFixed(3)} s: ${text}`);
  lines.push(`  again: ${replayCommand(result.seed, options)}`);
  for (const line of traceText(Object.entries(result.trace), linesMax)) lines.push(`  ${line}`);
  return `${lines.join('\n')}\n`;
}

/** Sums of what happened over many runs. */
export class Tally {
  readonly #sums = new Map<string, number>();
  readonly #activations: number[] = [];

  add({ counts }: RunResult): void {
    for (const [name, count] of Object.entries(counts)) {
      if (name === 'most activations of one actor') this.#activations.push(count);
      else this.#sums.set(name, (this.#sums.get(name) ?? 0) + count);
    }
  }

  /** Faults and events that never happened, and what else is missing. */
  missing(): string[] {
    const never: string[] = [...FAULTS, ...EVENTS].filter((name) => (this.#sums.get(name) ?? 0) === 0);
    const few = this.#activations.filter((count) => count < 6).length;
    // A run whose nodes are hardly disturbed has fewer; most have to have them.
    if (few * 2 > this.#activations.length) never.push('six activations of one actor in most runs');
    return never;
  }

  text(): string {
    const names = [...new Set([...FAULTS, ...EVENTS, ...this.#sums.keys()])].sort();
    const rows = names.map((name) => `  ${name.padEnd(36)} ${String(this.#sums.get(name) ?? 0).padStart(9)}`);
    const sorted = [...this.#activations].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    rows.push(
      `  ${'most activations of one actor'.padEnd(36)} ${`${sorted[0] ?? 0}…${median}…${sorted.at(-1) ?? 0}`.padStart(9)}`,
    );
    return `${rows.join('\n')}\n`;
  }
}
