// One direction of one connection through a link. Owns: the bytes on their way. Does not own: whether they may pass (proxy.ts).
//
// Invariants:
// F1  Bytes leave in the order in which they came, and the end of the stream after all of them: while nothing may pass the
//     other side does not even learn that the connection ended, as on a network that drops.
// F2  No more than `bytesMax` are kept: beyond it nothing more is read.

import type { Socket } from 'node:net';

type Item =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly dueMs: number }
  /** The source will send nothing more. */
  | { readonly kind: 'end' }
  /** The source is gone. */
  | { readonly kind: 'gone' };

/** Bytes kept of one direction of one connection. */
const bytesMax = 8 * 1024 * 1024;

export interface FlowRules {
  /** Whether bytes may pass now. */
  passes(): boolean;
  /** Whether the other side may learn that the stream ended. */
  ends(): boolean;
  /** Milliseconds each byte is under way. */
  delayMs(): number;
  /** Sees what comes in, before anything is decided about it; returns what is to go on. */
  taken(bytes: Buffer): Buffer;
}

export class Flow {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #rules: FlowRules;
  readonly #items: Item[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket, rules: FlowRules) {
    this.#source = source;
    this.#sink = sink;
    this.#rules = rules;
    source.on('data', (came) => {
      const bytes = rules.taken(came);
      this.#bytes += bytes.length;
      if (this.#bytes > bytesMax) source.pause();
      this.#add({ kind: 'bytes', bytes, dueMs: performance.now() + rules.delayMs() });
    });
    source.on('end', () => this.#add({ kind: 'end' }));
    // What an error was is in `close`, which follows it.
    source.on('error', () => {});
    source.on('close', () => this.#add({ kind: 'gone' }));
    sink.on('drain', () => this.flush());
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#bytes;
  }

  /** Sends on what may pass now. */
  flush(): void {
    clearTimeout(this.#timer);
    while (this.#rules.passes() && !this.#sink.writableNeedDrain) {
      const [item] = this.#items;
      if (item === undefined || (item.kind !== 'bytes' && !this.#rules.ends())) return;
      if (item.kind === 'bytes') {
        const waitMs = item.dueMs - performance.now();
        if (waitMs > 0) {
          this.#timer = setTimeout(() => this.flush(), Math.ceil(waitMs));
          return;
        }
      }
      this.#items.shift();
      this.#send(item);
    }
  }

  /** Forgets what waits. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#items.length = 0;
    this.#bytes = 0;
  }

  #add(item: Item): void {
    this.#items.push(item);
    this.flush();
  }

  #send(item: Item): void {
    switch (item.kind) {
      case 'bytes':
        this.#bytes -= item.bytes.length;
        if (this.#bytes <= bytesMax) this.#source.resume();
        if (this.#sink.writable) this.#sink.write(item.bytes);
        return;
      case 'end':
        if (this.#sink.writable) this.#sink.end();
        return;
      case 'gone':
        // After what was written before.
        this.#sink.destroySoon();
    }
  }
}
