// A client's stream as an actor of this node sees it: one attempt to open it. Where the actor turns out to have moved before
// it gave the client anything, the attempt ends and the client's stream goes on, to be opened where the actor is now.

import type { StarlingError } from './errors.ts';
import type { ServerStream } from './service.ts';

export class LocalAttempt implements ServerStream {
  readonly #client: ServerStream;
  readonly #ended: (error: StarlingError | undefined, fresh: boolean) => void;
  readonly #listeners: (() => void)[] = [];
  #fresh = true;
  closed = false;

  constructor(client: ServerStream, ended: (error: StarlingError | undefined, fresh: boolean) => void) {
    this.#client = client;
    this.#ended = ended;
    client.onClose(() => this.#close());
  }

  get bufferedBytes(): number {
    return this.#client.bufferedBytes;
  }

  get sentBytes(): number {
    return this.#client.sentBytes;
  }

  send(...pieces: readonly Uint8Array[]): void {
    if (this.closed) return;
    this.#fresh = false;
    this.#client.send(...pieces);
  }

  end(error?: StarlingError): void {
    if (this.closed) return;
    this.#close();
    this.#ended(error, this.#fresh);
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#listeners.push(listener);
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
