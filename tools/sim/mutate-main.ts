// `make sim-mutants`: puts every known fault into the product, one at a time, and runs seeds until a check catches it.
// Owns: the bound of seeds, and the table. Ends with 1 if a fault survives.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { applied, type Edit, MUTANTS, type Mutant, NOT_PUT_IN } from './mutants/index.ts';
import { runTasks } from './pool.ts';
import { runSeed } from './run.ts';
import { swarmOf } from './swarm.ts';

/** Seeds run for one fault at most. */
const SEEDS_MAX = 100;
const WORKERS = 2;

interface Verdict {
  readonly by: string;
  readonly seeds: number;
  readonly text: string;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    start: { type: 'string', default: '1' },
    seeds: { type: 'string', default: String(SEEDS_MAX) },
    verbose: { type: 'boolean', default: false },
  },
});
const root = fileURLToPath(new URL('../../', import.meta.url));
const hook = fileURLToPath(new URL('./mutate.ts', import.meta.url));

/** Every text to find must stand in its file: a fault that is not put in would be said to survive, or worse, be caught. */
function checkEdits({ name, edits }: Mutant): void {
  const files = Map.groupBy(edits, ({ file }: Edit) => file);
  for (const [file, some] of files) {
    try {
      applied(readFileSync(`${root}${file}`, 'utf8'), some);
    } catch (error) {
      throw new Error(`mutant "${name}": ${String(error)}`);
    }
  }
}

async function hunt(mutant: Mutant): Promise<Verdict | undefined> {
  if (mutant.test !== undefined) return huntByTest(mutant, mutant.test);
  const start = Number(values.start);
  const last = start + Number(values.seeds);
  function* tasks() {
    for (let seed = start; seed < last; seed++) yield { seed, options: mutant.options ?? {}, linesMax: 0 };
  }
  const caught: Verdict[] = [];
  let seeds = 0;
  const pool = { workers: WORKERS, execArgv: ['--import', hook], env: { MUTANT: mutant.name } };
  await runTasks(tasks(), pool, async ({ findings, seed }) => {
    seeds += 1;
    const finding = findings.find(({ invariant }) => mutant.expected.includes(invariant));
    if (values.verbose)
      for (const { invariant, text } of findings) process.stdout.write(`    ${seed} ${invariant} ${text}\n`);
    if (finding === undefined) return 'go on';
    // What the seed shows without the fault is not the fault's.
    const control = await runSeed(swarmOf(seed, mutant.options));
    if (control.findings.some(({ invariant }) => mutant.expected.includes(invariant))) return 'go on';
    caught.push({ by: finding.invariant, seeds, text: finding.text });
    return 'enough';
  });
  return caught[0];
}

/** A fault below the ports: the driver's own test has to fail with it. */
function huntByTest({ name, expected }: Mutant, test: string): Verdict | undefined {
  const env = { ...process.env, MUTANT: name };
  const { status } = spawnSync('node', ['--import', hook, '--test', test], {
    cwd: root,
    env,
    stdio: 'ignore',
  });
  return status === 0 ? undefined : { by: expected[0] ?? '', seeds: 0, text: `${test} fails` };
}

const chosen = MUTANTS.filter(({ name }) => values.only === undefined || name.includes(values.only));
for (const mutant of chosen) checkEdits(mutant);
const survivors: string[] = [];
const began = process.hrtime.bigint();
const write = (text: string): boolean => process.stdout.write(text);
write(`${'mutant'.padEnd(52)} ${'caught by'.padEnd(10)} seeds\n`);
for (const mutant of chosen) {
  const verdict = await hunt(mutant);
  if (verdict === undefined) survivors.push(mutant.name);
  const by = verdict === undefined ? 'SURVIVES' : verdict.by;
  write(
    `${mutant.name.padEnd(52)} ${by.padEnd(10)} ${verdict === undefined ? values.seeds : verdict.seeds || 'a test'}\n`,
  );
}
for (const { name, why } of NOT_PUT_IN) write(`${name.padEnd(52)} ${'–'.padEnd(10)} not put in: ${why}\n`);
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
write(
  `${chosen.length} mutants in ${seconds.toFixed(0)} s, ${survivors.length} survive${survivors.length === 0 ? '' : `: ${survivors.join('; ')}`}\n`,
);
process.exitCode = survivors.length === 0 ? 0 : 1;
