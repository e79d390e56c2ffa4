// `make model`: the safety protocol as models, searched for every state within their bounds, and its mutants refuted.
// Exits 0 when the protocol verifies everywhere, no search was cut short and each mutant has a counter-example; 1 when not;
// 2 for bad arguments or a missing tool.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelOptions, parseModelArguments, selectCases, USAGE } from './arguments.ts';
import { CASES } from './cases.ts';
import { refreshPage } from './page.ts';
import { traceText } from './pan-report.ts';
import { jsonRows, progressLine, textTable } from './report.ts';
import { type CaseResult, runCases } from './run-cases.ts';
import { verify } from './verifier.ts';

/** Searches at once, and the memory that all of them may take together. */
const PARALLEL = 2;
const MEMORY_MIB = 5_600;
const PAGE = fileURLToPath(new URL('../../docs/model.md', import.meta.url));

/** Installs spin and gcc where that is possible; false = they are missing, which has been said. */
function toolsThere(): boolean {
  try {
    execFileSync(fileURLToPath(new URL('spin.sh', import.meta.url)), { stdio: 'inherit' });
    return true;
  } catch {
    return false;
  }
}

async function run(options: ModelOptions, signal: AbortSignal): Promise<readonly CaseResult[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'starling-model-'));
  const cases = selectCases(CASES, options);
  let done = 0;
  try {
    return await runCases(cases, {
      parallel: PARALLEL,
      memoryMib: MEMORY_MIB,
      verify: (one) => verify(one, { scratch, signal }),
      done: (result) => {
        done++;
        process.stdout.write(progressLine(result, done, cases.length));
      },
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function report(results: readonly CaseResult[], options: ModelOptions): Promise<boolean> {
  if (options.trace !== undefined) {
    for (const { one, outcome } of results) {
      process.stdout.write(`\n${one.name}: ${one.says}\n${traceText(outcome?.steps ?? [])}`);
    }
  } else {
    process.stdout.write(`\n${textTable(results)}`);
  }
  if (options.json !== undefined) {
    const path = resolve(options.json);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${JSON.stringify(jsonRows(results), undefined, 2)}\n`);
  }
  const failed = results.filter(({ holds }) => !holds).length;
  if (options.page && failed === 0) await writeFile(PAGE, refreshPage(await readFile(PAGE, 'utf8'), results));
  process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
  return failed === 0 && results.length > 0;
}

async function main(): Promise<number> {
  const options = parseModelArguments(process.argv.slice(2), CASES);
  if (typeof options === 'string') {
    process.stderr.write(`error: ${options}\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (!toolsThere()) return 2;
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort());
  const began = performance.now();
  const results = await run(options, interrupt.signal);
  const good = await report(results, options);
  process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(0)} s\n`);
  return good ? 0 : 1;
}

process.exitCode = await main();
