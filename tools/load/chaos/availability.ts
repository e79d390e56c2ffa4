// How long nobody got an answer. Owns: when sends were acked, and the longest time without one. Pure but for what it is told.

/** An OK to a send. */
interface Ack {
  readonly atMs: number;
  readonly userId: string;
}

export class Availability {
  readonly #acks: Ack[] = [];

  /** Times never run back. */
  acked(userId: string, atMs: number): void {
    this.#acks.push({ atMs, userId });
  }

  get count(): number {
    return this.#acks.length;
  }

  /**
   * The longest time without an ack between two moments, milliseconds; the whole of it where there was none. Only acks of these
   * users count, where they are named; undefined where they are nobody.
   */
  longestGapMs(fromMs: number, toMs: number, of?: ReadonlySet<string>): number | undefined {
    if (of?.size === 0) return undefined;
    let lastMs = fromMs;
    let longest = 0;
    for (const { atMs, userId } of this.#acks) {
      if (atMs <= fromMs || atMs > toMs || (of !== undefined && !of.has(userId))) continue;
      longest = Math.max(longest, atMs - lastMs);
      lastMs = atMs;
    }
    return Math.max(longest, toMs - lastMs);
  }
}
