// The two ends of one direction of a link, without any I/O. Owns: packing envelopes into frames within the window, in
// order, and putting them together again. Does not own: time, who is on the other side, what an envelope means.
//
// S1  Bytes sent and not acknowledged never exceed the window, so nothing but the receiver's own pace fills a buffer.
// S2  Envelopes leave in the order in which they were pushed; the pieces of one follow each other.
// S3  An acknowledgement names a position, so a lost frame costs what was in it and nothing of the window.

import { type Frame, ITEM_HEAD_BYTES, type ItemKind, itemBytes, type Piece } from './frame.ts';

/** An envelope that waits to be sent. */
export interface Item {
  readonly kind: ItemKind;
  readonly id: number;
  readonly bytes: Uint8Array;
  /** True once nobody wants it any more: it is not begun to be sent. */
  readonly dropped?: boolean;
  /** Told when the last piece went into a frame. */
  sent?(frame: number): void;
}

export interface OutgoingOptions {
  readonly windowBytes: number;
  readonly frameBytesMax: number;
}

export class Outgoing {
  readonly #options: OutgoingOptions;
  /** Items from #head on wait; #begun bytes of the first are sent. */
  #queue: Item[] = [];
  #head = 0;
  #begun = 0;
  #waiting = 0;
  #sent = 0;
  #acked = 0;
  #frames = 0;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Bytes of envelopes that wait. */
  get waitingBytes(): number {
    return this.#waiting;
  }

  /** Bytes that the other side has not taken. */
  get unackedBytes(): number {
    return this.#sent - this.#acked;
  }

  push(item: Item): void {
    this.#queue.push(item);
    this.#waiting += item.bytes.length;
  }

  /** The other side has taken everything up to a position. */
  acked(position: number): void {
    if (position > this.#acked && position <= this.#sent) this.#acked = position;
  }

  /** The next frame that may be sent, and its number; undefined where nothing waits or the window is full (S1). */
  next(): { readonly number: number; readonly frame: Omit<Frame, 'flags' | 'ack'> } | undefined {
    const offset = this.#sent;
    const pieces: Piece[] = [];
    let used = 0;
    const number = this.#frames;
    for (let item = this.#first(); item !== undefined; item = this.#first()) {
      const length = this.#fits(item.bytes.length - this.#begun, used);
      if (length === undefined) break;
      const end = this.#begun + length;
      const more = end < item.bytes.length;
      const rest = this.#begun > 0;
      const bytes = more || rest ? item.bytes.subarray(this.#begun, end) : item.bytes;
      pieces.push({ kind: item.kind, id: item.id, bytes, more, rest });
      used += itemBytes(length);
      this.#waiting -= length;
      this.#begun = end;
      if (more) break;
      this.#shift();
      item.sent?.(number);
    }
    if (pieces.length === 0) return undefined;
    this.#sent += used;
    this.#frames++;
    return { number, frame: { offset, pieces, bytes: used } };
  }

  /** A frame without envelopes, to be heard of. */
  empty(): Omit<Frame, 'flags' | 'ack'> {
    return { offset: this.#sent, pieces: [], bytes: 0 };
  }

  /** How many of `left` bytes go into a frame that holds `used`; undefined = it is to be closed. */
  #fits(left: number, used: number): number | undefined {
    const { frameBytesMax, windowBytes } = this.#options;
    const whole = itemBytes(left);
    // Only what fits no frame is cut, and only into frames of its own.
    if (used > 0 && used + whole > frameBytesMax) return undefined;
    const length = Math.min(left, frameBytesMax - ITEM_HEAD_BYTES);
    return this.unackedBytes + used + itemBytes(length) <= windowBytes ? length : undefined;
  }

  #first(): Item | undefined {
    let item = this.#queue[this.#head];
    while (item?.dropped === true && this.#begun === 0) {
      this.#waiting -= item.bytes.length;
      this.#shift();
      item = this.#queue[this.#head];
    }
    return item;
  }

  #shift(): void {
    this.#head++;
    this.#begun = 0;
    if (this.#head < 1_024 && this.#head < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}

/** A whole envelope that has arrived. */
export interface Arrived {
  readonly kind: ItemKind;
  readonly id: number;
  readonly bytes: Uint8Array;
}

export class Incoming {
  readonly #envelopeBytesMax: number;
  #received = 0;
  #acked = 0;
  #partial: { readonly id: number; readonly chunks: Uint8Array[]; bytes: number } | undefined;

  constructor(envelopeBytesMax: number) {
    this.#envelopeBytesMax = envelopeBytesMax;
  }

  /** Bytes taken that the other side does not know of. */
  get untoldBytes(): number {
    return this.#received - this.#acked;
  }

  /** The position to acknowledge; the other side counts as told. */
  ack(): number {
    this.#acked = this.#received;
    return this.#received;
  }

  /** The envelopes that a frame completes. An envelope with a lost piece never arrives. */
  take({ offset, bytes, pieces }: Frame): readonly Arrived[] {
    const end = offset + bytes;
    // A frame that comes again, or late, brings nothing new.
    if (offset < this.#received) return [];
    if (offset > this.#received) this.#partial = undefined;
    this.#received = end;
    if (!pieces.some((piece) => piece.more || piece.rest)) return pieces;
    return pieces.flatMap((piece) => this.#join(piece) ?? []);
  }

  #join({ kind, id, bytes, more, rest }: Piece): Arrived | undefined {
    const begun = this.#partial;
    this.#partial = undefined;
    // Its beginning was lost.
    if (rest && begun?.id !== id) return undefined;
    const partial = rest && begun !== undefined ? begun : { id, chunks: [], bytes: 0 };
    partial.chunks.push(bytes);
    partial.bytes += bytes.length;
    if (partial.bytes > this.#envelopeBytesMax) return undefined;
    if (!more)
      return { kind, id, bytes: partial.chunks.length === 1 ? bytes : Buffer.concat(partial.chunks) };
    this.#partial = partial;
    return undefined;
  }
}
