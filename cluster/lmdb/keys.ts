// Keys of the store. Owns: the layout of keys and their order. Does not own: what lies under them (cells.ts).
//
//   H kind 0 key                      head            R kind 0 key 0 seq(6)             row
//   C kind 0 key 0 table 0 cell-key   table cell      M shard(4) epoch(6) n(6) kind 0 key   wake mark
//   D shard(4) dueMs(6) kind 0 key    due note        N kind 0 key 0 note               note beside an actor
//   T ts(8) cell's key                tombstone, by time   ! name                         facts about the store
//
// Kinds, keys and table names hold no zero byte, so a zero ends them and keeps bytewise order; numbers are big-endian.

import { invalidRequest, invariant } from '../../runtime/errors.ts';
import type { ActorAddress, DueMark, WakeMark } from '../../runtime/ports/store.ts';

const H = 0x48;
const R = 0x52;
const C = 0x43;
const M = 0x4d;
const D = 0x44;
const N = 0x4e;
const T = 0x54;
const seqBytes = 6;
const seqMax = 2 ** 48 - 1;
const name = /^[a-z0-9-]{1,32}$/;

/** Key of a fact about the store itself. */
export function factKey(fact: string): Buffer {
  return Buffer.from(`!${fact}`, 'latin1');
}

/** Key of an actor's head. */
export function headKey(actor: ActorAddress): Buffer {
  return actorKey(H, actor, 0, false);
}

/** What the keys of all heads of a kind begin with. */
export function headPrefix(kind: string): Buffer {
  checkName('kind', kind);
  return Buffer.from(`H${kind}\0`, 'latin1');
}

/** What the keys of all rows of an actor begin with. */
export function rowPrefix(actor: ActorAddress): Buffer {
  return actorKey(R, actor, 0, true);
}

/** Key of one row, over the prefix of its actor. */
export function rowKey(prefix: Buffer, seq: number): Buffer {
  invariant(seq >= 0 && seq <= seqMax, 'a row position is between 0 and 2^48 - 1');
  const key = Buffer.allocUnsafe(prefix.length + seqBytes);
  prefix.copy(key);
  key.writeUIntBE(seq, prefix.length, seqBytes);
  return key;
}

/** Position in the key of a row; `prefixBytes` is the length of its actor's prefix. */
export function seqOf(key: Buffer, prefixBytes: number): number {
  return key.readUIntBE(prefixBytes, seqBytes);
}

/** The greatest position a key can hold. */
export const rowSeqMax = seqMax;

/** What the keys of all cells of a table begin with. */
export function tablePrefix(actor: ActorAddress, table: string): Buffer {
  checkName('table', table);
  const key = actorKey(C, actor, table.length + 1, true);
  key.write(table, key.length - table.length - 1, 'latin1');
  key[key.length - 1] = 0;
  return key;
}

/** Key of one table cell. */
export function cellKey(actor: ActorAddress, table: string, key: string): Buffer {
  checkKey('cell key', key);
  return Buffer.concat([tablePrefix(actor, table), Buffer.from(key, 'utf8')]);
}

/** What the keys of all notes beside an actor begin with. */
export function notePrefix(actor: ActorAddress): Buffer {
  return actorKey(N, actor, 0, true);
}

/** Key of one note beside an actor. */
export function noteKey(actor: ActorAddress, note: string): Buffer {
  checkKey('note', note);
  return Buffer.concat([notePrefix(actor), Buffer.from(note, 'utf8')]);
}

/** Key in the list of tombstones, which is in order of time. */
export function tombstoneKey(ts: bigint, cell: Buffer): Buffer {
  const key = Buffer.allocUnsafe(9 + cell.length);
  key[0] = T;
  key.writeBigUInt64BE(ts, 1);
  cell.copy(key, 9);
  return key;
}

/** The range of all tombstones with a time below `ts`. */
export function tombstonesBelow(ts: bigint): { readonly start: Buffer; readonly end: Buffer } {
  return { start: Buffer.from([T]), end: tombstoneKey(ts, Buffer.alloc(0)) };
}

/** The key of the cell that an entry of the list of tombstones stands for. */
export function cellOfTombstone(key: Buffer): { readonly ts: bigint; readonly cell: Buffer } {
  return { ts: key.readBigUInt64BE(1), cell: key.subarray(9) };
}

/** Key of a wake mark. */
export function markKey(mark: WakeMark): Buffer {
  checkName('kind', mark.kind);
  checkKey('key', mark.key);
  const tail = Buffer.from(`${mark.kind}\0${mark.key}`, 'utf8');
  const key = Buffer.allocUnsafe(17 + tail.length);
  marksFrom(mark.shard, mark.epoch).copy(key);
  key.writeUIntBE(mark.n, 11, 6);
  tail.copy(key, 17);
  return key;
}

/** Where the marks of a shard from an epoch on begin. */
export function marksFrom(shard: number, epoch: number): Buffer {
  const key = Buffer.allocUnsafe(11);
  key[0] = M;
  key.writeUInt32BE(shard, 1);
  key.writeUIntBE(epoch, 5, 6);
  return key;
}

/** What the keys of all marks of a shard begin with. */
export function marksPrefix(shard: number): Buffer {
  return marksFrom(shard, 0).subarray(0, 5);
}

/** Reads a mark back from its key. */
export function markOf(key: Buffer): WakeMark {
  const end = key.indexOf(0, 17);
  return {
    shard: key.readUInt32BE(1),
    epoch: key.readUIntBE(5, 6),
    n: key.readUIntBE(11, 6),
    kind: key.toString('latin1', 17, end),
    key: key.toString('utf8', end + 1),
  };
}

/** Key of a due note. */
export function dueKey(mark: Omit<DueMark, 'ts'>): Buffer {
  checkName('kind', mark.kind);
  checkKey('key', mark.key);
  const tail = Buffer.from(`${mark.kind}\0${mark.key}`, 'utf8');
  return Buffer.concat([dueFrom(mark.shard, mark.dueMs), tail]);
}

/** Where the due notes of a shard from a minute on begin. */
export function dueFrom(shard: number, dueMs: number): Buffer {
  invariant(dueMs >= 0 && dueMs <= seqMax, 'a minute is between 0 and 2^48 - 1');
  const key = Buffer.allocUnsafe(11);
  key[0] = D;
  key.writeUInt32BE(shard, 1);
  key.writeUIntBE(dueMs, 5, 6);
  return key;
}

/** Reads a due note back from its key. */
export function dueOf(key: Buffer, ts: bigint): DueMark {
  const end = key.indexOf(0, 11);
  return {
    shard: key.readUInt32BE(1),
    dueMs: key.readUIntBE(5, 6),
    kind: key.toString('latin1', 11, end),
    key: key.toString('utf8', end + 1),
    ts,
  };
}

/** The least key that is greater than every key with this prefix; prefixes here never end in 0xff alone. */
export function prefixEnd(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  let at = end.length - 1;
  while (at > 0 && end[at] === 0xff) at -= 1;
  end[at] = (end[at] ?? 0) + 1;
  return end.subarray(0, at + 1);
}

function actorKey(tag: number, actor: ActorAddress, more: number, ended: boolean): Buffer {
  const { kind, key } = actor;
  checkName('kind', kind);
  const keyBytes = Buffer.byteLength(key, 'utf8');
  if (keyBytes < 1 || keyBytes > 256 || key.includes('\0')) checkKey('key', key);
  const at = kind.length + 2;
  const target = Buffer.allocUnsafe(at + keyBytes + (ended ? 1 : 0) + more);
  target[0] = tag;
  target.write(kind, 1, 'latin1');
  target[at - 1] = 0;
  target.write(key, at, 'utf8');
  if (ended) target[at + keyBytes] = 0;
  return target;
}

function checkName(field: string, value: string): void {
  if (!name.test(value)) throw invalidRequest(field, 'must be 1 to 32 characters of a-z, 0-9 and -');
}

function checkKey(field: string, value: string): void {
  const bytes = Buffer.byteLength(value, 'utf8');
  if (bytes < 1 || bytes > 256) throw invalidRequest(field, 'must be 1 to 256 bytes of UTF-8');
  if (value.includes('\0')) throw invalidRequest(field, 'must not contain a zero byte');
}
