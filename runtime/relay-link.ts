// The actors' end of a link: streams of actors of this node whose clients are with another node, the gateway. Owns: what
// waits for the gateway, its batches, and that the gateway is heard of. Does not own: opening streams (relay.ts), the
// gateway's end (relay-gateway.ts).
//
// Invariants: Y1 … Y8 (relay.ts).

import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  NodeStreamEndSchema,
  NodeStreamFramesReply,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { StarlingError } from './errors.ts';
import type { RuntimeLimits } from './limits.ts';
import { nodeError } from './outcome.ts';
import type { Clock } from './ports/clock.ts';
import type { Transport } from './ports/transport.ts';
import { LinkStream } from './relay-stream.ts';
import { encodeBatch, readBatchAnswer } from './relay-wire.ts';
import type { ServerStream } from './service.ts';

/** A frame that waits, or without pieces the end of its stream. */
interface Item {
  readonly stream: LinkStream;
  readonly pieces: readonly Uint8Array[] | undefined;
  readonly bytes: number;
  readonly error: StarlingError | undefined;
}

/** A stream that the gateway has not confirmed yet, and what hands it to its actor. */
interface Asked {
  readonly stream: LinkStream;
  readonly hand: (stream: ServerStream) => void;
}

/** What a batch adds for a stream, beside its frames: so that a batch of many small ones has a bound too. */
const ITEM_BYTES = 8;

/** With the last number that there is a link ends, as with any other fault. */
const BATCH_MAX = 0xffff_ffff;

export interface LinkOptions {
  readonly id: bigint;
  /** Node of the clients, and the run of it that the link is for. */
  readonly gateway: string;
  readonly incarnation: bigint;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly transport: Transport;
}

export class RelayLink {
  readonly id: bigint;
  readonly gateway: string;
  readonly #options: LinkOptions;
  readonly #streams = new Map<number, LinkStream>();
  #waiting: Item[] = [];
  /** Y8: not told to the gateway yet; told with the batch under way. */
  #opened: Asked[] = [];
  #asking: readonly Asked[] = [];
  /** The batch under way, its number and what is in it. */
  #batch: Uint8Array | undefined;
  #number = 0;
  #sending: readonly Item[] = [];
  #bytes = 0;
  #woken = false;
  #ended = false;
  #heardMs: number;
  #sentMs: number;

  constructor(options: LinkOptions) {
    this.id = options.id;
    this.gateway = options.gateway;
    this.#options = options;
    this.#heardMs = options.clock.monotonic();
    this.#sentMs = this.#heardMs;
  }

  /** Streams that are open, or whose end the gateway has not confirmed. */
  get streams(): number {
    return this.#streams.size;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Nothing waits for the gateway. */
  get quiet(): boolean {
    return this.#ended || (this.#batch === undefined && this.#waiting.length === 0);
  }

  has(id: number): boolean {
    return this.#streams.has(id);
  }

  /**
   * Makes a stream for a client of the gateway. `hand` gives it to its actor, once the gateway has said that the client is
   * there (Y8).
   * @throws StarlingError OVERLOADED
   */
  open(id: number, hand: (stream: ServerStream) => void): void {
    if (this.#streams.size >= this.#options.limits.relayStreamsMax)
      throw new StarlingError('OVERLOADED', `Too many streams of clients of ${this.gateway}.`);
    const stream = new LinkStream(this, id);
    this.#streams.set(id, stream);
    this.#opened.push({ stream, hand });
    this.#wake();
  }

  /** Queues a frame. A stream that would go beyond a bound loses it, and ends for that reason (Y2, Y5). */
  put(stream: LinkStream, pieces: readonly Uint8Array[], bytes: number): void {
    if (this.#ended) return;
    const { relayStreamBytesMax, relayLinkBytesMax } = this.#options.limits;
    const tooMany = stream.bufferedBytes + bytes > relayStreamBytesMax;
    if (tooMany || this.#bytes + bytes > relayLinkBytesMax) {
      stream.dropped = true;
      const what = tooMany ? 'The client does not read its stream.' : `${this.gateway} does not keep up.`;
      stream.end(new StarlingError('OVERLOADED', what));
      return;
    }
    stream.waitingBytes += bytes;
    this.#bytes += bytes;
    this.#waiting.push({ stream, pieces, bytes, error: undefined });
    this.#wake();
  }

  putEnd(stream: LinkStream, error: StarlingError | undefined): void {
    if (this.#ended) return;
    this.#waiting.push({ stream, pieces: undefined, bytes: 0, error });
    this.#wake();
  }

  /** Ends the link: for the actors their clients are gone. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting = [];
    this.#sending = [];
    this.#opened = [];
    this.#asking = [];
    this.#batch = undefined;
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }

  /** Looks at silence (Y3) and sends a beat where it is due. False once nothing is left to look after. */
  onStep(nowMs: number): boolean {
    if (this.#ended) return false;
    const { relaySilentMs, relayBeatMs } = this.#options.limits;
    if (this.#streams.size === 0 && this.quiet) {
      this.end();
      return false;
    }
    if (nowMs - this.#heardMs > relaySilentMs) {
      this.end();
      return false;
    }
    if (this.#batch === undefined && nowMs - this.#sentMs >= relayBeatMs) this.#pump(true);
    return true;
  }

  // ---- batches ------------------------------------------------------------------------------------------------------

  /** What the actors of this tick put on their streams leaves in one batch. */
  #wake(): void {
    if (this.#woken || this.#batch !== undefined) return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      this.#pump(false);
    });
  }

  /** Y1: one batch is under way at a time. */
  #pump(beat: boolean): void {
    if (this.#ended || this.#batch !== undefined) return;
    if (!beat && this.#waiting.length === 0 && this.#opened.length === 0) return;
    if (this.#number === BATCH_MAX) {
      this.end();
      return;
    }
    this.#number++;
    this.#sending = this.#take();
    this.#asking = this.#opened;
    this.#opened = [];
    this.#batch = this.#encode(this.#sending);
    this.#sentMs = this.#options.clock.monotonic();
    this.#try();
  }

  #take(): Item[] {
    const { relayBatchBytesMax } = this.#options.limits;
    let bytes = 0;
    let count = 0;
    for (const item of this.#waiting) {
      bytes += item.bytes + ITEM_BYTES;
      if (count > 0 && bytes > relayBatchBytesMax) break;
      count++;
    }
    const all = this.#waiting;
    if (count === all.length) {
      this.#waiting = [];
      return all;
    }
    this.#waiting = all.slice(count);
    return all.slice(0, count);
  }

  #encode(items: readonly Item[]): Uint8Array {
    const streams: number[] = [];
    const frames: Uint8Array[] = [];
    const ends: MessageInitShape<typeof NodeStreamEndSchema>[] = [];
    for (const { stream, pieces, error } of items) {
      if (pieces === undefined) {
        ends.push({ stream: stream.id, ...(error === undefined ? {} : { error: nodeError(error) }) });
      } else if (!stream.dropped) {
        streams.push(stream.id);
        frames.push(pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces));
      }
    }
    const { incarnation, limits } = this.#options;
    const link = this.id;
    const opened = this.#asking.map(({ stream }) => stream.id);
    const batch = { link, incarnation, batch: this.#number, opened, streams, frames, ends };
    return encodeBatch(batch, limits.relayTryMs);
  }

  #try(): void {
    const { transport, limits } = this.#options;
    const batch = this.#batch;
    if (batch === undefined) return;
    transport.request(this.gateway, batch, limits.relayTryMs, 'bulk').then(
      (answer) => {
        if (this.#batch === batch && !this.#answered(answer)) this.#tryAgain(batch);
      },
      // Lost, refused or late: the same batch goes again, until it is answered or the link is silent for too long.
      () => this.#tryAgain(batch),
    );
  }

  #tryAgain(batch: Uint8Array): void {
    const { clock, limits } = this.#options;
    if (this.#batch !== batch) return;
    clock.after(limits.relayRetryMs, () => {
      if (this.#batch === batch) this.#try();
    });
  }

  /** False: it is no answer. */
  #answered(bytes: Uint8Array): boolean {
    const answer = readBatchAnswer(bytes);
    if (answer === undefined) return false;
    if (answer.reset) {
      this.end();
      return true;
    }
    this.#heardMs = this.#options.clock.monotonic();
    this.#batch = undefined;
    this.#settle(answer);
    this.#pump(false);
    return true;
  }

  #settle({ gone, slow, slowBytes }: NodeStreamFramesReply): void {
    for (const { stream, pieces, bytes } of this.#sending) {
      this.#bytes -= bytes;
      stream.waitingBytes -= bytes;
      // The number may have come again meanwhile, for another stream.
      if (pieces === undefined && this.#streams.get(stream.id) === stream) this.#streams.delete(stream.id);
    }
    this.#sending = [];
    for (const [i, id] of slow.entries()) {
      const stream = this.#streams.get(id);
      if (stream !== undefined) stream.slowBytes = slowBytes[i] ?? 0;
    }
    for (const id of gone) {
      const stream = this.#streams.get(id);
      if (stream === undefined) continue;
      this.#streams.delete(id);
      stream.dropped = true;
      stream.close();
    }
    this.#hand();
  }

  /** Y8. */
  #hand(): void {
    const asked = this.#asking;
    this.#asking = [];
    for (const { stream, hand } of asked) if (!stream.closed) hand(stream);
  }
}
