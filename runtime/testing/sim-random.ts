// Simulated randomness: the same seed gives the same draws.

import type { Random } from '../ports/random.ts';

/** A seeded generator (xoshiro128**); fast, repeatable, not secret. */
export class SimRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed`: any integer; its low 32 bits count. */
  constructor(seed: number) {
    // The state must not be all zero and near seeds must differ at once: splitmix32 spreads them.
    let x = seed >>> 0;
    const next = (): number => {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  float(): number {
    // 53 bits of two draws, as Math.random has.
    return ((this.#bits32() >>> 5) * 0x4000000 + (this.#bits32() >>> 6)) / 0x20000000000000;
  }

  bits64(): bigint {
    return (BigInt(this.#bits32()) << 32n) | BigInt(this.#bits32());
  }

  /** An integer, 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** An independent generator, so that draws of one part do not shift those of another. */
  fork(): SimRandom {
    return new SimRandom(this.#bits32());
  }

  #bits32(): number {
    const x = Math.imul(this.#b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }
}
