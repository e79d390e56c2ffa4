import { equal, ok, throws } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LmdbOwnership } from './ownership.ts';

describe('ownership of an embedded store', () => {
  test('every shard is claimed and the fence reads live without a promise', () => {
    const ownership = new LmdbOwnership(65_536);
    equal(ownership.claim(4_095)?.epoch, 65_536);
    equal(ownership.claim(4_095)?.shard, 4_095);
    equal(ownership.readFence(), 'live');
  });
  test('O1: write times rise over all shards and are never drawn twice', () => {
    const ownership = new LmdbOwnership(65_536);
    let last = (65_536n << 36n) - 1n;
    for (let draw = 0; draw < 1_000; draw += 1) {
      const ts = ownership.claim(draw % 7)?.nextTimestamp() ?? 0n;
      ok(ts > last);
      last = ts;
    }
    ok(last >= 2n ** 52n);
  });
  test('O2: times of the next epoch are above all of this one', () => {
    const last = new LmdbOwnership(65_536, 2n ** 36n - 2n).claim(0)?.nextTimestamp() ?? 0n;
    ok((new LmdbOwnership(65_537).claim(0)?.nextTimestamp() ?? 0n) > last);
  });
  test('an epoch whose times are all drawn refuses instead of running into the next', () => {
    const claim = new LmdbOwnership(65_536, 2n ** 36n - 2n).claim(0);
    equal(claim?.nextTimestamp(), (65_536n << 36n) + 2n ** 36n - 1n);
    throws(() => claim?.nextTimestamp(), { code: 'NOT_OWNER' });
  });
  test('once ended, claims draw no time and the fence does not read live', () => {
    const ownership = new LmdbOwnership(65_536);
    const claim = ownership.claim(0);
    ownership.end();
    throws(() => claim?.nextTimestamp(), { code: 'NOT_OWNER' });
    equal(ownership.claim(0), undefined);
    equal(ownership.readFence(), 'fenced');
  });
});
