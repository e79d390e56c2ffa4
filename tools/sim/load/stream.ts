// The node's end of a simulated stream.

import type { ServerStream, StarlingError } from '../../../runtime/index.ts';
import type { NodeRun } from '../world/node.ts';

/** The node's end of a stream. Frames arrive in order or not at all. */
export class SimStream implements ServerStream {
  readonly #run: NodeRun;
  readonly #carry: (bytes: Uint8Array) => boolean;
  readonly #ended: (error: StarlingError | undefined) => void;
  readonly #listeners: (() => void)[] = [];
  readonly bufferedBytes = 0;
  sentBytes = 0;
  closed = false;
  #broken = false;

  constructor(
    run: NodeRun,
    carry: (bytes: Uint8Array) => boolean,
    ended: (error: StarlingError | undefined) => void,
  ) {
    this.#run = run;
    this.#carry = carry;
    this.#ended = ended;
  }

  send(...pieces: readonly Uint8Array[]): void {
    if (this.closed || this.#run.process.killed) return;
    const bytes = new Uint8Array(Buffer.concat(pieces));
    this.sentBytes += bytes.length;
    // As on one connection: behind a piece that was lost nothing arrives any more.
    if (!this.#broken) this.#broken = !this.#carry(bytes);
  }

  end(error?: StarlingError): void {
    if (this.closed) return;
    this.#close();
    if (!this.#broken) this.#ended(error);
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#listeners.push(listener);
  }

  /** The client is gone. */
  left(): void {
    this.#close();
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.#listeners) listener();
  }
}
