// A partition on one replica. Owns: applying mutations in any order, and slices of its cells. Does not own: when
// (replica.ts), and what several replicas say together (merge.ts).
//
// Invariants:
// P1  Applying a set of mutations in any order, each once or more, gives the same cells.
// P2  A slice tells every cell between its start and its last key, deletes too; `more` says that it stops there.

import {
  type CellKey,
  compareKeys,
  covers,
  lowerBound,
  type RangeDelete,
  type Version,
  wins,
} from './version.ts';

/** What one write changes in one partition; applied by a replica as a whole. */
export interface Mutation {
  readonly partition: string;
  readonly cells: readonly (readonly [CellKey, Version])[];
  readonly ranges: readonly RangeDelete[];
}

/** Which cells of a partition are asked for. */
export interface Slice {
  readonly partition: string;
  /** First key wanted in the direction of reading; undefined: from the end it begins at. */
  readonly start?: CellKey | undefined;
  /** Leave out `start` itself; default false. */
  readonly startOpen?: boolean;
  /** Last key wanted, inclusive; undefined: to the other end. */
  readonly end?: CellKey | undefined;
  /** Most cells of one replica's answer. */
  readonly cellsMax: number;
  /** Default false. */
  readonly descending?: boolean;
}

/** One replica's answer (P2). */
export interface SliceAnswer {
  readonly keys: readonly CellKey[];
  readonly versions: readonly Version[];
  readonly ranges: readonly RangeDelete[];
  readonly more: boolean;
}

/** The answer of a replica that has nothing of the partition. */
export const EMPTY_ANSWER: SliceAnswer = { keys: [], versions: [], ranges: [], more: false };

export class Partition {
  readonly #cells = new Map<CellKey, Version>();
  /** Keys of `#cells`, ascending. */
  #keys: CellKey[] = [];
  #ranges: readonly RangeDelete[] = [];

  apply(mutation: Mutation): void {
    for (const range of mutation.ranges) this.#delete(range);
    for (const [key, version] of mutation.cells) this.#put(key, version);
  }

  read(slice: Slice): SliceAnswer {
    const { cellsMax, start, end, startOpen = false } = slice;
    const step = slice.descending === true ? -1 : 1;
    const keys: CellKey[] = [];
    const versions: Version[] = [];
    for (let at = this.#first(start, startOpen, step); ; at += step) {
      const key = this.#keys[at];
      if (key === undefined || (end !== undefined && compareKeys(key, end) * step > 0)) {
        return { keys, versions, ranges: this.#ranges, more: false };
      }
      if (keys.length >= cellsMax) return { keys, versions, ranges: this.#ranges, more: true };
      const version = this.#cells.get(key);
      if (version === undefined) continue;
      keys.push(key);
      versions.push(version);
    }
  }

  #first(start: CellKey | undefined, open: boolean, step: 1 | -1): number {
    if (start === undefined) return step > 0 ? 0 : this.#keys.length - 1;
    const at = lowerBound(this.#keys, start);
    const found = this.#keys[at] === start;
    if (step > 0) return found && open ? at + 1 : at;
    return found && !open ? at : at - 1;
  }

  #put(key: CellKey, version: Version): void {
    const old = this.#cells.get(key);
    if (old === undefined) {
      if (this.#ranges.some((range) => covers(range, key, version.ts))) return;
      const last = this.#keys.at(-1);
      if (last === undefined || compareKeys(key, last) > 0) this.#keys.push(key);
      else this.#keys.splice(lowerBound(this.#keys, key), 0, key);
    } else if (!wins(version, old)) return;
    this.#cells.set(key, version);
  }

  #delete(range: RangeDelete): void {
    if (this.#ranges.some((old) => contains(old, range))) return;
    this.#ranges = [...this.#ranges.filter((old) => !contains(range, old)), range];
    const from = range.from === undefined ? 0 : lowerBound(this.#keys, range.from);
    const to = lowerBound(this.#keys, range.to);
    const kept: CellKey[] = [];
    for (const key of this.#keys.slice(from, to)) {
      if ((this.#cells.get(key)?.ts ?? 0n) > range.ts) kept.push(key);
      else this.#cells.delete(key);
    }
    this.#keys = [...this.#keys.slice(0, from), ...kept, ...this.#keys.slice(to)];
  }
}

/** Whether `outer` deletes all that `inner` deletes. */
export function contains(outer: RangeDelete, inner: RangeDelete): boolean {
  if (outer === inner) return true;
  if (outer.ts < inner.ts || compareKeys(outer.to, inner.to) < 0) return false;
  if (outer.from === undefined) return true;
  return inner.from !== undefined && compareKeys(outer.from, inner.from) <= 0;
}
