// Table cells of one activation that are not known durable: what waits to be written, and what reads must see meanwhile.

import type { Cell } from './ports/store.ts';

/** A cell with the position of the record that asks for it. */
export interface TableWrite extends Cell {
  readonly seq: number;
}

export class TableWrites {
  /** Ascending by position. */
  #waiting: TableWrite[] = [];
  /** By table and key. Made with the first cell. */
  #overlay: Map<string, Map<string, TableWrite>> | undefined;

  /** Cells that wait to be written. */
  get count(): number {
    return this.#waiting.length;
  }

  /** Position of the record of the first cell that waits; infinite where none does. */
  get firstSeq(): number {
    return this.#waiting[0]?.seq ?? Number.POSITIVE_INFINITY;
  }

  add(write: TableWrite): void {
    this.#waiting.push(write);
    this.#overlay ??= new Map();
    let keys = this.#overlay.get(write.table);
    if (keys === undefined) {
      keys = new Map();
      this.#overlay.set(write.table, keys);
    }
    keys.set(write.key, write);
  }

  /** The newest cell of each key of a table that the store may not have. */
  pending(table: string): ReadonlyMap<string, Cell> | undefined {
    return this.#overlay?.get(table);
  }

  /**
   * Takes the cells of records up to `durable`, at least `max` where so many wait. Of one key the newest wins, so older
   * ones are left out. Cells of one record have one write time: they are never taken apart.
   */
  take(durable: number, max: number): TableWrite[] {
    let end = 0;
    for (const { seq } of this.#waiting) {
      if (seq > durable || (end >= max && seq !== this.#waiting[end - 1]?.seq)) break;
      end++;
    }
    const newest = new Map<string, TableWrite>();
    for (const write of this.#waiting.splice(0, end)) newest.set(`${write.table}\u0000${write.key}`, write);
    return [...newest.values()];
  }

  /** The cells are durable. */
  settled(writes: readonly TableWrite[]): void {
    for (const write of writes) {
      const keys = this.#overlay?.get(write.table);
      if (keys?.get(write.key) === write) keys.delete(write.key);
    }
  }

  clear(): void {
    this.#waiting = [];
  }
}
