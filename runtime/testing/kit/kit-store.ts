// One simulated store for all nodes of a kit. Owns: holding writes back, planned outcomes of writes, and that nothing
// settles for a process that has ended.

import type { Store } from '../../index.ts';
import { type SimFault, SimStore } from '../sim-store.ts';

/** What becomes of one write in place of success. */
export type WriteFate =
  /** Refused with STORAGE_FULL: surely not done. */
  | 'refused'
  /** The writer is not told whether it was done; it was. */
  | 'unknown_done'
  /** The writer is not told whether it was done; it was not. */
  | 'unknown_not_done';

const FAULTS: Readonly<Record<WriteFate, SimFault>> = {
  refused: { type: 'not_done' },
  unknown_done: { type: 'unknown_applied' },
  unknown_not_done: { type: 'unknown_not_applied' },
};

export class KitStore {
  readonly #store = new SimStore({ type: 'immediate' });
  #held: { readonly promise: Promise<void>; readonly open: () => void } | undefined;

  hold(): void {
    if (this.#held !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = { promise, open: resolve };
  }

  release(): void {
    this.#held?.open();
    this.#held = undefined;
  }

  failNext(fate: WriteFate, match: (actor: { kind: string; key: string }) => boolean): void {
    this.#store.failNext(FAULTS[fate], ({ actor, rows = [] }) => rows.length > 0 && match(actor));
  }

  /** The store as one process uses it: from the moment that `alive` says no, nothing settles and nothing more is written. */
  of(alive: () => boolean): Store {
    const store = this.#store;
    const arrive = <T>(start: () => Promise<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        if (!alive()) return;
        start().then(
          (value) => alive() && resolve(value),
          (error: unknown) => alive() && reject(error),
        );
      });
    const write = <T>(start: () => Promise<T>): Promise<T> => {
      const held = this.#held?.promise;
      if (held === undefined) return arrive(start);
      return new Promise((resolve, reject) => {
        void held.then(() => arrive(start).then(resolve, reject));
      });
    };
    return {
      readHead: (actor) => arrive(() => store.readHead(actor)),
      readRows: (actor, range, head) => arrive(() => store.readRows(actor, range, head)),
      readCell: (actor, table, key) => arrive(() => store.readCell(actor, table, key)),
      readCells: (actor, table, range) => arrive(() => store.readCells(actor, table, range)),
      readNotes: (actor, range) => arrive(() => store.readNotes(actor, range)),
      readMarks: (shard, range) => arrive(() => store.readMarks(shard, range)),
      readDue: (shard, range) => arrive(() => store.readDue(shard, range)),
      listActors: (kind, range) => arrive(() => store.listActors(kind, range)),
      commit: (commit) => write(() => store.commit(commit)),
      trim: (actor, below, ts) => write(() => store.trim(actor, below, ts)),
      dropMarks: (shard, epoch) => write(() => store.dropMarks(shard, epoch)),
      dropDue: (marks, ts) => write(() => store.dropDue(marks, ts)),
      health: () => store.health(),
      onFatal: (listener) => store.onFatal(listener),
      close: () => Promise.resolve(),
    };
  }
}
