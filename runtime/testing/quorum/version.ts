// One cell of a replica. Owns: which of two writes of a cell wins (S2) and the order of keys within a partition.
//
// Invariants:
// V1  A version never changes once made: replicas and messages share it, and two that are the same object are equal.

import type { Head } from '../../ports/store.ts';

/** What one write left in a cell. */
export interface Version {
  readonly ts: bigint;
  /** False for a delete. */
  readonly live: boolean;
  /** The value; of a head its state. */
  readonly bytes: Uint8Array;
  /** Only in the cell of a head. */
  readonly head: Head | undefined;
}

/** Place of a cell in its partition: all keys of one partition are of one type. */
export type CellKey = number | string;

/** A delete of all cells with `from` <= key < `to` that were written at `ts` or before; `from` is less than `to`. */
export interface RangeDelete {
  /** Undefined: from the start. */
  readonly from: CellKey | undefined;
  readonly to: CellKey;
  readonly ts: bigint;
}

const NO_BYTES = new Uint8Array(0);

/** Greater than every string of whole characters that begins with `prefix`. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\uDFFF`;
}

/** A version that holds a copy of `bytes`; undefined deletes. */
export function versionOf(ts: bigint, bytes: Uint8Array | undefined): Version {
  return {
    ts,
    live: bytes !== undefined,
    bytes: bytes === undefined ? NO_BYTES : new Uint8Array(bytes),
    head: undefined,
  };
}

/** The version of a head cell. */
export function versionOfHead(head: Head): Version {
  const state = new Uint8Array(head.state);
  return { ts: head.ts, live: true, bytes: state, head: { ...head, state } };
}

/** Whether `a` hides `b`: the later one; of equal times a delete, else the greater value. */
export function wins(a: Version, b: Version): boolean {
  if (a === b) return false;
  if (a.ts !== b.ts) return a.ts > b.ts;
  if (!b.live) return false;
  if (!a.live) return true;
  const fields = a.head === undefined || b.head === undefined ? 0 : compareHeads(a.head, b.head);
  return (fields || Buffer.compare(a.bytes, b.bytes)) > 0;
}

function compareHeads(a: Head, b: Head): number {
  const fields = a.shard - b.shard || a.floor - b.floor || a.sealSeq - b.sealSeq;
  if (fields !== 0) return fields;
  if (a.sealTs !== b.sealTs) return a.sealTs > b.sealTs ? 1 : -1;
  return a.asOf - b.asOf;
}

/** Numbers by size, strings by the bytes of their UTF-8 form. */
export function compareKeys(a: CellKey, b: CellKey): number {
  if (a === b) return 0;
  if (typeof a === 'number' || typeof b === 'number') return Number(a) - Number(b);
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** In UTF-8 the characters beyond U+FFFF, which are surrogates here, come after all others. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

/** Whether the delete covers a cell of this key written at `ts`. */
export function covers(range: RangeDelete, key: CellKey, ts: bigint): boolean {
  return ts <= range.ts && inRange(range, key);
}

export function inRange(range: RangeDelete, key: CellKey): boolean {
  if (compareKeys(key, range.to) >= 0) return false;
  return range.from === undefined || compareKeys(key, range.from) >= 0;
}

/** Index of the first key >= `key` of an ascending array. */
export function lowerBound(sorted: readonly CellKey[], key: CellKey): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (compareKeys(sorted[mid] ?? key, key) < 0) low = mid + 1;
    else high = mid;
  }
  return low;
}
