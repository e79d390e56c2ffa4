import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const here = new URL('./', import.meta.url);
const specification = readFileSync(new URL('../../docs/client/sdk-specification.md', here), 'utf8');
const required = new Set([...specification.matchAll(/^\| (SDK-\d+) \|/gm)].map((match) => match[1]));

const named = new Set(
  readdirSync(here)
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => {
      const text = readFileSync(new URL(file, here), 'utf8');
      return [...text.matchAll(/test\(\s*['"`](SDK-\d+): /g)].map((match) => match[1]);
    }),
);

test('Every requirement of the specification is named by a test, and every number a test names is required.', () => {
  assert.ok(required.size > 40);
  assert.deepEqual([...required].sort(), [...named].sort());
});
