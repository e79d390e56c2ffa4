import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compareUtf8 } from '../sim-text.ts';
import { agree, mergeAnswers, pageOf } from './merge.ts';
import { type Mutation, Partition, type Slice } from './partition.ts';
import { type CellKey, compareKeys, versionOf } from './version.ts';

const mutation: fc.Arbitrary<Mutation> = fc
  .record({
    cells: fc.array(
      fc.record({
        key: fc.integer({ min: 1, max: 12 }),
        ts: fc.bigInt({ min: 1n, max: 4n }),
        value: fc.option(fc.uint8Array({ maxLength: 1 }), { nil: undefined, freq: 3 }),
      }),
      { maxLength: 3 },
    ),
    ranges: fc.array(
      fc
        .record({
          from: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
          length: fc.integer({ min: 1, max: 6 }),
          ts: fc.bigInt({ min: 1n, max: 4n }),
        })
        .map(({ from, length, ts }) => ({ from, to: (from ?? 1) + length, ts })),
      { maxLength: 1 },
    ),
  })
  .map(({ cells, ranges }) => ({
    partition: 'p',
    cells: cells.map(({ key, ts, value }) => [key, versionOf(ts, value)] as const),
    ranges,
  }));

const slice: fc.Arbitrary<Slice> = fc.record(
  {
    partition: fc.constant('p'),
    start: fc.integer({ min: 0, max: 13 }),
    startOpen: fc.boolean(),
    end: fc.integer({ min: 0, max: 13 }),
    cellsMax: fc.integer({ min: 1, max: 4 }),
    descending: fc.boolean(),
  },
  { requiredKeys: ['partition', 'cellsMax'] },
);

/** All live cells of a slice, page after page; `read` gives one page. */
function all(wanted: Slice, read: (slice: Slice) => ReturnType<typeof pageOf>): string[] {
  const found: string[] = [];
  let next: Slice | undefined = wanted;
  for (let pages = 0; next !== undefined; pages += 1) {
    ok(pages < 50, 'pages end');
    const page = read(next);
    for (const [at, key] of page.keys.entries()) {
      const version = page.versions[at];
      found.push(`${key}=${version?.ts}:${version?.bytes.join()}`);
    }
    next = page.next === undefined ? undefined : { ...wanted, start: page.next, startOpen: true };
  }
  return found;
}

const written = fc.array(fc.record({ mutation, at: fc.integer({ min: 1, max: 3 }) }), { maxLength: 12 });

describe('answers of several replicas', () => {
  test('P1: mutations in any order, each once or more, leave the same cells', () => {
    const orders = fc.array(mutation, { maxLength: 8 }).chain((list) =>
      fc.record({
        list: fc.constant(list),
        other: fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 }),
      }),
    );
    fc.assert(
      fc.property(orders, ({ list, other }) => {
        const [a, b] = [new Partition(), new Partition()];
        for (const each of list) a.apply(each);
        for (const each of other) b.apply(each);
        const whole = { partition: 'p', cellsMax: 99 };
        ok(agree(a.read(whole), b.read(whole)));
      }),
      { seed: 1, numRuns: 500 },
    );
  });
  test('G1: merged pages of two replicas are those of one that has everything, in both directions', () => {
    fc.assert(
      fc.property(written, slice, (writes, wanted) => {
        const [a, b, both] = [new Partition(), new Partition(), new Partition()];
        for (const { mutation: each, at } of writes) {
          if (at !== 2) a.apply(each);
          if (at !== 1) b.apply(each);
          both.apply(each);
        }
        const merged = all(wanted, (part) => mergeAnswers(part, [a.read(part), b.read(part)]).page);
        deepEqual(
          merged,
          all({ ...wanted, cellsMax: 99 }, (part) => pageOf(both.read(part))),
        );
      }),
      { seed: 2, numRuns: 2_000 },
    );
  });
  test('after its repairs every replica that was asked gives the merged answer', () => {
    fc.assert(
      fc.property(written, slice, (writes, wanted) => {
        const replicas = [new Partition(), new Partition()];
        for (const { mutation: each, at } of writes) {
          for (const [id, replica] of replicas.entries()) if (at !== 2 - id) replica.apply(each);
        }
        const one = { ...wanted, cellsMax: 99 };
        const before = mergeAnswers(
          one,
          replicas.map((replica) => replica.read(one)),
        );
        for (const [id, replica] of replicas.entries()) {
          const lacks = before.missing[id];
          if (lacks !== undefined) replica.apply(lacks);
          deepEqual(
            all(one, (part) => pageOf(replica.read(part))),
            all(one, () => before.page),
          );
        }
        const after = mergeAnswers(
          one,
          replicas.map((replica) => replica.read(one)),
        );
        deepEqual(after.missing, [undefined, undefined]);
      }),
      { seed: 3, numRuns: 1_000 },
    );
  });
  test('keys are in the order of their bytes', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a: CellKey, b: CellKey) => {
        equal(Math.sign(compareKeys(a, b)), Math.sign(compareUtf8(String(a), String(b))));
      }),
      { seed: 4, numRuns: 2_000 },
    );
    ok(compareKeys('～', '🙂') < 0 && compareKeys('🙂', '～') > 0);
  });
});
