// The envelope of a call, written in one piece. Owns: a quicker way to the same bytes as the generated code, for the calls
// that make up nearly all: without metadata or origin. Does not own: the contract (proto/starling/actor/v1).
//
// The generated writer grows a buffer of its own for every message and message within; this one knows the size at first.

/** What the envelope of a plain call holds; the fields of NodeCall and NodeRequest of the same names. */
export interface PlainCall {
  readonly kind: string;
  readonly key: string;
  readonly method: string;
  readonly request: Uint8Array;
  readonly path: readonly string[];
  readonly traceparent: string;
  readonly caller: string;
  /** A whole number of milliseconds, below 2³². */
  readonly timeoutMs: number;
}

const LENGTH_DELIMITED = 2;

/** NodeRequest { call, timeout_ms }. */
export function encodePlainCall(call: PlainCall): Uint8Array {
  const { kind, key, method, request, path, traceparent, caller, timeoutMs } = call;
  const texts = [kind, key, method, traceparent, caller].map((text) => Buffer.byteLength(text));
  let inner = 0;
  for (const length of texts) inner += fieldBytes(length);
  inner += fieldBytes(request.length);
  const hops = path.map((hop) => Buffer.byteLength(hop));
  // Of a repeated field an empty text counts too.
  for (const length of hops) inner += 1 + varintBytes(length) + length;
  const timeoutBytes = timeoutMs === 0 ? 0 : 1 + varintBytes(timeoutMs);
  const out = Buffer.allocUnsafe(1 + varintBytes(inner) + inner + timeoutBytes);
  let at = writeHead(out, 0, 1, inner);
  const [kindBytes = 0, keyBytes = 0, methodBytes = 0, traceBytes = 0, callerBytes = 0] = texts;
  at = writeText(out, at, 1, kind, kindBytes);
  at = writeText(out, at, 2, key, keyBytes);
  at = writeText(out, at, 3, method, methodBytes);
  if (request.length > 0) {
    at = writeHead(out, at, 4, request.length);
    out.set(request, at);
    at += request.length;
  }
  for (const [index, hop] of path.entries()) {
    const length = hops[index] ?? 0;
    at = writeHead(out, at, 6, length);
    at += out.write(hop, at, length, 'utf8');
  }
  at = writeText(out, at, 7, traceparent, traceBytes);
  at = writeText(out, at, 8, caller, callerBytes);
  if (timeoutMs !== 0) {
    out[at++] = 3 << 3;
    writeVarint(out, at, timeoutMs);
  }
  return out;
}

/** Bytes of a field with a content of some length; an empty one is left out. */
function fieldBytes(length: number): number {
  return length === 0 ? 0 : 1 + varintBytes(length) + length;
}

function varintBytes(value: number): number {
  return value < 2 ** 7 ? 1 : value < 2 ** 14 ? 2 : value < 2 ** 21 ? 3 : value < 2 ** 28 ? 4 : 5;
}

function writeText(out: Buffer, at: number, field: number, text: string, bytes: number): number {
  if (bytes === 0) return at;
  const begin = writeHead(out, at, field, bytes);
  out.write(text, begin, bytes, 'utf8');
  return begin + bytes;
}

function writeHead(out: Buffer, at: number, field: number, length: number): number {
  out[at] = (field << 3) | LENGTH_DELIMITED;
  return writeVarint(out, at + 1, length);
}

function writeVarint(out: Buffer, begin: number, value: number): number {
  let at = begin;
  let left = value;
  for (; left > 0x7f; left = Math.floor(left / 128)) out[at++] = (left & 0x7f) | 0x80;
  out[at++] = left;
  return at;
}
