// A program that measures. Owns: its arguments, rounds in which every arm has its turn, the table and the file. Does not
// own: what is measured.
//
// Exits 0 when everything was measured and its work was verified, 1 when not, 2 for bad arguments. Whether an aim is met
// changes nothing.

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figure, readable, table, writeFigures } from '../report.ts';
import { type Arm, type ArmOptions, type Measured, machine } from './arm.ts';
import { figuresOf, holds, withLimits } from './figures.ts';
import { describeProfiles } from './profile.ts';

/** What a program measures and where its figures go. */
export interface BenchProgram {
  /** Name of the program, and of its file in `out/`. */
  readonly name: string;
  readonly arms: readonly Arm[];
}

export interface BenchArguments {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly rounds: number;
  readonly profile: boolean;
  readonly help: boolean;
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
        help: { type: 'boolean', default: false },
      },
    });
    const rounds = Number(values.rounds ?? (values.profile ? 1 : 3));
    if (!Number.isInteger(rounds) || rounds < 1) return undefined;
    const { only, quick, profile, help } = values;
    return { only, quick, profile, help, rounds };
  } catch {
    return undefined;
  }
}

/** The arms that were asked for; none named = all. */
export function chooseArms(arms: readonly Arm[], only: readonly string[]): readonly Arm[] {
  if (only.length === 0) return arms;
  return arms.filter((arm) =>
    only.some(
      (name) =>
        arm.name.startsWith(name) ||
        arm.prefixes.some((prefix) => prefix.startsWith(name) || name.startsWith(prefix)),
    ),
  );
}

/** Runs the program; the result is its exit code. */
export async function runBenchProgram(program: BenchProgram, argv: readonly string[]): Promise<number> {
  const args = parseBenchArguments(argv);
  if (args?.help === true) {
    console.log(usageOf(program));
    return 0;
  }
  const arms = args === undefined ? [] : chooseArms(program.arms, args.only);
  if (args === undefined || arms.length === 0) {
    console.error(usageOf(program));
    return 2;
  }
  console.log(
    `${program.name}: ${machine()}, ${args.rounds} rounds of ${arms.map((arm) => arm.name).join(', ')}`,
  );
  const runs: Measured[] = [];
  let failed = false;
  for (let round = 1; round <= args.rounds; round += 1) {
    for (const arm of arms) {
      try {
        const measured = await runArm(arm, args);
        runs.push(...measured);
        for (const { name, value, unit } of measured)
          console.log(`round ${round}: ${name} ${readable(value)} ${unit}`);
      } catch (error) {
        console.error(
          `round ${round}: FAILED ${arm.name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`,
        );
        failed = true;
      }
    }
  }
  const figures = withLimits(figuresOf(runs));
  console.log(benchTable(figures));
  // A part, or a quick look, does not take the place of the real figures.
  const whole = args.only.length === 0 && !args.quick && !args.profile;
  console.log(`figures in ${await writeFigures(fileOf(program, whole), figures)}`);
  return failed ? 1 : 0;
}

function usageOf(program: BenchProgram): string {
  return `usage: ${program.name} [--only NAME]... [--quick] [--rounds N] [--profile] [--help]
  --only NAME  only arms whose name, or a figure of whose, begins with NAME; their results go
               to out/${fileOf(program, false)}
  --quick      short runs with less work: for a look, not for figures
  --rounds N   runs of each arm, default 3
  --profile    one round, each process under measurement profiled; prints the functions with the most time of
               their own`;
}

function fileOf({ name }: BenchProgram, whole: boolean): string {
  return whole ? `${name}.json` : `${name}-part.json`;
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
