// The bytes of a frame: one NATS message of a link. Owns: the encoding. Does not own: what is put into a frame and when.
//
//   version u8 | flags u8 | offset f64 | ack f64 | items: type u8, id u32, length u32, bytes
//
// `offset`: bytes of items that were sent in this direction before this frame; `ack`: bytes taken from the other direction.
// All numbers are little-endian.

export const FRAME_VERSION = 1;
export const FRAME_HEAD_BYTES = 18;
export const ITEM_HEAD_BYTES = 9;

/** The receiver answers with a frame at once. */
export const FLAG_PING = 1;
/** The sender knows no such link: all that was sent on it is lost. */
export const FLAG_RESET = 2;

/** A request, its answer, or why there is none (`CODE text`). */
export type ItemKind = 'request' | 'reply' | 'failure';

const KINDS: readonly ItemKind[] = ['request', 'reply', 'failure'];
const MORE = 0x10;
const REST = 0x20;

/** A whole envelope, or a piece of one. */
export interface Piece {
  readonly kind: ItemKind;
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Further pieces of the same envelope follow. */
  readonly more: boolean;
  /** Pieces of the same envelope came before. */
  readonly rest: boolean;
}

export interface Frame {
  readonly flags: number;
  readonly offset: number;
  readonly ack: number;
  readonly pieces: readonly Piece[];
  /** Bytes of the items with their heads. */
  readonly bytes: number;
}

/** What an item takes of frame and window. */
export function itemBytes(bytes: number): number {
  return ITEM_HEAD_BYTES + bytes;
}

export function encodeFrame({ flags, offset, ack, pieces, bytes }: Frame): Uint8Array {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + bytes);
  frame[0] = FRAME_VERSION;
  frame[1] = flags;
  frame.writeDoubleLE(offset, 2);
  frame.writeDoubleLE(ack, 10);
  let at = FRAME_HEAD_BYTES;
  for (const piece of pieces) {
    frame[at] = KINDS.indexOf(piece.kind) | (piece.more ? MORE : 0) | (piece.rest ? REST : 0);
    frame.writeUInt32LE(piece.id, at + 1);
    frame.writeUInt32LE(piece.bytes.length, at + 5);
    frame.set(piece.bytes, at + ITEM_HEAD_BYTES);
    at += ITEM_HEAD_BYTES + piece.bytes.length;
  }
  return frame;
}

/** Undefined for what no node of this version has sent. The pieces are views of `data`: whoever keeps one makes a copy. */
export function decodeFrame(data: Uint8Array): Frame | undefined {
  if (data.length < FRAME_HEAD_BYTES || data[0] !== FRAME_VERSION) return undefined;
  const frame = Buffer.from(data.buffer, data.byteOffset, data.length);
  const offset = frame.readDoubleLE(2);
  const ack = frame.readDoubleLE(10);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(ack)) return undefined;
  const pieces: Piece[] = [];
  let at = FRAME_HEAD_BYTES;
  while (at < data.length) {
    if (at + ITEM_HEAD_BYTES > data.length) return undefined;
    const type = frame[at] ?? 0;
    const kind = KINDS[type & ~(MORE | REST)];
    const begin = at + ITEM_HEAD_BYTES;
    at = begin + frame.readUInt32LE(at + 5);
    if (kind === undefined || at > data.length) return undefined;
    const id = frame.readUInt32LE(begin - ITEM_HEAD_BYTES + 1);
    const [more, rest] = [(type & MORE) !== 0, (type & REST) !== 0];
    pieces.push({ kind, id, bytes: frame.subarray(begin, at), more, rest });
  }
  return { flags: frame[1] ?? 0, offset, ack, pieces, bytes: data.length - FRAME_HEAD_BYTES };
}
