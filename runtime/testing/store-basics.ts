// Conformance: what a reader is given (S2, S3, S9), the shape of ranges and pages.

import { deepEqual, equal } from 'node:assert/strict';
import type { ActorAddress, Cell, Head, Row, Store } from '../ports/store.ts';
import type { WithStore } from './store-conformance.ts';

/** A write time of an epoch, above 2^52 (rule 3 of the safety protocol) and of an epoch that no store under test has yet. */
export function tsOf(epoch: number, counter: number): bigint {
  return (BigInt(70_000 + epoch) << 36n) + BigInt(counter);
}

export const ann: ActorAddress = { kind: 'user', key: 'ann', shard: 3 };
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array): string => new TextDecoder().decode(value);
export const row = (seq: number, value: string, ts = tsOf(1, seq)): Row => ({ seq, ts, value: bytes(value) });

export function headOf(fields: Partial<Head>): Head {
  return {
    shard: 3,
    floor: 1,
    sealSeq: 0,
    sealTs: tsOf(1, 0),
    asOf: 0,
    state: new Uint8Array(),
    ts: tsOf(1, 0),
    ...fields,
  };
}

const cell = (key: string, value: string | undefined, ts: bigint): Cell => ({
  table: 'members',
  key,
  value: value === undefined ? undefined : bytes(value),
  ts,
});

const seqsOf = (rows: readonly Row[]): number[] => rows.map(({ seq }) => seq);

async function valueAt(store: Store, seq: number): Promise<string | undefined> {
  const [found] = await store.readRows(ann, { from: seq, to: seq, rowsMax: 1 });
  return found && text(found.value);
}

export function registerBasics(withStore: WithStore): void {
  withStore('an actor that never wrote has no head, no rows and no cells', async ({ store }) => {
    equal(await store.readHead(ann), undefined);
    deepEqual(await store.readRows(ann, { from: 1, rowsMax: 10 }), []);
    equal(await store.readCell(ann, 'members', 'a'), undefined);
    deepEqual(await store.readCells(ann, 'members', { cellsMax: 10 }), []);
    deepEqual(await store.readMarks(3, { marksMax: 10 }), []);
    deepEqual(await store.readDue(3, { untilMs: 1e12, marksMax: 10 }), []);
    deepEqual(await store.listActors('user', { actorsMax: 10 }), []);
  });
  withStore('a head comes back with every field as it was written', async ({ store }) => {
    const head = headOf({
      floor: 7,
      sealSeq: 2 ** 40,
      sealTs: 2n ** 63n - 1n,
      asOf: 9,
      state: bytes('state'),
    });
    await store.commit({ actor: ann, head });
    deepEqual(plain(await store.readHead(ann)), plain(head));
  });
  withStore('S2: a later write of a row wins whichever of the two arrives last', async ({ store }) => {
    await store.commit({ actor: ann, rows: [row(1, 'new', tsOf(2, 1))] });
    await store.commit({ actor: ann, rows: [row(1, 'old', tsOf(1, 9))] });
    equal(await valueAt(store, 1), 'new');
    await store.commit({ actor: ann, rows: [row(1, 'newest', tsOf(3, 1))] });
    equal(await valueAt(store, 1), 'newest');
  });
  withStore('S2: of two writes of one time the bytewise greater value wins', async ({ store }) => {
    for (const value of ['b', 'a', 'ab', 'b'])
      await store.commit({ actor: ann, rows: [row(1, value, tsOf(1, 1))] });
    equal(await valueAt(store, 1), 'b');
  });
  withStore('S2: of two cells in one commit the later time wins, not the later place', async ({ store }) => {
    await store.commit({
      actor: ann,
      cells: [cell('a', 'late', tsOf(1, 2)), cell('a', 'early', tsOf(1, 1))],
    });
    equal(text((await store.readCell(ann, 'members', 'a'))?.value ?? bytes('')), 'late');
  });
  withStore('S2: a delete hides earlier writes, those too that arrive after it', async ({ store }) => {
    await store.commit({ actor: ann, cells: [cell('a', 'x', tsOf(1, 1))] });
    await store.commit({ actor: ann, cells: [cell('a', undefined, tsOf(1, 5))] });
    await store.commit({ actor: ann, cells: [cell('a', 'y', tsOf(1, 4))] });
    equal(await store.readCell(ann, 'members', 'a'), undefined);
    deepEqual(await store.readCells(ann, 'members', { cellsMax: 10 }), []);
    await store.commit({ actor: ann, cells: [cell('a', 'z', tsOf(1, 6))] });
    equal(text((await store.readCell(ann, 'members', 'a'))?.value ?? bytes('')), 'z');
  });
  withStore('S2: a delete of a cell that never was hides an earlier write of it', async ({ store }) => {
    await store.commit({ actor: ann, cells: [cell('a', undefined, tsOf(1, 5))] });
    await store.commit({ actor: ann, cells: [cell('a', 'y', tsOf(1, 4))] });
    equal(await store.readCell(ann, 'members', 'a'), undefined);
  });
  withStore('S2: of a delete and a value of one time the delete wins', async ({ store }) => {
    await store.commit({ actor: ann, cells: [cell('a', 'x', tsOf(1, 1)), cell('b', undefined, tsOf(1, 1))] });
    await store.commit({ actor: ann, cells: [cell('a', undefined, tsOf(1, 1)), cell('b', 'x', tsOf(1, 1))] });
    deepEqual(await store.readCells(ann, 'members', { cellsMax: 10 }), []);
  });
  withStore('an empty value is a value and not a delete', async ({ store }) => {
    await store.commit({ actor: ann, rows: [row(1, '')], cells: [cell('a', '', tsOf(1, 1))] });
    equal(await valueAt(store, 1), '');
    equal((await store.readCell(ann, 'members', 'a'))?.value.length, 0);
  });
  withStore('S3: rows above the seal count only if they were written after it', async ({ store }) => {
    const rows = [row(1, 'a'), row(2, 'b'), row(3, 'ghost'), row(4, 'ghost')];
    await store.commit({ actor: ann, rows });
    await store.commit({ actor: ann, head: headOf({ sealSeq: 2, sealTs: tsOf(2, 1), ts: tsOf(2, 1) }) });
    deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 })), [1, 2]);
    await store.commit({ actor: ann, rows: [row(3, 'true', tsOf(2, 2))] });
    deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 })), [1, 2, 3]);
    equal(await valueAt(store, 3), 'true');
  });
  withStore('S3: a row of exactly the time of the seal does not count', async ({ store }) => {
    await store.commit({ actor: ann, head: headOf({ sealSeq: 0, sealTs: tsOf(1, 1) }) });
    await store.commit({ actor: ann, rows: [row(1, 'a', tsOf(1, 1)), row(2, 'b', tsOf(1, 2))] });
    deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 })), [2]);
  });
  withStore('S3: rows are judged by the head that the caller passes', async ({ store }) => {
    await store.commit({ actor: ann, rows: [row(1, 'a'), row(2, 'b'), row(3, 'c')] });
    const head = headOf({ floor: 2, sealSeq: 2, sealTs: tsOf(9, 0) });
    deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 }, head)), [2]);
  });
  withStore(
    'S3: rows below the floor are not readable, before and after they are trimmed',
    async ({ store }) => {
      await store.commit({ actor: ann, rows: [1, 2, 3, 4, 5].map((seq) => row(seq, 'x')) });
      await store.commit({ actor: ann, head: headOf({ floor: 4, sealSeq: 5, ts: tsOf(1, 6) }) });
      deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 })), [4, 5]);
      await store.trim(ann, 4, tsOf(1, 7));
      deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 })), [4, 5]);
      deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 }, headOf({ sealSeq: 5 }))), [4, 5]);
    },
  );
  withStore('a trim of more rows than one step takes all of them and nothing else', async ({ store }) => {
    const bob = { ...ann, key: 'annb' };
    for (let from = 1; from <= 5_000; from += 500) {
      const rows = Array.from({ length: 500 }, (_, at) => row(from + at, 'x'));
      await store.commit({ actor: ann, rows });
    }
    await store.commit({ actor: bob, rows: [row(1, 'other')] });
    await store.trim(ann, 4_999, tsOf(2, 0));
    deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 })), [4_999, 5_000]);
    deepEqual(seqsOf(await store.readRows(bob, { from: 1, rowsMax: 10 })), [1]);
  });
  withStore('a hole in a timeline is skipped, not filled', async ({ store }) => {
    await store.commit({ actor: ann, rows: [row(1, 'a'), row(2, 'b')] });
    await store.commit({ actor: ann, rows: [row(4, 'd')] });
    deepEqual(seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10 })), [1, 2, 4]);
  });
  withStore('a range of rows honours its ends, direction, rowsMax and bytesMax', async ({ store }) => {
    await store.commit({ actor: ann, rows: [1, 2, 3, 4, 5, 6].map((seq) => row(seq, 'xxx')) });
    const read = async (range: object): Promise<number[]> =>
      seqsOf(await store.readRows(ann, { from: 1, rowsMax: 10, ...range }));
    deepEqual(await read({ from: 2, to: 4 }), [2, 3, 4]);
    deepEqual(await read({ from: 2, to: 4, descending: true }), [4, 3, 2]);
    deepEqual(await read({ descending: true, rowsMax: 2 }), [6, 5]);
    deepEqual(await read({ bytesMax: 6 }), [1, 2]);
    deepEqual(await read({ bytesMax: 1 }), [1]);
    deepEqual(await read({ bytesMax: 7, descending: true }), [6, 5, 4]);
    deepEqual(await read({ from: 5, to: 4 }), []);
  });
  withStore('actors whose kinds and keys begin alike do not see each other', async ({ store }) => {
    const others = [
      { kind: 'user', key: 'a', shard: 1 },
      { kind: 'user', key: 'ab', shard: 1 },
      { kind: 'use', key: 'ra', shard: 1 },
      { kind: 'user', key: 'a/members', shard: 1 },
      { kind: 'user', key: '用户🙂', shard: 1 },
    ];
    for (const [at, actor] of others.entries()) {
      await store.commit({ actor, rows: [row(1, `${at}`)], cells: [cell('k', `${at}`, tsOf(1, 1))] });
    }
    for (const [at, actor] of others.entries()) {
      deepEqual(
        (await store.readRows(actor, { from: 1, rowsMax: 9 })).map((r) => text(r.value)),
        [`${at}`],
      );
      const cells = await store.readCells(actor, 'members', { cellsMax: 9 });
      deepEqual(
        cells.map((c) => text(c.value)),
        [`${at}`],
      );
    }
  });
  withStore(
    'S9: what the caller does to its bytes after commit or after a read changes nothing',
    async ({ store }) => {
      // A Buffer is the harder case: its slice shares memory.
      const value = Buffer.from('kept');
      const state = Buffer.from('kept');
      const done = store.commit({
        actor: ann,
        head: headOf({ state }),
        rows: [{ seq: 1, ts: tsOf(1, 1), value }],
        cells: [{ table: 't', key: 'k', value, ts: tsOf(1, 1) }],
      });
      value.fill(0);
      state.fill(0);
      await done;
      for (let round = 0; round < 2; round += 1) {
        const head = await store.readHead(ann);
        const [first] = await store.readRows(ann, { from: 1, rowsMax: 1 });
        const one = await store.readCell(ann, 't', 'k');
        const [page] = await store.readCells(ann, 't', { cellsMax: 1 });
        for (const found of [head?.state, first?.value, one?.value, page?.value]) {
          equal(text(found ?? bytes('missing')), 'kept');
          found?.fill(0);
        }
      }
    },
  );
  withStore('S9: bytes that were read stay as they were while the store goes on', async ({ store }) => {
    await store.commit({ actor: ann, rows: [row(1, 'first'), row(2, 'second')] });
    const held = await store.readRows(ann, { from: 1, rowsMax: 2 });
    for (let at = 1; at <= 20; at += 1)
      await store.commit({ actor: ann, rows: [row(1, `later ${at}`, tsOf(2, at))] });
    await store.readRows(ann, { from: 1, rowsMax: 2 });
    deepEqual(
      held.map((r) => text(r.value)),
      ['first', 'second'],
    );
  });
  withStore('a value of a megabyte comes back whole', async ({ store }) => {
    const value = new Uint8Array(1 << 20).map((_, at) => at * 31);
    await store.commit({
      actor: ann,
      rows: [{ seq: 1, ts: tsOf(1, 1), value }],
      head: headOf({ state: value }),
    });
    const [found] = await store.readRows(ann, { from: 1, rowsMax: 1 });
    equal(Buffer.compare(found?.value ?? bytes(''), value), 0);
    equal(Buffer.compare((await store.readHead(ann))?.state ?? bytes(''), value), 0);
  });
}

/** A head with its state as text, so that a comparison does not depend on the class of the bytes. */
function plain(head: Head | undefined): object | undefined {
  return head && { ...head, state: text(head.state) };
}
