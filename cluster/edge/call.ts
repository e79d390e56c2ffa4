// One call, whatever its transport. Owns: the life of a call (open, then done, once: E2), its deadline, its lazily made
// abort signal, and the queue of a stream. One object is the handler's context and its stream too: an idle stream costs
// this object and what the transport needs, nothing more. Does not own: bytes on a wire (subclasses write them).

import { StarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { CallContext, Principal, ServerStream } from '../../runtime/service.ts';
import { byteLength, type MetadataPair } from './frame.ts';
import type { CallTrace } from './options.ts';
import { STATUS_OK, type WireStatus } from './status.ts';
import type { WheelEntry } from './wheel.ts';

/** What every call of one edge shares. */
export interface CallShared {
  readonly clock: Clock;
  /** Flushes the call at the end of this tick, once. */
  flushLater(call: Call): void;
  /** Told once when a call is over. */
  finished(call: Call): void;
  /** Runs `task` after a while unless cancelled. */
  schedule(delayMs: number, task: () => void): WheelEntry;
  /** Wire form of an error. */
  describe(error: StarlingError): WireStatus;
  readonly streamBufferBytesMax: number;
  readonly lingerMsMax: number;
}

/** Response metadata, beyond what the edge writes itself. The product sets none; the conformance server does. */
export interface ResponseMetadata {
  readonly headers: readonly MetadataPair[];
  readonly trailers: readonly MetadataPair[];
}

const NO_METADATA: ResponseMetadata = { headers: [], trailers: [] };

/** Which bound a call counts against; undefined = none yet. */
export type CallKind = 'unary' | 'stream' | undefined;

export abstract class Call implements CallContext, ServerStream {
  principal: Principal | undefined = undefined;
  kind: CallKind = undefined;
  trace: CallTrace | undefined = undefined;
  metadata: ResponseMetadata = NO_METADATA;
  /** The caller, while it is still being found out. */
  authentication: Promise<Principal> | undefined = undefined;
  /** Messages queued in this tick, each as its pieces. */
  protected queue: (readonly Uint8Array[])[] | undefined = undefined;
  protected queuedBytes = 0;
  /** Set with the last flush. */
  protected ending: WireStatus | undefined = undefined;
  readonly #shared: CallShared;
  #sentBytes = 0;
  #closed = false;
  #flushing = false;
  /** When the caller gives up, by the monotonic clock. */
  #deadlineMs: number | undefined = undefined;
  #timer: WheelEntry | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #listeners: (() => void) | (() => void)[] | undefined = undefined;

  constructor(shared: CallShared) {
    this.#shared = shared;
  }

  abstract header(name: string): string | undefined;
  /** All request headers, for programs that echo them. */
  abstract headerPairs(): MetadataPair[];
  /** Writes a whole unary response. */
  protected abstract writeUnary(pieces: readonly Uint8Array[]): void;
  /** Writes a response that is only a status. Nothing was written before. */
  protected abstract writeStatus(status: WireStatus): void;
  /** Writes what is queued, headers first where they are not out yet, and `ending` behind it where that is set. */
  protected abstract writeQueued(): void;
  /** True once response headers were written. */
  protected abstract get headWritten(): boolean;
  /** Bytes given to the transport and not yet taken by the operating system. */
  protected abstract get transportBytes(): number;
  /** True once the operating system has taken everything of an ended response. */
  protected abstract get settled(): boolean;
  /** Cuts the connection (HTTP/1.1) or resets the stream (HTTP/2). */
  abstract cut(): void;

  get timeoutMs(): number | undefined {
    if (this.#deadlineMs === undefined) return undefined;
    return Math.max(0, this.#deadlineMs - this.#shared.clock.monotonic());
  }

  /** The caller gives up after `timeoutMs`; undefined = never. */
  givenUpAfter(timeoutMs: number | undefined): void {
    this.#deadlineMs = timeoutMs === undefined ? undefined : this.#shared.clock.monotonic() + timeoutMs;
  }

  get traceparent(): string | undefined {
    return this.trace?.traceparent;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#closed) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get bufferedBytes(): number {
    return this.queuedBytes + (this.#closed ? 0 : this.transportBytes);
  }

  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else if (this.#listeners === undefined) this.#listeners = listener;
    else if (typeof this.#listeners === 'function') this.#listeners = [this.#listeners, listener];
    else this.#listeners.push(listener);
  }

  /** Answers a unary call. */
  reply(pieces: readonly Uint8Array[]): void {
    if (this.#closed) return;
    this.writeUnary(pieces);
    this.#finish();
  }

  /** Ends the call with a status, in whatever state it is. */
  fail(status: WireStatus): void {
    if (this.#closed) return;
    if (this.headWritten || this.queuedBytes > 0) this.#endStream(status);
    else {
      this.writeStatus(status);
      this.#finish();
    }
  }

  /** The caller is gone: nothing can be written any more. Harmless when the call is over. */
  lost(): void {
    if (this.#closed) return;
    this.queue = undefined;
    this.queuedBytes = 0;
    this.#finish();
  }

  /** Deadline of the call; replaces the one before. */
  expireAfter(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#shared.schedule(delayMs, () =>
      this.fail(this.#shared.describe(new StarlingError('DEADLINE_EXCEEDED'))),
    );
  }

  /** Forgets what only a running handler asks for (E6). */
  forgetRequest(): void {}

  /** Takes the deadline back. */
  cancelExpiry(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Response headers go out at the end of this tick, with whatever is queued by then. */
  startStream(): void {
    if (!this.#closed) this.#flushLater();
  }

  send(...pieces: readonly Uint8Array[]): void {
    if (this.#closed) return;
    const bytes = byteLength(pieces);
    if (this.queue === undefined) this.queue = [pieces];
    else this.queue.push(pieces);
    this.queuedBytes += bytes;
    this.#sentBytes += bytes;
    this.#flushLater();
    // Counting what the socket holds is left to the flush, unless one tick alone breaks the bound.
    if (this.queuedBytes > this.#shared.streamBufferBytesMax) this.#overflow();
  }

  end(error?: StarlingError): void {
    if (this.#closed) return;
    if (error === undefined) this.#endStream(STATUS_OK);
    else this.fail(this.#shared.describe(error));
  }

  /** Called once a tick by the shared flusher. */
  flush(): void {
    this.#flushing = false;
    if (this.#closed && this.ending === undefined) return;
    this.writeQueued();
    this.queue = undefined;
    this.queuedBytes = 0;
    if (this.ending !== undefined) {
      this.ending = undefined;
      if (!this.settled) this.#linger();
    } else if (this.transportBytes > this.#shared.streamBufferBytesMax) this.#overflow();
  }

  /** A client that does not read would hold the connection and its buffer for ever. */
  #linger(): void {
    this.#shared.schedule(this.#shared.lingerMsMax, () => {
      if (!this.settled) this.cut();
    });
  }

  #overflow(): void {
    const bytesMax = String(this.#shared.streamBufferBytesMax);
    this.end(new StarlingError('OVERLOADED', 'The client does not read.', { metadata: { bytesMax } }));
  }

  #flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#shared.flushLater(this);
  }

  #endStream(status: WireStatus): void {
    this.ending = status;
    this.#flushLater();
    this.#finish();
  }

  #finish(): void {
    this.#closed = true;
    this.cancelExpiry();
    this.#shared.finished(this);
    // What ended without an answer or an error of ours was given up.
    this.trace?.end('CANCELLED');
    this.#abort?.abort();
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (typeof listeners === 'function') listeners();
    else for (const listener of listeners ?? []) listener();
  }
}
