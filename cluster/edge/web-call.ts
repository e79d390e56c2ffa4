// A gRPC-web call. Owns: how its responses are laid out in bytes, the same over HTTP/1.1 and HTTP/2. Does not own: the
// HTTP around them (subclasses write headers and bodies).

import { Call, type CallShared } from './call.ts';
import type { FlatHeaders } from './cors.ts';
import { byteLength, FRAME_HEADER_BYTES, trailersFrame, writeFrameHeader, writePieces } from './frame.ts';
import { STATUS_OK, type WireStatus } from './status.ts';
import type { WebFormat } from './web-request.ts';

const OK_TRAILERS = trailersFrame(STATUS_OK, []);
// No cache keeps a response, and no proxy in front holds one back.
const FIXED_HEADERS: FlatHeaders = ['cache-control', 'no-store', 'x-accel-buffering', 'no'];

export abstract class WebCall extends Call {
  readonly #format: WebFormat;
  readonly #corsHeaders: FlatHeaders;

  constructor(shared: CallShared, format: WebFormat, corsHeaders: FlatHeaders) {
    super(shared);
    this.#format = format;
    this.#corsHeaders = corsHeaders;
  }

  /** Writes headers and the whole body. */
  protected abstract writeWhole(body: Buffer): void;
  /** A buffer for the next part of the body, with room for what the transport puts around it; and where to begin. */
  protected abstract part(bytes: number): { readonly buffer: Buffer; readonly offset: number };
  /**
   * Writes a part that `part` made, the headers first where they are not out yet; undefined: only the headers. The last
   * one ends the response.
   */
  protected abstract writePart(buffer: Buffer | undefined, last: boolean): void;

  /** All response headers but those of the connection. */
  protected responseHeaders(): string[] {
    const headers = ['content-type', this.#format.contentType, ...FIXED_HEADERS, ...this.#corsHeaders];
    for (const [name, value] of this.metadata.headers) headers.push(name, value);
    return headers;
  }

  protected override writeUnary(pieces: readonly Uint8Array[]): void {
    const bytes = byteLength(pieces);
    const trailers = this.#trailers(STATUS_OK);
    const body = Buffer.allocUnsafe(FRAME_HEADER_BYTES + bytes + trailers.length);
    const end = writePieces(body, writeFrameHeader(body, 0, bytes), pieces);
    body.set(trailers, end);
    this.writeWhole(this.#format.text ? Buffer.from(body.toString('base64'), 'latin1') : body);
  }

  protected override writeStatus(status: WireStatus): void {
    const body = this.#trailers(status);
    this.writeWhole(this.#format.text ? Buffer.from(body.toString('base64'), 'latin1') : body);
  }

  protected override writeQueued(): void {
    const trailers = this.ending === undefined ? undefined : this.#trailers(this.ending);
    const frames = this.queue?.length ?? 0;
    const bytes = this.queuedBytes + frames * FRAME_HEADER_BYTES + (trailers?.length ?? 0);
    if (bytes === 0) this.writePart(undefined, false);
    else if (this.#format.text) {
      // Each write is padded by itself, so that its last byte never waits for the next write.
      const plain = Buffer.allocUnsafe(bytes);
      this.#layOut(plain, 0, trailers);
      const text = plain.toString('base64');
      const { buffer, offset } = this.part(text.length);
      buffer.write(text, offset, 'latin1');
      this.writePart(buffer, trailers !== undefined);
    } else {
      const { buffer, offset } = this.part(bytes);
      this.#layOut(buffer, offset, trailers);
      this.writePart(buffer, trailers !== undefined);
    }
  }

  /** Writes the queued messages and the trailers, each as a frame. */
  #layOut(target: Buffer, offset: number, trailers: Buffer | undefined): void {
    let at = offset;
    for (const pieces of this.queue ?? []) {
      at = writePieces(target, writeFrameHeader(target, at, byteLength(pieces)), pieces);
    }
    if (trailers !== undefined) target.set(trailers, at);
  }

  #trailers(status: WireStatus): Buffer {
    const { trailers } = this.metadata;
    return status === STATUS_OK && trailers.length === 0 ? OK_TRAILERS : trailersFrame(status, trailers);
  }
}
