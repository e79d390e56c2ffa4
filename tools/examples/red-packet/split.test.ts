import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { split } from './split.ts';

const random64 = () => randomBytes(8).readBigUInt64LE();

test('any sum is split into shares of at least 1 that make exactly the sum', () => {
  for (let i = 0; i < 10_000; i++) {
    const shares = 1 + Number(random64() % 100n);
    const total = BigInt(shares) + (random64() % 10n ** BigInt(i % 12));
    const amounts = split(total, shares, random64);
    const shown = `${total} in ${shares}: ${amounts}`;
    assert.equal(amounts.length, shares, shown);
    assert.ok(
      amounts.every((amount) => amount >= 1n),
      shown,
    );
    assert.equal(
      amounts.reduce((sum, amount) => sum + amount, 0n),
      total,
      shown,
    );
  }
});

test('the smallest and the largest random numbers are split as well', () => {
  for (const edge of [0n, 2n ** 64n - 1n]) {
    assert.deepEqual(
      split(3n, 3, () => edge),
      [1n, 1n, 1n],
    );
    const amounts = split(100n, 7, () => edge);
    assert.ok(amounts.every((amount) => amount >= 1n));
    assert.equal(
      amounts.reduce((sum, amount) => sum + amount, 0n),
      100n,
    );
  }
});
