// A store as one process reaches it. What it has handed over may still land once it is killed.

import type { Store } from '../../../runtime/index.ts';
import type { SimProcess } from './process.ts';

/** A store whose answers reach a process as everything does: later if it is held or paused, never once it is killed. */
export function arrivingStore(store: Store, process: SimProcess): Store {
  return {
    readHead: (actor) => process.arrive(store.readHead(actor)),
    readRows: (actor, range, head) => process.arrive(store.readRows(actor, range, head)),
    readCell: (actor, table, key) => process.arrive(store.readCell(actor, table, key)),
    readCells: (actor, table, range) => process.arrive(store.readCells(actor, table, range)),
    readNotes: (actor, range) => process.arrive(store.readNotes(actor, range)),
    readMarks: (shard, range) => process.arrive(store.readMarks(shard, range)),
    readDue: (shard, range) => process.arrive(store.readDue(shard, range)),
    listActors: (kind, range) => process.arrive(store.listActors(kind, range)),
    commit: (commit) => process.arrive(store.commit(commit)),
    trim: (actor, below, ts) => process.arrive(store.trim(actor, below, ts)),
    dropMarks: (shard, epoch) => process.arrive(store.dropMarks(shard, epoch)),
    dropDue: (marks, ts) => process.arrive(store.dropDue(marks, ts)),
    health: () => store.health(),
    onFatal: (listener) => store.onFatal(listener),
    close: () => Promise.resolve(),
  };
}
