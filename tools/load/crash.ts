// `make crash`: kills a node under load, again and again, then asks the client API whether anything acked was lost, stored
// twice, or came in another order. Exits 0 when nothing was, 1 for a violation, 2 for bad arguments.

import { parseArgs } from 'node:util';
import { type CrashResult, runCrash } from './crash/run.ts';
import { VERDICTS } from './index.ts';
import { freshNode } from './node-process.ts';
import { type Figure, readable, table, writeFigures } from './report.ts';

const USAGE = `usage: crash [--cycles N] [--seed N] [--senders N] [--keep]
  --cycles N   kills, default 20
  --seed N     repeats the schedule and the contents of an earlier run, default random
  --senders N  people who send, default 20
  --keep       keep the node's data and log`;

interface CrashArguments {
  readonly cycles: number;
  readonly seed: number;
  readonly senders: number;
  readonly keep: boolean;
}

/** Reads the command line; undefined = it is not valid. */
export function parseCrashArguments(args: readonly string[]): CrashArguments | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        cycles: { type: 'string', default: '20' },
        seed: { type: 'string', default: `${Math.floor(Math.random() * 0x7fff_ffff)}` },
        senders: { type: 'string', default: '20' },
        keep: { type: 'boolean', default: false },
      },
    });
    const parsed = {
      cycles: Number(values.cycles),
      seed: Number(values.seed),
      senders: Number(values.senders),
      keep: values.keep,
    };
    const valid =
      Number.isInteger(parsed.cycles) &&
      parsed.cycles >= 1 &&
      Number.isInteger(parsed.seed) &&
      Number.isInteger(parsed.senders) &&
      parsed.senders >= 4;
    return valid ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The figures of a run, in the order of the table. */
export function crashFigures(result: CrashResult, cycles: number, seed: number, seconds: number): Figure[] {
  const verdicts = VERDICTS.map((verdict) => ({
    name: `crash.${verdict.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
    value: result.report.findings[verdict].count,
    unit: 'count',
  }));
  const acked = result.histories.sends.filter((send) => send.answers.length > 0).length;
  const deliveries = result.histories.timelines.reduce((sum, timeline) => sum + timeline.entries.length, 0);
  return [
    { name: 'crash.seed', value: seed, unit: 'seed' },
    { name: 'crash.cycles', value: cycles, unit: 'count' },
    { name: 'crash.sends', value: result.sends, unit: 'count' },
    { name: 'crash.acked', value: acked, unit: 'count' },
    { name: 'crash.repeated_sends', value: result.repeats, unit: 'count' },
    { name: 'crash.unknown_outcomes', value: result.unknown, unit: 'count' },
    { name: 'crash.timeline_entries', value: deliveries, unit: 'count' },
    { name: 'crash.ready_ms', value: result.readyMs, unit: 'ms' },
    { name: 'crash.duration_s', value: Math.round(seconds), unit: 's' },
    ...verdicts,
    { name: 'crash.undrained', value: result.drained ? 0 : 1, unit: 'count' },
  ];
}

async function main(): Promise<number> {
  const args = parseCrashArguments(process.argv.slice(2));
  if (args === undefined) {
    console.error(USAGE);
    return 2;
  }
  const { cycles, seed, senders, keep } = args;
  console.log(`crash: ${cycles} cycles, ${senders} senders, seed ${seed}`);
  const startedAt = performance.now();
  const { node, dispose } = await freshNode('crash');
  let violated = true;
  try {
    const result = await runCrash({ node, seed, cycles, senders, progress: (line) => console.log(line) });
    const figures = crashFigures(result, cycles, seed, (performance.now() - startedAt) / 1_000);
    const path = await writeFigures('crash.json', figures);
    console.log(
      table(
        figures.map(({ name, value, unit }) => [
          name,
          name === 'crash.seed' ? `${value}` : readable(value),
          unit,
        ]),
      ),
    );
    for (const verdict of VERDICTS)
      for (const example of result.report.findings[verdict].examples) console.log(`${verdict}: ${example}`);
    violated = result.report.violations > 0 || !result.drained;
    const again = `make crash CYCLES=${cycles} ARGS="--seed ${seed}"`;
    console.log(violated ? `VIOLATED; again with: ${again}` : `nothing was lost; figures in ${path}`);
    return violated ? 1 : 0;
  } finally {
    if (violated) console.log(`the node's data and log are kept in ${node.data}`);
    await dispose(keep || violated);
  }
}

if (import.meta.main) {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(error);
    return 1;
  });
}
