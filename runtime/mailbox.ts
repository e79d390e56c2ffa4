// The bounded queue of one activation: by count, by bytes and by age. New calls are refused when it is full; replies and
// continuations of work that was accepted have room beyond the bounds, so that accepted work can always end (rule 18).

/** One piece of work for a turn. */
export interface Work {
  /** True: belongs to work accepted before. */
  readonly reserved: boolean;
  /** On the monotonic clock: not begun after this. */
  readonly deadline: number;
  /** Roughly what it holds in memory; looked at only where it has to wait. */
  bytes?: number;
  /** When it began to wait, on the monotonic clock. */
  since?: number;
}

export interface MailboxBounds {
  readonly turnsMax: number;
  readonly bytesMax: number;
  readonly ageMsMax: number;
}

export interface MailboxOptions<W extends Work> extends MailboxBounds {
  /** Roughly the bytes of what was asked. */
  readonly sizeOf: (work: W) => number;
  readonly monotonic: () => number;
}

/** Why there is no room. */
export type Full = 'turns' | 'bytes' | 'age';

export class Mailbox<W extends Work> {
  readonly #options: MailboxOptions<W>;
  #items: (W | undefined)[] = [];
  #first = 0;
  #open = 0;
  #bytes = 0;

  constructor(options: MailboxOptions<W>) {
    this.#options = options;
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  /** When the oldest work that had to wait came in, on the monotonic clock. */
  get oldestSince(): number | undefined {
    return this.#items[this.#first]?.since;
  }

  /** Undefined: taken. Else why not. `waits`: something is before it; what is taken out at once is neither measured nor timed. */
  push(work: W, waits = this.size > 0): Full | undefined {
    if (!work.reserved) {
      const full = waits ? this.#wait(work) : undefined;
      if (full !== undefined) return full;
      this.#open++;
    }
    this.#items.push(work);
    return undefined;
  }

  #wait(work: W): Full | undefined {
    const { turnsMax, bytesMax, ageMsMax, sizeOf, monotonic } = this.#options;
    if (this.#open >= turnsMax) return 'turns';
    const now = monotonic();
    const oldest = this.oldestSince;
    if (oldest !== undefined && now - oldest > ageMsMax) return 'age';
    const bytes = sizeOf(work);
    if (this.#bytes + bytes > bytesMax) return 'bytes';
    work.bytes = bytes;
    work.since = now;
    this.#bytes += bytes;
    return undefined;
  }

  shift(): W | undefined {
    const work = this.#items[this.#first];
    if (work === undefined) return undefined;
    this.#items[this.#first++] = undefined;
    if (!work.reserved) this.#open--;
    if (work.bytes !== undefined) this.#bytes -= work.bytes;
    if (this.#first === this.#items.length) {
      this.#items.length = 0;
      this.#first = 0;
    } else if (this.#first >= 1024 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return work;
  }

  /** Empties it. */
  drain(): W[] {
    const rest = this.#items.slice(this.#first).filter((work) => work !== undefined);
    this.#items = [];
    this.#first = 0;
    this.#open = 0;
    this.#bytes = 0;
    return rest;
  }
}
