// `make e2e`: real people's acts in a real browser against a real server. Owns: building the page, running
// the scenarios, out/e2e.json. Does not own: the scenarios (*.e2e.ts), which each start a server of their
// own.
//
// 1. No scenario waits for a time to pass; each waits for what a person would see.
// 2. What fails leaves a picture and the server's log under out/e2e/.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { outDir, root } from './paths.ts';

/** One scenario's result, as written to out/e2e.json. */
interface ScenarioResult {
  readonly name: string;
  readonly passed: boolean;
  readonly durationMs: number;
  /** Empty where it passed. */
  readonly error: string;
}

/** Longest run of one file of scenarios. */
const fileMsMax = 240_000;

/**
 * Runs the files whose names contain one of `wanted` (all, if none is wanted). Resolves with what became of
 * each.
 */
async function runScenarios(wanted: readonly string[]): Promise<ScenarioResult[]> {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const files = (await readdir(here))
    .filter((name) => name.endsWith('.e2e.ts'))
    .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
    .sort()
    .map((name) => join(here, name));
  const results: ScenarioResult[] = [];
  // One file at a time: browsers and servers would fight for the cores, and time-outs would measure that.
  const stream = run({ files, concurrency: 1, timeout: fileMsMax });
  const take = (passed: boolean) => (event: TestEvent) => {
    if (event.details.type === 'suite') return;
    results.push({
      name: event.name,
      passed,
      durationMs: Math.round(event.details.duration_ms),
      error: passed ? '' : String(event.details.error?.cause ?? event.details.error ?? 'unknown'),
    });
  };
  stream.on('test:pass', take(true));
  stream.on('test:fail', take(false));
  await new Promise<void>((resolve, reject) => {
    stream.compose(new spec()).on('error', reject).on('end', resolve).pipe(process.stdout, { end: false });
  });
  return results;
}

/** The part of the test runner's events that is used. */
interface TestEvent {
  readonly name: string;
  readonly details: {
    readonly duration_ms: number;
    readonly type?: string | undefined;
    readonly error?: { readonly cause?: unknown } | undefined;
  };
}

await rm(join(outDir, 'e2e'), { recursive: true, force: true });
await mkdir(join(outDir, 'e2e'), { recursive: true });
await build({ configFile: join(root, 'tools/web/vite.config.ts'), logLevel: 'warn' });
const results = await runScenarios(process.argv.slice(2));
await writeFile(join(outDir, 'e2e.json'), `${JSON.stringify(results, null, 2)}\n`);
const failed = results.filter((result) => !result.passed);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 || results.length === 0 ? 1 : 0;
