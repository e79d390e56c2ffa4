// Frames between two processes of a host: length, kind, number, bytes. Owns: their form. Does not own: what is in them.

/** A request, the answer to one, or why there is none (`CODE text`). */
export type FrameKind = 'request' | 'reply' | 'failure';

export interface Frame {
  readonly kind: FrameKind;
  /** Of the request, counted by who asks. */
  readonly id: number;
  /** A view of what was read; valid for as long as anybody holds it. */
  readonly bytes: Uint8Array;
}

const KINDS: readonly FrameKind[] = ['request', 'reply', 'failure'];

/** Four bytes of length (of all that follows), one of kind, four of number. */
const HEAD_BYTES = 9;

/** Bytes of the text of a failure; the rest is cut off. */
export const FAILURE_BYTES_MAX = 4_096;

/** What goes before the bytes of a frame. */
export function headOf(kind: FrameKind, id: number, bytes: number): Uint8Array {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32LE(HEAD_BYTES - 4 + bytes, 0);
  head.writeUInt8(KINDS.indexOf(kind), 4);
  head.writeUInt32LE(id, 5);
  return head;
}

/** Puts frames together from what a connection delivers. */
export class FrameReader {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes that the next frame needs, its head included. */
  #needed = HEAD_BYTES;

  /** `bytesMax`: of one request or reply. */
  constructor(bytesMax: number) {
    this.#bytesMax = Math.max(bytesMax, FAILURE_BYTES_MAX);
  }

  /** The frames that are complete now; undefined for what no process of ours writes: the connection is to be closed. */
  take(chunk: Buffer): Frame[] | undefined {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return [];
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const frames: Frame[] = [];
    let at = 0;
    this.#needed = HEAD_BYTES;
    while (all.length - at >= HEAD_BYTES) {
      const length = all.readUInt32LE(at) + 4;
      const kind = KINDS[all.readUInt8(at + 4)];
      if (kind === undefined || length < HEAD_BYTES || length > HEAD_BYTES + this.#bytesMax) return undefined;
      if (all.length - at < length) {
        this.#needed = length;
        break;
      }
      frames.push({ kind, id: all.readUInt32LE(at + 5), bytes: all.subarray(at + HEAD_BYTES, at + length) });
      at += length;
    }
    this.#chunks = at === all.length ? [] : [all.subarray(at)];
    this.#bytes = all.length - at;
    return frames;
  }
}
