// Reads HTTP/1.1 responses from a socket, one after another. Owns: head, content-length and chunked bodies, and where one
// response ends and the next begins. Does not own: sockets, requests, what a body means.
//
// Written for a load generator: body bytes are handed on as views of the received chunk, and nothing is copied unless a
// head or a chunk-size line is split between two reads.

/** Most bytes of one head or one line; a server that sends more is broken. */
const HEAD_BYTES_MAX = 65_536;

/** The head of a response; header names in lower case, a repeated header keeps its last value. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** Takes what a response consists of, in order. */
export interface ResponseListener {
  head(head: ResponseHead): void;
  /** A piece of the body; a view that is valid only during the call unless the chunk it came from is kept. */
  body(piece: Buffer): void;
  end(): void;
}

type State =
  | { readonly at: 'head' }
  | { readonly at: 'length'; left: number }
  | { readonly at: 'chunk_size' }
  | { readonly at: 'chunk'; left: number }
  | { readonly at: 'chunk_end' }
  | { readonly at: 'trailer' };

/** Incremental reader; one per socket. */
export class ResponseReader {
  #state: State = { at: 'head' };
  #rest: Buffer | undefined;
  readonly #listener: ResponseListener;

  constructor(listener: ResponseListener) {
    this.#listener = listener;
  }

  /** @throws Error for bytes that are not HTTP/1.1. */
  feed(received: Buffer): void {
    let buffer = this.#rest === undefined ? received : Buffer.concat([this.#rest, received]);
    this.#rest = undefined;
    while (buffer.length > 0) {
      const used = this.#step(buffer);
      if (used === 0) {
        if (buffer.length > HEAD_BYTES_MAX) throw new Error('a head or line is longer than 64 KiB');
        this.#rest = buffer;
        return;
      }
      buffer = buffer.subarray(used);
    }
  }

  // Consumes from the front; 0 = more bytes are needed.
  #step(buffer: Buffer): number {
    const state = this.#state;
    switch (state.at) {
      case 'head':
        return this.#head(buffer);
      case 'length':
      case 'chunk': {
        const size = Math.min(state.left, buffer.length);
        this.#listener.body(size === buffer.length ? buffer : buffer.subarray(0, size));
        state.left -= size;
        if (state.left === 0) this.#bodyPartDone(state.at);
        return size;
      }
      case 'chunk_size':
        return this.#chunkSize(buffer);
      case 'chunk_end':
        if (buffer.length < 2) return 0;
        this.#state = { at: 'chunk_size' };
        return 2;
      case 'trailer':
        return this.#trailer(buffer);
    }
  }

  #bodyPartDone(at: 'length' | 'chunk'): void {
    if (at === 'chunk') {
      this.#state = { at: 'chunk_end' };
      return;
    }
    this.#state = { at: 'head' };
    this.#listener.end();
  }

  #head(buffer: Buffer): number {
    const end = buffer.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const head = parseHead(buffer.toString('latin1', 0, end));
    // An interim response (100, 103) is followed by the real one.
    if (head.status < 200) return end + 4;
    this.#listener.head(head);
    const length = head.headers.get('content-length');
    if (head.headers.get('transfer-encoding')?.toLowerCase() === 'chunked')
      this.#state = { at: 'chunk_size' };
    else if (length === undefined && head.status === 200) throw new Error('a body without a length');
    else if (Number(length ?? 0) > 0) this.#state = { at: 'length', left: Number(length) };
    else this.#listener.end();
    return end + 4;
  }

  #chunkSize(buffer: Buffer): number {
    const end = buffer.indexOf(0x0a);
    if (end < 0) return 0;
    const size = Number.parseInt(buffer.toString('latin1', 0, Math.max(0, end - 1)), 16);
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('a chunk has no size');
    this.#state = size === 0 ? { at: 'trailer' } : { at: 'chunk', left: size };
    return end + 1;
  }

  #trailer(buffer: Buffer): number {
    const end = buffer.indexOf(0x0a);
    if (end < 0) return 0;
    if (end <= 1) {
      this.#state = { at: 'head' };
      this.#listener.end();
    }
    return end + 1;
  }
}

function parseHead(text: string): ResponseHead {
  const lines = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(lines[0] ?? '')?.[1];
  if (status === undefined) throw new Error('not an HTTP/1.1 response');
  return { status: Number(status), headers: parseHeaders(lines.slice(1)) };
}

/** Header lines to a map with lower-case names; lines without a colon are skipped. */
export function parseHeaders(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}
