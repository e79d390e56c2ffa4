// gRPC-web framing and the counting of deliveries. Owns: splitting a body into messages and trailers, the status of a
// call, and a look into OpenResponse that reads only numbers. Does not own: HTTP, the decoding of whole messages.

import { parseHeaders } from './http1.ts';

/** Most bytes of one message taken from a server: four times what a pull may answer. */
const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;

/** Takes the messages and the trailers of one response. */
export interface FrameListener {
  /** One message; a view that is valid only during the call. */
  message(bytes: Buffer): void;
  trailers(trailers: ReadonlyMap<string, string>): void;
}

/** Splits a gRPC-web body (binary mode) as it arrives. */
export class FrameReader {
  readonly #listener: FrameListener;
  #parts: Buffer[] = [];
  #held = 0;
  #wanted = 5;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** True when the body ended between two frames. */
  get idle(): boolean {
    return this.#held === 0;
  }

  /** @throws Error for a frame that is too long. */
  feed(piece: Buffer): void {
    let buffer = piece;
    if (this.#held > 0) {
      this.#parts.push(piece);
      this.#held += piece.length;
      if (this.#held < this.#wanted) return;
      buffer = Buffer.concat(this.#parts, this.#held);
      this.#parts = [];
      this.#held = 0;
    }
    let at = 0;
    while (buffer.length - at >= 5) {
      const length = buffer.readUInt32BE(at + 1);
      if (length > MESSAGE_BYTES_MAX) throw new Error(`a frame of ${length} bytes is too long`);
      if (buffer.length - at < 5 + length) {
        this.#keep(buffer.subarray(at), 5 + length);
        return;
      }
      this.#frame(buffer[at] ?? 0, buffer.subarray(at + 5, at + 5 + length));
      at += 5 + length;
    }
    if (at < buffer.length) this.#keep(buffer.subarray(at), 5);
  }

  #keep(rest: Buffer, wanted: number): void {
    this.#parts = [rest];
    this.#held = rest.length;
    this.#wanted = wanted;
  }

  #frame(flags: number, bytes: Buffer): void {
    if ((flags & 0x80) === 0) this.#listener.message(bytes);
    else this.#listener.trailers(parseHeaders(bytes.toString('latin1').split('\r\n')));
  }
}

/** Puts the five-byte prefix before a message. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(5 + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

/** How far a stream has got, read without decoding messages. */
export interface Tally {
  deliveries: number;
  /** Position of the last delivery seen; 0 = none. */
  userSeq: number;
  /** `check` of that delivery, low and high half. */
  checkLow: number;
  checkHigh: number;
  /** Head named by the last Welcome, Notify or Heartbeat. */
  head: number;
  /** Deliveries that did not follow directly on the one before. */
  gaps: number;
}

/** A tally that has seen nothing. */
export function emptyTally(): Tally {
  return { deliveries: 0, userSeq: 0, checkLow: 0, checkHigh: 0, head: 0, gaps: 0 };
}

/** Field numbers of OpenResponse, the kind of a frame; 0 = an empty or unknown one. */
export const FRAME_DELIVERIES = 2;
export const FRAME_NOTIFY = 3;

/** Reads the numbers of one OpenResponse into `tally`; returns the field number of the frame it holds. */
export function tallyOpenResponse(bytes: Buffer, tally: Tally): number {
  const scan = new Scan(bytes);
  let kind = 0;
  while (scan.next(bytes.length)) {
    kind = scan.field;
    if (scan.wireType !== 2) continue;
    if (kind === FRAME_DELIVERIES) tallyDeliveries(bytes, scan, tally);
    else if (kind === 1) tallyHead(bytes, scan, 2, tally);
    else if (kind === FRAME_NOTIFY || kind === 6) tallyHead(bytes, scan, 1, tally);
  }
  return kind;
}

/** Counts the deliveries of a PullResponse; returns whether it orders a full sync. */
export function tallyPullResponse(bytes: Buffer, tally: Tally): boolean {
  const scan = new Scan(bytes);
  let fullSync = false;
  while (scan.next(bytes.length)) {
    if (scan.field === 1) tallyDelivery(bytes, scan.from, scan.to, tally);
    else if (scan.field === 3) tally.head = scan.number;
    else if (scan.field === 4) fullSync = true;
  }
  return fullSync;
}

function tallyDeliveries(bytes: Buffer, outer: Scan, tally: Tally): void {
  const end = outer.to;
  const scan = new Scan(bytes, outer.from);
  while (scan.next(end)) if (scan.field === 1) tallyDelivery(bytes, scan.from, scan.to, tally);
}

function tallyDelivery(bytes: Buffer, from: number, to: number, tally: Tally): void {
  const scan = new Scan(bytes, from);
  while (scan.next(to)) {
    if (scan.field === 1) {
      if (scan.number !== tally.userSeq + 1) tally.gaps += 1;
      tally.userSeq = scan.number;
    } else if (scan.field === 2) {
      tally.checkLow = bytes.readUInt32LE(scan.from);
      tally.checkHigh = bytes.readUInt32LE(scan.from + 4);
    }
  }
  tally.deliveries += 1;
}

function tallyHead(bytes: Buffer, outer: Scan, field: number, tally: Tally): void {
  const end = outer.to;
  const scan = new Scan(bytes, outer.from);
  while (scan.next(end)) if (scan.field === field) tally.head = scan.number;
}

// Walks the fields of one protobuf message without allocating per field.
class Scan {
  field = 0;
  wireType = 0;
  number = 0;
  from = 0;
  to = 0;
  #at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  next(end: number): boolean {
    if (this.#at >= end) return false;
    const tag = this.#varint();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.wireType === 0) {
      this.number = this.#varint();
      return true;
    }
    const size =
      this.wireType === 2 ? this.#varint() : this.wireType === 1 ? 8 : this.wireType === 5 ? 4 : -1;
    if (size < 0) throw new Error(`wire type ${this.wireType} is not in use`);
    this.from = this.#at;
    this.#at += size;
    this.to = this.#at;
    if (this.#at > end) throw new Error('a field ends outside of its message');
    return true;
  }

  // Exact up to 2^53; times and positions stay below.
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new Error('a number ends outside of its message');
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }
}
