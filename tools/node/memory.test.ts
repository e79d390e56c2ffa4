import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heapMemory } from './memory.ts';

test('The heap has a bound, and what is kept counts as used.', () => {
  const memory = heapMemory();
  const before = memory.read();
  assert.ok(before.usedBytes > 0 && before.usedBytes < before.limitBytes);
  const kept = Array.from({ length: 200_000 }, (_, n) => ({ n }));
  assert.ok(memory.read().usedBytes - before.usedBytes > 8 * kept.length);
});
