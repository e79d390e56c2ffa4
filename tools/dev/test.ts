// `make test`: everything that has to hold, benchmarks apart. One line of the table is one stage. The last line printed
// is `N passed, N failed`; it is kept in out/test/summary.txt too.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sumCounts } from './counts.ts';
import { stagesOfCommandLine } from './select.ts';
import { runStages, type Stage } from './stage.ts';

/** A target of the Makefile. ARGS of the outer make, meant for this program, would reach the inner one: it is reset. */
const make = (target: string, ...variables: string[]): readonly [string, ...string[]] => [
  'make',
  '--no-print-directory',
  target,
  'ARGS=',
  ...variables,
];

const STAGES: readonly Stage[] = [
  { name: 'check', command: make('check'), minutesMax: 5 },
  { name: 'integration', command: ['node', 'tools/dev/run-tests.ts', 'int'], minutesMax: 6 },
  // Real Cassandra, alone and under whole nodes. Fetches the server's jars where they are missing.
  { name: 'cassandra', command: ['node', 'tools/dev/run-tests.ts', 'heavy'], minutesMax: 20 },
  { name: 'cluster', command: ['make', '--no-print-directory', 'cluster', 'ARGS=--check'], minutesMax: 6 },
  {
    name: 'model',
    command: ['make', '--no-print-directory', 'model', 'ARGS=--quick'],
    minutesMax: 6,
  },
  { name: 'conformance', command: make('conformance'), minutesMax: 8 },
  { name: 'interop', command: make('interop'), minutesMax: 6 },
  { name: 'e2e', command: make('e2e'), minutesMax: 8 },
  { name: 'crash', command: make('crash', 'CYCLES=20'), minutesMax: 8 },
  { name: 'import-demo', command: make('import-demo'), minutesMax: 6 },
  { name: 'demo', command: make('demo', 'ARGS=--check'), minutesMax: 3 },
];

const LOGS = join('out', 'test');
const SUMMARY = join(LOGS, 'summary.txt');

mkdirSync(LOGS, { recursive: true });
rmSync(SUMMARY, { force: true });
const results = await runStages(stagesOfCommandLine(STAGES), {
  logs: LOGS,
  tailLines: 40,
  live: process.stdout.isTTY,
  write: (text) => process.stdout.write(text),
});
const total = sumCounts(results);
const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
const summary = `${total.passed} passed, ${total.failed} failed\n`;
writeFileSync(join(LOGS, 'stages.json'), `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(SUMMARY, summary);
process.stdout.write(`${results.length} stages in ${seconds.toFixed(0)} s\n${summary}`);
process.exitCode = total.failed === 0 ? 0 : 1;
