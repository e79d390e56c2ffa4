import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { selectStages } from './select.ts';
import { runStage, runStages, type Stage } from './stage.ts';

const logs = mkdtempSync(join(tmpdir(), 'starling-stage-'));
after(() => rm(logs, { recursive: true, force: true }));

const script = (name: string, source: string, minutesMax = 1): Stage => ({
  name,
  command: [process.execPath, '-e', source],
  minutesMax,
});
const report = (line: string): string =>
  `require('node:fs').appendFileSync(process.env.TEST_COUNTS_FILE, ${JSON.stringify(`${line}\n`)});`;

test('A stage that ends with 0 and reports nothing counts as one that passed', async () => {
  const result = await runStage(script('quiet', "console.log('said')"), logs);
  assert.deepEqual([result.passed, result.failed, result.reason], [1, 0, '']);
  assert.equal(await readFile(result.log, 'utf8'), 'said\n');
});

test('A stage that ends with another status counts as failed', async () => {
  const result = await runStage(script('status', 'process.exit(3)'), logs);
  assert.deepEqual([result.passed, result.failed, result.reason], [0, 1, 'ended with 3']);
});

test('A stage whose program does not exist counts as failed', async () => {
  const stage: Stage = { name: 'absent', command: ['starling-no-such-program'], minutesMax: 1 };
  const result = await runStage(stage, logs);
  assert.equal(result.failed, 1);
  assert.match(result.reason, /could not be started/);
});

test('The counts a stage reports are summed', async () => {
  const source = report('{"passed":2,"failed":0}') + report('{"passed":5,"failed":0}');
  const result = await runStage(script('sum', source), logs);
  assert.deepEqual([result.passed, result.failed, result.reason], [7, 0, '']);
});

test('A stage that reports only successes and ends with another status counts one failure', async () => {
  const source = `${report('{"passed":2,"failed":0}')}process.exit(1)`;
  const result = await runStage(script('liar', source), logs);
  assert.deepEqual([result.passed, result.failed], [2, 1]);
});

test('A stage that reports a failure and ends with 0 counts as failed', async () => {
  const result = await runStage(script('hider', report('{"passed":2,"failed":3}')), logs);
  assert.deepEqual([result.passed, result.failed, result.reason], [2, 3, '3 failed']);
});

test('A stage that reports that nothing was run counts as failed', async () => {
  const result = await runStage(script('idle', report('{"passed":0,"failed":0}')), logs);
  assert.deepEqual([result.passed, result.failed, result.reason], [0, 1, 'nothing was run']);
});

test('A stage that reports something else than counts counts as failed', async () => {
  for (const line of ['{"passed":-1,"failed":0}', '{"passed":1}', 'many']) {
    const result = await runStage(script('garbled', report(line)), logs);
    assert.deepEqual([result.passed, result.failed], [0, 1], line);
    assert.match(result.reason, /cannot be read/);
  }
});

test('A stage that goes on past its limit is ended and counts as failed', async () => {
  const result = await runStage(script('endless', 'setInterval(() => {}, 1000)', 0.001), logs);
  assert.deepEqual([result.passed, result.failed], [0, 1]);
  assert.match(result.reason, /not done after/);
});

test('Stages after a failed one still run, and the end of the failed log is shown', async () => {
  let shown = '';
  const write = (text: string): void => {
    shown += text;
  };
  const stages = [
    script('first', "for (const n of [1, 2, 3]) console.log('line', n); process.exit(1)"),
    script('second', ''),
  ];
  const results = await runStages(stages, { logs, tailLines: 2, live: false, write });
  assert.deepEqual(
    results.map(({ name, failed }) => [name, failed]),
    [
      ['first', 1],
      ['second', 0],
    ],
  );
  assert.match(shown, /\| line 2\n.*\| line 3\n/);
  assert.doesNotMatch(shown, /line 1/);
});

test('The command line chooses stages in the order of the table and refuses unknown names', () => {
  const table = ['a', 'b', 'c'].map((name) => script(name, ''));
  const names = (...args: string[]): string[] => selectStages(table, args).map(({ name }) => name);
  assert.deepEqual(names(), ['a', 'b', 'c']);
  assert.deepEqual(names('--only', 'c,a'), ['a', 'c']);
  assert.throws(() => names('--only', 'a,z'), /no stage is called z; there are a, b, c/);
});
