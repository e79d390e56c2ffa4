// Values of the store. Owns: the encoding of heads, rows and table cells. Does not own: their keys (keys.ts).
//
//   row    ts(8) value                     cell   ts(8) deleted(1) value
//   due    ts(8) deleted(1)                note   ts(8) deleted(1)
//   head   ts(8) shard(4) floor(6) sealSeq(6) sealTs(8) asOf(6) state
//
// Every encoding opens with the write time, big-endian, and a delete's flag is greater than a value's. So of two writes
// of a cell the bytewise greater encoding wins, which is all of S2.

import type { Cell, Head, Row, StoredCell } from '../../runtime/ports/store.ts';

const headBytes = 38;
const cellBytes = 9;
const rowBytes = 8;

/** What an actor's rows are judged by (S3). */
export interface Seal {
  readonly floor: number;
  readonly sealSeq: number;
  readonly sealTs: bigint;
}

export function encodeHead(head: Head): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + head.state.length);
  bytes.writeBigUInt64BE(head.ts, 0);
  bytes.writeUInt32BE(head.shard, 8);
  bytes.writeUIntBE(head.floor, 12, 6);
  bytes.writeUIntBE(head.sealSeq, 18, 6);
  bytes.writeBigUInt64BE(head.sealTs, 24);
  bytes.writeUIntBE(head.asOf, 32, 6);
  bytes.set(head.state, headBytes);
  return bytes;
}

/** `bytes` must be the caller's own: the state is a view of it. */
export function decodeHead(bytes: Buffer): Head {
  return {
    shard: bytes.readUInt32BE(8),
    ...decodeSeal(bytes),
    asOf: bytes.readUIntBE(32, 6),
    state: bytes.subarray(headBytes),
    ts: bytes.readBigUInt64BE(0),
  };
}

export function decodeSeal(bytes: Buffer): Seal {
  return {
    floor: bytes.readUIntBE(12, 6),
    sealSeq: bytes.readUIntBE(18, 6),
    sealTs: bytes.readBigUInt64BE(24),
  };
}

export function encodeRow(row: Row): Buffer {
  const bytes = Buffer.allocUnsafe(rowBytes + row.value.length);
  bytes.writeBigUInt64BE(row.ts, 0);
  bytes.set(row.value, rowBytes);
  return bytes;
}

/** `bytes` must be the caller's own: the value is a view of it. */
export function decodeRow(seq: number, bytes: Buffer): Row {
  return { seq, ts: bytes.readBigUInt64BE(0), value: bytes.subarray(rowBytes) };
}

export function encodeCell(cell: Cell): Buffer {
  const value = cell.value;
  const bytes = Buffer.allocUnsafe(cellBytes + (value?.length ?? 0));
  bytes.writeBigUInt64BE(cell.ts, 0);
  bytes[8] = value === undefined ? 1 : 0;
  if (value !== undefined) bytes.set(value, cellBytes);
  return bytes;
}

/** A due note or a note beside an actor, or the word that it was dropped. */
export function encodeDue(ts: bigint, dropped: boolean): Buffer {
  const bytes = Buffer.allocUnsafe(cellBytes);
  bytes.writeBigUInt64BE(ts, 0);
  bytes[8] = dropped ? 1 : 0;
  return bytes;
}

/** Undefined for a delete. `bytes` must be the caller's own: the value is a view of it. */
export function decodeCell(key: string, bytes: Buffer): StoredCell | undefined {
  if (isTombstone(bytes)) return undefined;
  return { key, value: bytes.subarray(cellBytes), ts: bytes.readBigUInt64BE(0) };
}

/** Whether the encoding of a table cell says deleted. */
export function isTombstone(bytes: Uint8Array): boolean {
  return bytes[8] === 1;
}

/** The write time of any encoding. */
export function timeOf(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}
