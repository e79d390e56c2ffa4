import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHead, encodeHead } from './head.ts';
import { Layout } from './layout.ts';
import { afterPrefix, compareBytes, next, textRange } from './order.ts';
import { bucketOf, shardPartition, stripeOf, stripePartition } from './partition.ts';
import { statementsOf } from './statements.ts';

const text = fc.string({ unit: 'binary', maxLength: 6 }).filter((one) => one.isWellFormed());

test('P1: the stripe of an actor is what it was when its data was written, whatever its shard', () => {
  const of = (kind: string, key: string) => stripeOf({ kind, key, shard: Math.random() }, 64);
  deepEqual(
    [of('user', 'ann'), of('user', 'bob'), of('group', 'ann'), of('user', '用户🙂')],
    [41, 14, 46, 49],
  );
});

test('actors spread over all stripes about evenly', () => {
  const counts = new Array<number>(64).fill(0);
  for (let at = 0; at < 64_000; at += 1) {
    const stripe = stripeOf({ kind: 'user', key: `user-${at}`, shard: 0 }, 64);
    counts[stripe] = (counts[stripe] ?? 0) + 1;
  }
  ok(Math.min(...counts) > 850 && Math.max(...counts) < 1_150, String(counts));
});

test('a bucket has 4,096 rows, and the routing key is the partition key as the server hashes it', () => {
  deepEqual([1, 4_095, 4_096, 2 ** 40].map(bucketOf), [0, 0, 1, 2 ** 28]);
  equal(stripePartition(3, 258).routingKey.toString('hex'), '0004000000030000040000010200');
  equal(shardPartition(258).routingKey.toString('hex'), '00000102');
});

test('a head comes back as it was, and one of a later encoding is refused as too new', () => {
  const head = { shard: 2 ** 32 - 1, floor: 7, sealSeq: 2 ** 47, sealTs: 2n ** 63n - 1n, asOf: 9, ts: 5n };
  const bytes = encodeHead({ ...head, state: Buffer.from('state') });
  const found = decodeHead(bytes, 5n);
  deepEqual({ ...found, state: Buffer.from(found.state).toString() }, { ...head, state: 'state' });
  throws(() => decodeHead(Buffer.concat([Buffer.from([2]), bytes.subarray(1)]), 5n), {
    code: 'VERSION_TOO_NEW',
  });
  throws(() => decodeHead(bytes.subarray(0, 20), 5n), { code: 'CORRUPTION' });
  throws(() => decodeHead(Buffer.alloc(0), 5n), { code: 'CORRUPTION' });
});

test('the bound after a prefix is above what begins with it and not above anything else', () => {
  fc.assert(
    fc.property(text, text, (prefix, other) => {
      const bound = afterPrefix(prefix);
      ok(bound.isWellFormed());
      ok(compareBytes(prefix + other, bound) < 0);
      if (compareBytes(other, prefix) >= 0 && !other.startsWith(prefix)) ok(compareBytes(other, bound) >= 0);
      ok(compareBytes(next(prefix), prefix) > 0);
    }),
    { seed: 5, numRuns: 2_000 },
  );
  equal(afterPrefix('\ud7ff'), '\ue000');
  equal(afterPrefix('a\u{10ffff}'), 'b');
});

test('a page of texts has those of the prefix beyond the last one', () => {
  fc.assert(
    fc.property(text, fc.option(text, { nil: undefined }), fc.boolean(), text, (prefix, after, down, one) => {
      const { from, to } = textRange(prefix, after, down);
      const within = compareBytes(one, from) >= 0 && compareBytes(one, to) < 0;
      const step = after === undefined ? 1 : compareBytes(one, after) * (down ? -1 : 1);
      equal(within, one.startsWith(prefix) && step > 0);
    }),
    { seed: 6, numRuns: 2_000 },
  );
});

test('what no driver may take is refused before anything is sent', () => {
  const layout = new Layout(statementsOf('k'), 8);
  const actor = { kind: 'user', key: 'a', shard: 0 };
  const steps = (commit: object) => () => layout.steps({ actor, ...commit }, () => 1n);
  const invalid = { code: 'INVALID_REQUEST' };
  throws(steps({ actor: { ...actor, kind: 'User' } }), invalid);
  throws(steps({ actor: { ...actor, key: '' } }), invalid);
  throws(steps({ actor: { ...actor, key: 'x'.repeat(257) } }), invalid);
  throws(steps({ actor: { ...actor, key: '\ud800' } }), invalid);
  throws(steps({ cells: [{ table: 'a/b', key: 'k', value: undefined, ts: 1n }] }), invalid);
  throws(steps({ notes: [{ note: '', present: true, ts: 1n }] }), invalid);
  const value = new Uint8Array(9 * 1024 * 1024);
  throws(steps({ rows: [{ seq: 1, ts: 1n, value }] }), { code: 'PAYLOAD_TOO_LARGE' });
});

test('rows of two buckets are written to two partitions, everything else to the first', () => {
  const layout = new Layout(statementsOf('k'), 8);
  const actor = { kind: 'user', key: 'a', shard: 5 };
  const rows = [4_095, 4_096].map((seq) => ({ seq, ts: 1n, value: new Uint8Array() }));
  const due = [{ shard: 5, dueMs: 0, kind: 'user', key: 'a', ts: 1n }];
  const { marks, rest } = layout.steps(
    { actor, rows, due, notes: [{ note: 'n', present: true, ts: 1n }] },
    () => 1n,
  );
  const stripe = stripeOf(actor, 8);
  deepEqual(
    rest.map(({ partition }) => partition.id),
    [`${stripe}/0`, `${stripe}/1`, `${stripe}/0`],
  );
  deepEqual(
    marks.map(({ partition }) => partition.id),
    ['s5'],
  );
});
