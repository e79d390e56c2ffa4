import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Journal } from './journal.ts';
import { mergeCells, mergeRows } from './own-reads.ts';
import type { Cell, CellRange, RowRange } from './ports/store.ts';
import { encodeRow } from './stored.ts';
import { compareUtf8, SimStore } from './testing/index.ts';

const ACTOR = { kind: 'script', key: 'a', shard: 0 };
const row = (seq: number) => ({
  seq,
  ts: BigInt(seq),
  value: encodeRow(Buffer.from(`row ${seq}`), undefined),
});

/** A store with rows to `durable`, and a journal with those to `tail` on their way. */
async function timeline(durable: number, tail: number, floor = 1) {
  const store = new SimStore({ type: 'immediate' });
  const rows = Array.from({ length: tail }, (_, i) => row(i + 1));
  if (durable > 0) await store.commit({ actor: ACTOR, rows: rows.slice(0, durable) });
  const journal = {
    tail,
    floor,
    readerHead: { shard: 0, floor, sealSeq: 0, sealTs: 0n, asOf: 0, state: new Uint8Array(0), ts: 0n },
    unsettledRows: () => rows.slice(durable),
  } as unknown as Journal;
  return async (range: RowRange) => (await mergeRows(store, ACTOR, journal, range)).map(({ seq }) => seq);
}

describe('reading the own timeline', () => {
  it('gives records without what the runtime keeps beside them', async () => {
    const store = new SimStore({ type: 'immediate' });
    await store.commit({ actor: ACTOR, rows: [row(1)] });
    const journal = {
      tail: 1,
      floor: 1,
      readerHead: undefined,
      unsettledRows: () => [],
    } as unknown as Journal;
    const [first] = await mergeRows(store, ACTOR, journal, { from: 1, rowsMax: 1 });
    assert.equal(Buffer.from(first?.value ?? []).toString(), 'row 1');
  });

  it('is contiguous from where it starts, in both directions, whatever is still on its way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          durable: fc.nat({ max: 8 }),
          unsettled: fc.nat({ max: 8 }),
          floor: fc.integer({ min: 1, max: 5 }),
          from: fc.nat({ max: 18 }),
          to: fc.option(fc.nat({ max: 18 }), { nil: undefined }),
          rowsMax: fc.nat({ max: 10 }),
          bytesMax: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
          descending: fc.boolean(),
        }),
        async ({ durable, unsettled, floor, from, to, rowsMax, bytesMax, descending }) => {
          const tail = durable + unsettled;
          const read = await timeline(durable, tail, floor);
          const got = await read({
            from,
            rowsMax,
            descending,
            ...(to === undefined ? {} : { to }),
            ...(bytesMax === undefined ? {} : { bytesMax }),
          });
          const low = Math.max(from, floor, 1);
          const high = Math.min(to ?? tail, tail);
          const all = [];
          for (let seq = low; seq <= high; seq++) all.push(seq);
          if (descending) all.reverse();
          assert.deepEqual(got, all.slice(0, got.length), 'a beginning of what was asked for');
          if (bytesMax === undefined) assert.equal(got.length, Math.min(rowsMax, all.length));
          else if (rowsMax > 0 && all.length > 0)
            assert.ok(got.length > 0, 'never empty where there is something');
        },
      ),
      { seed: 7, numRuns: 400 },
    );
  });
});

const keys = ['', 'a', 'b', 'ba', 'bb', '文', '\u{10000}', '\uffff'].slice(1);
const cellWrite = fc.record({
  key: fc.constantFrom(...keys),
  value: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
});

describe('reading the own tables', () => {
  it('equals reading them after everything on its way has been written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(cellWrite, { maxLength: 8 }),
        fc.array(cellWrite, { maxLength: 8 }),
        fc.record({
          prefix: fc.option(fc.constantFrom('b', ''), { nil: undefined }),
          after: fc.option(fc.constantFrom(...keys), { nil: undefined }),
          cellsMax: fc.integer({ min: 1, max: 5 }),
          descending: fc.boolean(),
        }),
        async (stored, unsettled, { prefix, after, cellsMax, descending }) => {
          const range: CellRange = {
            cellsMax,
            descending,
            ...(prefix === undefined ? {} : { prefix }),
            ...(after === undefined ? {} : { after }),
          };
          let ts = 0n;
          const cells = (writes: typeof stored): Cell[] =>
            writes.map(({ key, value }) => ({
              table: 'words',
              key,
              ts: ++ts,
              value: value === undefined ? undefined : Uint8Array.of(value),
            }));
          const store = new SimStore({ type: 'immediate' });
          await store.commit({ actor: ACTOR, cells: cells(stored) });
          const late = cells(unsettled);
          const pending = new Map(late.map((cell) => [cell.key, cell]));
          const journal = { pendingCells: () => pending } as unknown as Journal;
          const merged = await mergeCells(store, ACTOR, journal, 'words', range);
          await store.commit({ actor: ACTOR, cells: late });
          const later = await store.readCells(ACTOR, 'words', range);
          const plain = (all: readonly { key: string; value: Uint8Array }[]) =>
            all.map(({ key, value }) => `${key}=${value[0]}`);
          assert.deepEqual(plain(merged), plain(later));
          const sorted = [...merged].sort((a, b) => compareUtf8(a.key, b.key) * (descending ? -1 : 1));
          assert.deepEqual(plain(merged), plain(sorted));
        },
      ),
      { seed: 7, numRuns: 400 },
    );
  });
});
