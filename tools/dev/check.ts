// `make check`: everything about the code that can be known in under a minute, without servers.

import { join } from 'node:path';
import { reportCounts, sumCounts } from './counts.ts';
import { stagesOfCommandLine } from './select.ts';
import { runStages, type Stage } from './stage.ts';

const STEPS: readonly Stage[] = [
  { name: 'format-and-lint', command: ['biome', 'ci', '--colors=off', '.'], minutesMax: 1 },
  { name: 'types', command: ['tsc', '-p', '.', '--pretty', 'false'], minutesMax: 1 },
  { name: 'proto-lint', command: ['buf', 'lint'], minutesMax: 1 },
  {
    name: 'proto-format',
    command: ['buf', 'format', '--diff', '--exit-code', '--path', 'proto/starling'],
    minutesMax: 1,
  },
  { name: 'proto-breaking', command: ['node', 'tools/dev/breaking.ts'], minutesMax: 1 },
  { name: 'generated', command: ['node', 'tools/dev/generated.ts'], minutesMax: 1 },
  { name: 'tidy', command: ['node', 'tools/tidy/main.ts'], minutesMax: 1 },
  { name: 'dead-code', command: ['knip', '--no-progress'], minutesMax: 1 },
  { name: 'unit', command: ['node', 'tools/dev/run-tests.ts', 'unit'], minutesMax: 6 },
];

const results = await runStages(stagesOfCommandLine(STEPS), {
  logs: join('out', 'check'),
  tailLines: 60,
  live: process.stdout.isTTY,
  write: (text) => process.stdout.write(text),
});
const total = sumCounts(results);
reportCounts(total);
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
