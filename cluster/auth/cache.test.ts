import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TwoGenerationCache } from './cache.ts';

test('The cache never holds more than its bound, and keeps what is used.', () => {
  const cache = new TwoGenerationCache<number>(10);
  cache.set('used', 0);
  for (let i = 1; i <= 1000; i++) {
    cache.set(`k${i}`, i);
    assert.equal(cache.get('used'), 0);
    assert.ok(cache.size <= 10);
  }
  assert.equal(cache.get('k1'), undefined);
  assert.equal(cache.get('k1000'), 1000);
});

test('A deleted entry is gone from both generations.', () => {
  const cache = new TwoGenerationCache<number>(4);
  for (const key of ['a', 'b', 'c']) cache.set(key, 1);
  for (const key of ['a', 'c']) cache.delete(key);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [undefined, 1, undefined]);
});

test('A cache of no entries keeps none.', () => {
  const cache = new TwoGenerationCache<number>(0);
  cache.set('a', 1);
  assert.equal(cache.get('a'), undefined);
});
