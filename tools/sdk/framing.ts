// gRPC-web framing, binary: a flag byte, four bytes of length, the payload. Flag 0x80 marks the trailers.

import { SdkError } from './errors.ts';
import { LIMITS } from './limits.ts';

const HEADER_BYTES = 5;
const TRAILERS_FLAG = 0x80;

export type Frame =
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | { readonly kind: 'trailers'; readonly trailers: ReadonlyMap<string, string> };

/** One message as the body of a request. */
export function encodeFrame(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(HEADER_BYTES + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, HEADER_BYTES);
  return framed;
}

/** Cuts a stream of bytes into frames, wherever the network cut it into chunks. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array(0);

  /** The frames completed by `chunk`. Throws SdkError `protocol` for what no server of ours sends. */
  push(chunk: Uint8Array): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    const frames: Frame[] = [];
    let offset = 0;
    while (this.#rest.length - offset >= HEADER_BYTES) {
      const view = new DataView(this.#rest.buffer, this.#rest.byteOffset + offset);
      const length = view.getUint32(1);
      if (length > LIMITS.frameBytesMax) throw protocolError(`a frame of ${length} bytes`);
      const end = offset + HEADER_BYTES + length;
      if (this.#rest.length < end) break;
      frames.push(decodeFrame(view.getUint8(0), this.#rest.slice(offset + HEADER_BYTES, end)));
      offset = end;
    }
    this.#rest = this.#rest.slice(offset);
    return frames;
  }

  /** False: the stream was cut within a frame. */
  get atBoundary(): boolean {
    return this.#rest.length === 0;
  }
}

/** An answer that is not what the contract says: what was asked for may have been done. */
export function protocolError(what: string): SdkError {
  return new SdkError('protocol', `The server's answer is not valid: ${what}.`, { status: 'UNAVAILABLE' });
}

function decodeFrame(flags: number, bytes: Uint8Array): Frame {
  if (flags === 0) return { kind: 'message', bytes };
  if (flags === TRAILERS_FLAG) return { kind: 'trailers', trailers: parseTrailers(bytes) };
  throw protocolError(`a frame with flags ${flags}`);
}

function parseTrailers(bytes: Uint8Array): Map<string, string> {
  const trailers = new Map<string, string>();
  for (const line of new TextDecoder().decode(bytes).split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return trailers;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
