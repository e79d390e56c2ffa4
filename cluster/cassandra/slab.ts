// Room for copies of small values. Owns: one piece of memory at a time, cut up from its start. A copy keeps the piece it is cut
// from alive; copies of one time are needed for about as long, so that pieces go as a whole.

import { slabBytes, slabValueBytesMax } from './limits.ts';

export class Slab {
  #memory = Buffer.allocUnsafeSlow(slabBytes);
  #used = 0;

  /** A copy of its own, which nothing writes to again. */
  copy(value: Uint8Array): Buffer {
    if (value.length > slabValueBytesMax) return Buffer.from(value);
    if (this.#used + value.length > slabBytes) {
      this.#memory = Buffer.allocUnsafeSlow(slabBytes);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += value.length;
    this.#memory.set(value, from);
    return this.#memory.subarray(from, this.#used);
  }
}
