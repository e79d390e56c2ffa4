// Conformance: notes beside actors (S1, S2).

import { deepEqual, equal } from 'node:assert/strict';
import type { ActorAddress, Note, Store } from '../ports/store.ts';
import { ann, bytes, headOf, row, tsOf } from './store-basics.ts';
import type { WithStore } from './store-conformance.ts';

const noteOf = (note: string, ts = tsOf(1, 1), present = true): Note => ({ note, present, ts });

function put(store: Store, actor: ActorAddress, ...notes: readonly Note[]): Promise<void> {
  return store.commit({ actor, notes });
}

async function names(store: Store, actor = ann): Promise<string[]> {
  return (await store.readNotes(actor, { notesMax: 99 })).map(({ note }) => note);
}

export function registerNotes(withStore: WithStore): void {
  withStore('S1: notes are there after the store is opened again, and deletes too', async (opened) => {
    const { store, reopen } = opened;
    await put(store, ann, noteOf('a'), noteOf('b', tsOf(2, 3)), noteOf('c'));
    await put(store, ann, noteOf('c', tsOf(1, 1), false));
    const next = reopen === undefined ? store : await reopen();
    deepEqual(await next.readNotes(ann, { notesMax: 9 }), [
      { note: 'a', ts: tsOf(1, 1) },
      { note: 'b', ts: tsOf(2, 3) },
    ]);
  });
  withStore('notes stand beside an actor that never wrote, and make none of it', async ({ store }) => {
    await put(store, ann, noteOf('a'));
    equal(await store.readHead(ann), undefined);
    deepEqual(await store.listActors('user', { actorsMax: 9 }), []);
    deepEqual(await names(store), ['a']);
  });
  withStore('notes need no seal: one from before it counts, and no row or cell is one', async ({ store }) => {
    await put(store, ann, noteOf('a', tsOf(1, 1)));
    const cells = [{ table: 'notes', key: 'x', value: bytes('v'), ts: tsOf(2, 1) }];
    await store.commit({ actor: ann, head: headOf({ sealTs: tsOf(2, 0), ts: tsOf(2, 0) }), cells });
    await store.commit({ actor: ann, rows: [row(1, 'r', tsOf(2, 2))] });
    deepEqual(await names(store), ['a']);
  });
  withStore('notes come in bytewise order, in pages, each actor its own', async ({ store }) => {
    const kept = ['a', 'ab', 'b', '～', '🙂'];
    await put(store, ann, ...[...kept].reverse().map((note) => noteOf(note)));
    await put(store, { ...ann, key: 'anna' }, noteOf('other'));
    await put(store, { ...ann, kind: 'use' }, noteOf('other'));
    deepEqual(await names(store), kept);
    const first = await store.readNotes(ann, { notesMax: 2 });
    const rest = await store.readNotes(ann, { after: 'ab', notesMax: 9 });
    deepEqual(
      [...first, ...rest].map(({ note }) => note),
      kept,
    );
    deepEqual(await store.readNotes(ann, { notesMax: 0 }), []);
  });
  withStore('S2: a delete takes the note that was read, not one written since', async ({ store }) => {
    await put(store, ann, noteOf('a', tsOf(1, 1)));
    await put(store, ann, noteOf('a', tsOf(1, 2)));
    await put(store, ann, noteOf('a', tsOf(1, 1), false));
    deepEqual(await store.readNotes(ann, { notesMax: 9 }), [{ note: 'a', ts: tsOf(1, 2) }]);
    await put(store, ann, noteOf('a', tsOf(1, 2), false));
    deepEqual(await names(store), []);
    await put(store, ann, noteOf('a', tsOf(1, 2)));
    deepEqual(await names(store), [], 'of equal times the delete wins');
    await put(store, ann, noteOf('a', tsOf(1, 3)));
    deepEqual(await names(store), ['a']);
  });
}
