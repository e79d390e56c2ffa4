// Repeatable randomness. Owns: a generator whose whole sequence follows from its seed, so that a run can be repeated.

/** Draws from a sequence fixed by a seed (splitmix32). Not for secrets. */
export class Seeded {
  #state: number;

  /** `seed`: any integer; only its low 32 bits count. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 bits, unsigned. */
  bits32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** 64 bits, unsigned. */
  bits64(): bigint {
    return (BigInt(this.bits32()) << 32n) | BigInt(this.bits32());
  }

  /** Uniform integer in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.bits32() / 0x1_0000_0000) * bound);
  }

  /** One of the items. @throws Error when there are none. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** An independent sequence, e.g. one for each client, so that their interleaving changes nothing. */
  fork(): Seeded {
    return new Seeded(this.bits32());
  }
}
