// `make bench`: measures a node from outside, beside what bounds it on this machine. Every arm runs three times, in turn
// with the others, each time against a fresh server in a process of its own; the median counts. Exits 0 when everything
// was measured and its work was verified, 1 when not, 2 for bad arguments. Whether an aim is met changes nothing.

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Arm, type ArmOptions, type Measured, machine } from './bench/arm.ts';
import { edgeGrpcArm, edgeHttp1Arm } from './bench/edge.ts';
import { fanoutClosedArm, fanoutPacedArm } from './bench/fanout.ts';
import { figuresOf, holds, withLimits } from './bench/figures.ts';
import { idleArm } from './bench/idle.ts';
import { lmdbArm, pushArm } from './bench/limits.ts';
import { describeProfiles } from './bench/profile.ts';
import { sendArm } from './bench/send.ts';
import { startArm } from './bench/start.ts';
import { syncArm } from './bench/sync.ts';
import { type Figure, readable, table, writeFigures } from './report.ts';

const USAGE = `usage: bench [--only NAME]... [--quick] [--rounds N] [--profile]
  --only NAME  only arms whose name, or a figure of whose, begins with NAME; their results go to out/bench-part.json
  --quick      short runs, fewer connections: for a look, not for figures
  --rounds N   runs of each arm, default 3
  --profile    one round, each server profiled; prints the functions with the most time of their own`;

const ARMS: readonly (() => Arm)[] = [
  startArm,
  lmdbArm,
  () => sendArm(50, true),
  () => sendArm(400, false),
  edgeHttp1Arm,
  edgeGrpcArm,
  () => pushArm('tcp'),
  () => pushArm('http1'),
  fanoutPacedArm,
  fanoutClosedArm,
  idleArm,
  syncArm,
];

interface BenchArguments {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly rounds: number;
  readonly profile: boolean;
}

/** Reads the command line; undefined = it is not valid. */
export function parseBenchArguments(args: readonly string[]): BenchArguments | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        profile: { type: 'boolean', default: false },
      },
    });
    const rounds = Number(values.rounds ?? (values.profile ? 1 : 3));
    if (!Number.isInteger(rounds) || rounds < 1) return undefined;
    return { only: values.only, quick: values.quick, profile: values.profile, rounds };
  } catch {
    return undefined;
  }
}

/** The arms that were asked for; none named = all. */
export function chooseArms(only: readonly string[]): Arm[] {
  const arms = ARMS.map((make) => make());
  if (only.length === 0) return arms;
  return arms.filter((arm) =>
    only.some(
      (name) =>
        arm.name.startsWith(name) ||
        arm.prefixes.some((prefix) => prefix.startsWith(name) || name.startsWith(prefix)),
    ),
  );
}

async function main(): Promise<number> {
  const args = parseBenchArguments(process.argv.slice(2));
  const arms = args === undefined ? [] : chooseArms(args.only);
  if (args === undefined || arms.length === 0) {
    console.error(USAGE);
    return 2;
  }
  console.log(`bench: ${machine()}, ${args.rounds} rounds of ${arms.map((arm) => arm.name).join(', ')}`);
  const runs: Measured[] = [];
  const failures: string[] = [];
  for (let round = 1; round <= args.rounds; round += 1) {
    for (const arm of arms) {
      try {
        const measured = await runArm(arm, args);
        runs.push(...measured);
        for (const { name, value, unit } of measured)
          console.log(`round ${round}: ${name} ${readable(value)} ${unit}`);
      } catch (error) {
        const failure = `${arm.name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`;
        console.error(`round ${round}: FAILED ${failure}`);
        failures.push(failure);
      }
    }
  }
  const figures = withLimits(figuresOf(runs));
  console.log(benchTable(figures));
  // A part, or a quick look, does not take the place of the real figures.
  const whole = args.only.length === 0 && !args.quick && !args.profile;
  console.log(`figures in ${await writeFigures(whole ? 'bench.json' : 'bench-part.json', figures)}`);
  return failures.length === 0 ? 0 : 1;
}

async function runArm(arm: Arm, { quick, profile }: BenchArguments): Promise<readonly Measured[]> {
  if (!profile) return arm.run({ quick, execArgs: [] });
  const directory = await mkdtemp(join(tmpdir(), `starling-profile-${arm.name}-`));
  const options: ArmOptions = { quick, execArgs: ['--cpu-prof', `--cpu-prof-dir=${directory}`] };
  const measured = await arm.run(options);
  console.log(`${arm.name}: profiles in ${directory}\n${await describeProfiles(directory)}`);
  return measured;
}

function benchTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { name, value, unit, limit, ratio } = figure;
    const bound = limit === undefined ? '' : readable(limit);
    return [name, readable(value), unit, bound, ratio === undefined ? '' : ratio.toFixed(2), holds(figure)];
  });
  return table([['figure', 'value', 'unit', 'limit', 'ratio', 'aim'], ...rows]);
}

if (import.meta.main) process.exitCode = await main();
