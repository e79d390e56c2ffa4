// What one transaction will write. Owns: which write of a cell wins against what is stored and what came before it in the
// same transaction. Does not own: how writes are encoded (cells.ts) or when they happen (committer.ts).

import { isTombstone, timeOf } from './cells.ts';
import type { Engine, Writes } from './engine.ts';
import { tombstoneKey } from './keys.ts';

/** One cell to write, encoded. */
export interface Put {
  readonly key: Buffer;
  readonly value: Buffer;
  /** A table cell, whose deletes are listed so that they can be purged. */
  readonly listed: boolean;
}

const nothing = Buffer.from([1]);

/** Collects the writes of one transaction over the engine's last durable state. */
export class Plan {
  readonly #engine: Engine;
  readonly #writes: [Buffer, Buffer | undefined][] = [];
  readonly #overlay = new Map<string, Buffer | undefined>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get engine(): Engine {
    return this.#engine;
  }

  get writes(): Writes {
    return this.#writes;
  }

  /** Writes the cell if it wins (S2): an encoding that is bytewise greater does. */
  put({ key, value, listed }: Put): void {
    const id = key.toString('latin1');
    const old = this.#overlay.has(id) ? this.#overlay.get(id) : this.#engine.peek(key);
    if (old !== undefined) {
      if (Buffer.compare(value, old) <= 0) return;
      if (listed && isTombstone(old)) this.#set(tombstoneKey(timeOf(old), key), undefined);
    }
    this.#overlay.set(id, value);
    this.#writes.push([key, value]);
    if (listed && isTombstone(value)) this.#set(tombstoneKey(timeOf(value), key), nothing);
  }

  /** Deletes a key outright; for what no reader can be given any more. */
  remove(key: Buffer): void {
    this.#set(key, undefined);
  }

  /** The encoding stored under a key once all that is planned so far is written. */
  current(key: Buffer): Uint8Array | undefined {
    const id = key.toString('latin1');
    return this.#overlay.has(id) ? this.#overlay.get(id) : this.#engine.peek(key);
  }

  #set(key: Buffer, value: Buffer | undefined): void {
    this.#overlay.set(key.toString('latin1'), value);
    this.#writes.push([key, value]);
  }
}
