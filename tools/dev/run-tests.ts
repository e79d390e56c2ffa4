// Runs the tests that lie beside the code: `run-tests.ts unit|int|heavy [PATH-PREFIX...]`. Owns: which files belong to
// which kind, and that a run without tests, an empty test file and a skipped or unfinished test are failures.

import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { reportCounts } from './counts.ts';
import { TestTally } from './tally.ts';

const ROOTS = '{runtime,actors,cluster,tools}';

/** Where integration tests start servers that want the machine for themselves: kind `heavy`, one file at a time. */
const HEAVY = [
  'cluster/cassandra/',
  'tools/node/backing/',
  'tools/load/bench-failover/',
  'tools/node/supervisor/',
  'tools/cli/operate',
];

/** Milliseconds one test file may take. */
const FILE_MS_MAX = { unit: 60_000, int: 240_000, heavy: 480_000 };

const [kind, ...prefixes] = process.argv.slice(2);
if (kind !== 'unit' && kind !== 'int' && kind !== 'heavy') {
  process.stderr.write('usage: run-tests.ts unit|int|heavy [PATH-PREFIX...]\n');
  process.exit(2);
}

const files = globSync(`${ROOTS}/**/*.test.{ts,tsx}`)
  .filter((file) => kindOf(file) === kind)
  .filter((file) => prefixes.length === 0 || prefixes.some((prefix) => file.startsWith(prefix)))
  .sort();

const tally = new TestTally();
if (files.length > 0) {
  const events = run({
    files,
    // Integration tests start servers of their own; two at a time keeps their deadlines honest on small machines.
    concurrency: { unit: availableParallelism(), int: 2, heavy: 1 }[kind],
    timeout: FILE_MS_MAX[kind],
  });
  events.on('test:pass', (event) => tally.passed(event));
  events.on('test:fail', (event) => tally.failed(event));
  for await (const text of events.compose(spec)) process.stdout.write(text);
}

const { counts, faults } = tally.result();
for (const fault of faults) process.stdout.write(`not accepted: ${fault}\n`);
reportCounts(counts);
process.stdout.write(`${files.length} files, ${counts.passed} passed, ${counts.failed} failed\n`);
process.exitCode = counts.failed === 0 ? 0 : 1;

function kindOf(file: string): 'unit' | 'int' | 'heavy' {
  if (!/\.(int|sim|bench|fuzz)\.test\.tsx?$/.test(file)) return 'unit';
  return HEAVY.some((prefix) => file.startsWith(prefix)) ? 'heavy' : 'int';
}
