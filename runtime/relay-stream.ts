// A relayed stream as its actor sees it, at the actors' end of a link.

import type { StarlingError } from './errors.ts';
import type { ServerStream } from './service.ts';

/** What becomes of what an actor puts on its stream. */
export interface StreamLink {
  put(stream: LinkStream, pieces: readonly Uint8Array[], bytes: number): void;
  putEnd(stream: LinkStream, error: StarlingError | undefined): void;
}

/** A stream as its actor sees it. */
export class LinkStream implements ServerStream {
  readonly id: number;
  readonly #link: StreamLink;
  readonly #listeners: (() => void)[] = [];
  sentBytes = 0;
  closed = false;
  /** Its frames go nowhere: the client is gone, or they were too many. */
  dropped = false;
  /** Bytes that the gateway has not confirmed; and of those that it has, what waits there for the client. */
  waitingBytes = 0;
  slowBytes = 0;

  constructor(link: StreamLink, id: number) {
    this.#link = link;
    this.id = id;
  }

  get bufferedBytes(): number {
    return this.waitingBytes + this.slowBytes;
  }

  send(...pieces: readonly Uint8Array[]): void {
    if (this.closed) return;
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    this.sentBytes += bytes;
    this.#link.put(this, pieces, bytes);
  }

  end(error?: StarlingError): void {
    if (this.closed) return;
    this.close();
    this.#link.putEnd(this, error);
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#listeners.push(listener);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
