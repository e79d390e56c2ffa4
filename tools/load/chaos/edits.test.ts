import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { applied } from '../../sim/mutants/index.ts';
import { CHAOS_EDITS } from './edits.ts';
import { CHAOS_MUTANTS } from './mutants.ts';

test('Every text that a mutant changes stands in its file exactly once.', async () => {
  for (const edits of Object.values(CHAOS_EDITS))
    for (const [file, own] of Map.groupBy(edits, (edit) => edit.file)) {
      const path = fileURLToPath(new URL(`../../../${file}`, import.meta.url));
      const source = await readFile(path, 'utf8');
      assert.notEqual(applied(source, own), source);
    }
});

test('Every mutant has its change of the source.', () => {
  const names = CHAOS_MUTANTS.map(({ name }) => name);
  assert.deepEqual(names.toSorted(), Object.keys(CHAOS_EDITS).toSorted());
});
