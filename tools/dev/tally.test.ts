import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareTrees } from './compare-trees.ts';
import { COUNTS_VARIABLE, readCounts } from './counts.ts';

/** Runs run-tests.ts over a tree with one test file, or none, and returns what it reported. */
function runOver(source: string | undefined): {
  counts: readonly (number | undefined)[];
  output: string;
  status: number | null;
} {
  const root = mkdtempSync(join(tmpdir(), 'starling-tally-'));
  try {
    mkdirSync(join(root, 'tools'));
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    const imports = "import { before, describe, it, test } from 'node:test';\n";
    if (source !== undefined) writeFileSync(join(root, 'tools', 'sample.test.ts'), imports + source);
    const file = join(root, 'counts');
    // Without this mark of the outer run, node:test takes the inner one for a run of its own.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, 'run-tests.ts'), 'unit'],
      {
        cwd: root,
        encoding: 'utf8',
        env: { ...env, [COUNTS_VARIABLE]: file },
      },
    );
    const counts = readCounts(file);
    return { counts: [counts?.passed, counts?.failed], output: stdout, status };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function counts(source: string): readonly (number | undefined)[] {
  const result = runOver(source);
  assert.equal(result.status, result.counts[1] === 0 ? 0 : 1);
  return result.counts;
}

test('Tests are counted and suites are not', () => {
  assert.deepEqual(counts("describe('s', () => { it('a', () => {}); it('b', () => {}); });"), [2, 0]);
});

test('A failing test is counted once, also within a suite', () => {
  const source = "describe('s', () => { it('a', () => {}); it('b', () => { throw new Error('no'); }); });";
  assert.deepEqual(counts(source), [1, 1]);
});

test('A suite whose body throws is a failure', () => {
  assert.deepEqual(counts("test('a', () => {}); describe('s', () => { throw new Error('no'); });"), [1, 1]);
});

test('A skipped test, a skipped suite and an unfinished test are failures', () => {
  assert.deepEqual(counts("test('a', () => {}); test('b', { skip: true }, () => {});"), [1, 1]);
  assert.deepEqual(counts("test('a', () => {}); test('b', (t) => t.skip('why'));"), [1, 1]);
  assert.deepEqual(counts("test('a', () => {}); describe.skip('s', () => { it('b', () => {}); });"), [1, 1]);
  assert.deepEqual(counts("test('a', () => {}); test('b', { todo: true }, () => {});"), [1, 1]);
});

test('A file that holds no test, and one that cannot be loaded, are failures', () => {
  const empty = runOver('');
  assert.deepEqual(empty.counts, [0, 1]);
  assert.match(empty.output, /sample\.test\.ts holds no test/);
  assert.deepEqual(counts("throw new Error('no');"), [0, 1]);
});

test('A run without any test is a failure', () => {
  const none = runOver(undefined);
  assert.deepEqual(none.counts, [0, 1]);
  assert.equal(none.status, 1);
  assert.match(none.output, /no test was run/);
});

test('Files that are missing, left over or different are told apart', () => {
  const committed = new Map(Object.entries({ same: '1', changed: '1', extra: '1' }));
  const wanted = new Map(Object.entries({ same: '1', changed: '2', absent: '1' }));
  assert.deepEqual(compareTrees(committed, wanted), [
    'absent is missing',
    'changed differs',
    'extra is left over',
  ]);
  assert.deepEqual(compareTrees(wanted, wanted), []);
});
