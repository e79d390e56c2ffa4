// Conformance: random histories, compared read by read with the model. Seeds are fixed: a failure repeats.

import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CellRange, Commit, DueMark, Row, RowRange, Store, StoredCell } from '../ports/store.ts';
import { headOf, tsOf } from './store-basics.ts';
import type { OpenStore } from './store-conformance.ts';
import { StoreModel } from './store-model.ts';

const keys = ['a', 'ab', 'b', '用', '～', '🙂'];
const tables = ['t', 'tt'];
const shard = 3;

type Step =
  | { readonly type: 'commit'; readonly commit: Commit }
  | { readonly type: 'drop'; readonly epoch: number }
  | { readonly type: 'drop_due'; readonly marks: readonly DueMark[]; readonly ts: bigint }
  | { readonly type: 'reopen' };

const value = fc.uint8Array({ maxLength: 6 });
// Few times, so that writes of one cell often meet at the same one.
const time = fc.integer({ min: 1, max: 12 }).map((n) => tsOf(1 + (n >> 2), n & 3));
const actor = fc.constantFrom('a', 'ab').map((key) => ({ kind: 'user', key, shard }));

const note = fc
  .record({ minute: fc.integer({ min: 0, max: 3 }), key: fc.constantFrom('a', 'ab', '🙂', '～'), ts: time })
  .map(({ minute, key, ts }): DueMark => ({ shard, dueMs: minute * 60_000, kind: 'user', key, ts }));

const commit: fc.Arbitrary<Commit> = fc
  .record({
    actor,
    from: fc.integer({ min: 1, max: 8 }),
    rows: fc.array(fc.record({ ts: time, value }), { maxLength: 3 }),
    head: fc.option(time, { nil: undefined, freq: 3 }),
    cells: fc.array(
      fc.record({
        table: fc.constantFrom(...tables),
        key: fc.constantFrom(...keys),
        value: fc.option(value, { nil: undefined, freq: 3 }),
        ts: time,
      }),
      { maxLength: 4 },
    ),
    mark: fc.option(
      fc.record({
        epoch: fc.integer({ min: 1, max: 3 }),
        n: fc.integer({ min: 0, max: 300 }),
        key: fc.constantFrom(...keys),
      }),
      { nil: undefined, freq: 3 },
    ),
    due: fc.array(note, { maxLength: 2 }),
    notes: fc.array(fc.record({ note: fc.constantFrom(...keys), present: fc.boolean(), ts: time }), {
      maxLength: 3,
    }),
  })
  .map(({ actor: at, from, rows, head, cells, mark, due, notes }) => ({
    actor: at,
    rows: rows.map((row, index) => ({ seq: from + index, ...row })),
    cells,
    due,
    notes,
    // Of two heads of one time the encodings decide, which are the driver's own: equal times get equal heads here.
    ...(head && { head: headOf(headAt(head)) }),
    ...(mark && { mark: { shard, kind: 'user', ...mark } }),
  }));

function headAt(ts: bigint): { ts: bigint; floor: number; sealSeq: number; sealTs: bigint } {
  const n = Number(ts % 7n);
  return { ts, floor: 1 + (n & 3), sealSeq: n, sealTs: ts };
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: commit.map((c): Step => ({ type: 'commit', commit: c })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((epoch): Step => ({ type: 'drop', epoch })) },
  {
    weight: 3,
    arbitrary: fc
      .record({ marks: fc.array(note, { maxLength: 3 }), ts: time })
      .map((drop): Step => ({ type: 'drop_due', ...drop })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'reopen' }) },
);

const rowRange: fc.Arbitrary<RowRange> = fc.record(
  {
    from: fc.integer({ min: 1, max: 11 }),
    to: fc.integer({ min: 1, max: 11 }),
    rowsMax: fc.integer({ min: 1, max: 12 }),
    bytesMax: fc.integer({ min: 1, max: 20 }),
    descending: fc.boolean(),
  },
  { requiredKeys: ['from', 'rowsMax'] },
);

const cellRange: fc.Arbitrary<CellRange> = fc.record(
  {
    prefix: fc.constantFrom('', 'a', 'ab', 'x', '用'),
    after: fc.constantFrom(...keys, 'aa', 'zz'),
    cellsMax: fc.integer({ min: 1, max: 8 }),
    descending: fc.boolean(),
  },
  { requiredKeys: ['cellsMax'] },
);

/** Registers the comparison of random histories. */
export function registerProperties(open: OpenStore): void {
  test('S2, S3: whatever was written in whatever order, every read answers as the model does', async () => {
    const history = fc.record({
      steps: fc.array(step, { minLength: 1, maxLength: 25 }),
      rowRanges: fc.array(rowRange, { minLength: 1, maxLength: 4 }),
      cellRanges: fc.array(cellRange, { minLength: 1, maxLength: 4 }),
    });
    const property = fc.asyncProperty(history, async ({ steps, rowRanges, cellRanges }) => {
      const opened = await open();
      try {
        const model = new StoreModel();
        let { store } = opened;
        for (const next of steps) {
          if (next.type === 'commit') {
            model.write(next.commit);
            await store.commit(next.commit);
          } else if (next.type === 'drop') {
            model.dropMarks(shard, next.epoch);
            await store.dropMarks(shard, next.epoch);
          } else if (next.type === 'drop_due') {
            model.dropDue(next.marks, next.ts);
            await store.dropDue(next.marks, next.ts);
          } else if (opened.reopen !== undefined) store = await opened.reopen();
        }
        await compare(store, model, rowRanges, cellRanges);
      } finally {
        await opened.dispose();
      }
    });
    await fc.assert(property, { seed: 20_260_101, numRuns: 60, endOnFailure: true });
  });
}

async function compare(
  store: Store,
  model: StoreModel,
  rowRanges: readonly RowRange[],
  cellRanges: readonly CellRange[],
): Promise<void> {
  for (const key of ['a', 'ab']) {
    const at = { kind: 'user', key, shard };
    deepEqual((await store.readHead(at))?.ts, model.head('user', key)?.ts);
    const notes = model.notes('user', key);
    deepEqual(await store.readNotes(at, { notesMax: 99 }), notes);
    const [first] = notes;
    if (first !== undefined)
      deepEqual(await store.readNotes(at, { after: first.note, notesMax: 2 }), notes.slice(1, 3));
    for (const range of rowRanges) {
      deepEqual((await store.readRows(at, range)).map(plain), model.rows('user', key, range).map(plain));
    }
    for (const table of tables) {
      for (const range of cellRanges) {
        const want = model.cells('user', key, table, range).map(plainCell);
        deepEqual((await store.readCells(at, table, range)).map(plainCell), want);
        for (const cell of want) deepEqual((await store.readCell(at, table, cell.key))?.ts, cell.ts);
      }
    }
  }
  deepEqual(await store.readMarks(shard, { marksMax: 99 }), model.marks(shard));
  for (const untilMs of [0, 60_000, 180_000]) {
    deepEqual(await store.readDue(shard, { untilMs, marksMax: 99 }), model.due(shard, untilMs));
  }
  deepEqual(await store.listActors('user', { actorsMax: 99 }), model.actors('user'));
}

function plain(row: Row): object {
  return { ...row, value: [...row.value] };
}

function plainCell(cell: StoredCell): { key: string; ts: bigint; value: number[] } {
  return { ...cell, value: [...cell.value] };
}
