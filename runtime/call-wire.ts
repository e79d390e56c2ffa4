// Envelopes of calls and their answers, written and read in one piece. Owns: a quicker way between the same bytes and the
// same content as the generated code, for what makes up nearly all: calls without metadata or origin, and replies. Does not
// own: the contract (proto/starling/actor/v1), which the generated code knows in full.
//
// W1  What is written here is byte for byte what the generated code writes.
// W2  What is read here is what the generated code reads. Whatever this reader does not know or expect, be it a field of a
//     later release or of an order that nobody writes, it leaves to the generated code: undefined.
//
// The generated code makes an array, a view and a buffer that grows for every message and every message within: several
// times the work of a small call.

import { getTextEncoding } from '@bufbuild/protobuf/wire';
import type { Part } from './message-wire.ts';
import {
  LENGTH_DELIMITED,
  tagOf,
  textBytes,
  VARINT,
  varintBytes,
  writeText,
  writeVarint,
} from './wire-bytes.ts';

/** What the envelope of a plain call holds; the fields of NodeCall and NodeRequest of the same names. */
export interface PlainCall<Request = Uint8Array> {
  readonly kind: string;
  readonly key: string;
  readonly method: string;
  readonly request: Request;
  readonly path: readonly string[];
  readonly traceparent: string;
  readonly caller: string;
  /** A whole number of milliseconds, below 2³². */
  readonly timeoutMs: number;
}

// ---- writing --------------------------------------------------------------------------------------------------------

/** NodeRequest { call, timeout_ms }. */
export function encodePlainCall(call: PlainCall<Part>): Uint8Array {
  const { kind, key, method, request, path, traceparent, caller, timeoutMs } = call;
  const kindBytes = textBytes(kind);
  const keyBytes = textBytes(key);
  const methodBytes = textBytes(method);
  const traceBytes = textBytes(traceparent);
  const callerBytes = textBytes(caller);
  const hops = path.length === 0 ? NO_LENGTHS : path.map(textBytes);
  let inner = fieldBytes(kindBytes) + fieldBytes(keyBytes) + fieldBytes(methodBytes);
  inner += fieldBytes(request.length) + fieldBytes(traceBytes) + fieldBytes(callerBytes);
  // Of a repeated field an empty text counts too.
  for (const length of hops) inner += 1 + varintBytes(length) + length;
  const timeoutBytes = timeoutMs === 0 ? 0 : 1 + varintBytes(timeoutMs);
  const out = Buffer.allocUnsafe(1 + varintBytes(inner) + inner + timeoutBytes);
  let at = writeHead(out, 0, 1, inner);
  at = writeField(out, at, 1, kind, kindBytes);
  at = writeField(out, at, 2, key, keyBytes);
  at = writeField(out, at, 3, method, methodBytes);
  if (request.length > 0) {
    at = writeHead(out, at, 4, request.length);
    request.write(out, at);
    at += request.length;
  }
  for (const [index, length] of hops.entries()) {
    at = writeHead(out, at, 6, length);
    at = writeText(out, at, path[index] ?? '', length);
  }
  at = writeField(out, at, 7, traceparent, traceBytes);
  at = writeField(out, at, 8, caller, callerBytes);
  if (timeoutMs !== 0) {
    out[at] = tagOf(3, VARINT);
    writeVarint(out, at + 1, timeoutMs);
  }
  return out;
}

/** NodeReply { call: NodeOutcome { reply } }. */
export function encodePlainReply(reply: Part): Uint8Array {
  const inner = 1 + varintBytes(reply.length) + reply.length;
  const out = Buffer.allocUnsafe(1 + varintBytes(inner) + inner);
  const at = writeHead(out, writeHead(out, 0, 1, inner), 1, reply.length);
  reply.write(out, at);
  return out;
}

const NO_LENGTHS: readonly number[] = [];

/** Bytes of a field with a content of some length; an empty one is left out. */
function fieldBytes(length: number): number {
  return length === 0 ? 0 : 1 + varintBytes(length) + length;
}

function writeField(out: Buffer, at: number, field: number, text: string, bytes: number): number {
  return bytes === 0 ? at : writeText(out, writeHead(out, at, field, bytes), text, bytes);
}

function writeHead(out: Buffer, at: number, field: number, length: number): number {
  out[at] = tagOf(field, LENGTH_DELIMITED);
  return writeVarint(out, at + 1, length);
}

// ---- reading --------------------------------------------------------------------------------------------------------

/** A plain call; undefined = the generated code has to look at it (W2). */
export function decodePlainCall(bytes: Uint8Array): PlainCall | undefined {
  const reader = new Reader(bytes);
  const inner = reader.field(1);
  if (inner < 0) return undefined;
  const end = reader.at + inner;
  const kind = reader.text(1);
  const key = reader.text(2);
  const method = reader.text(3);
  const request = reader.bytes(4);
  const path: string[] = [];
  while (reader.has(6)) path.push(reader.text(6));
  const traceparent = reader.text(7);
  const caller = reader.text(8);
  if (reader.at !== end) return undefined;
  const timeoutMs = reader.has(3, VARINT) ? reader.number() : 0;
  if (reader.at !== bytes.length || reader.failed) return undefined;
  return { kind, key, method, request, path, traceparent, caller, timeoutMs };
}

/** The reply in a plain answer, without a copy; undefined = the generated code has to look at it (W2). */
export function decodePlainReply(bytes: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(bytes);
  const inner = reader.field(1);
  if (inner < 0 || reader.at + inner !== bytes.length || !reader.has(1)) return undefined;
  const reply = reader.bytes(1);
  return reader.at === bytes.length && !reader.failed ? reply : undefined;
}

const EMPTY = new Uint8Array(0);
/** Of a varint of 32 bits; the last holds four of them. */
const VARINT_BYTES_MAX = 5;

/** Reads fields in the order in which they are written. Once something was not as expected it has failed. */
class Reader {
  readonly #bytes: Uint8Array;
  at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether this field comes next. */
  has(field: number, wireType = LENGTH_DELIMITED): boolean {
    return this.#bytes[this.at] === tagOf(field, wireType);
  }

  /** The length of the content of a field that comes next; -1 where it does not, or does not fit. */
  field(field: number): number {
    if (!this.has(field)) return -1;
    const length = this.number();
    if (!this.failed && this.at + length <= this.#bytes.length) return length;
    this.failed = true;
    return -1;
  }

  /** A number that comes next. */
  number(): number {
    this.at++;
    let value = 0;
    let unit = 1;
    for (let n = 0; n < VARINT_BYTES_MAX; n++) {
      const byte = this.#bytes[this.at++] ?? 0x80;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) {
        if (value >= 2 ** 32) break;
        return value;
      }
      unit *= 128;
    }
    this.failed = true;
    return 0;
  }

  /** A text, empty where it does not come next. */
  text(field: number): string {
    const length = this.field(field);
    if (length <= 0) return '';
    const begin = this.at;
    this.at += length;
    for (let at = begin; at < this.at; at++) if ((this.#bytes[at] ?? 0) > 0x7f) return this.#anyText(begin);
    return asBuffer(this.#bytes).toString('latin1', begin, this.at);
  }

  #anyText(begin: number): string {
    try {
      return getTextEncoding().decodeUtf8(this.#bytes.subarray(begin, this.at), true);
    } catch {
      this.failed = true;
      return '';
    }
  }

  /** Bytes, empty where they do not come next; no copy. */
  bytes(field: number): Uint8Array {
    const length = this.field(field);
    if (length <= 0) return EMPTY;
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
