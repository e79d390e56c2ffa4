// The bounded queue of one activation: by count, by bytes and by age. New calls are refused when it is full; replies and
// continuations of work that was accepted have room beyond the bounds, so that accepted work can always end (rule 18).

/** One piece of work for a turn. */
export interface Work {
  /** True: belongs to work accepted before. */
  readonly reserved: boolean;
  /** On the monotonic clock: not begun after this. */
  readonly deadline: number;
  /** Roughly what it holds in memory; looked at only where it has to wait. */
  bytes?: number | undefined;
  /** When it began to wait, on the monotonic clock. */
  since?: number | undefined;
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
  /** The first one. Most mailboxes never hold another: those cost no array. */
  #next: W | undefined;
  /** Those behind it; made while there are any. */
  #behind: (W | undefined)[] | undefined;
  /** Where `#behind` begins. */
  #first = 0;
  #open = 0;
  #bytes = 0;

  constructor(options: MailboxOptions<W>) {
    this.#options = options;
  }

  get size(): number {
    if (this.#next === undefined) return 0;
    return this.#behind === undefined ? 1 : 1 + this.#behind.length - this.#first;
  }

  /** When the oldest work that had to wait came in, on the monotonic clock. */
  get oldestSince(): number | undefined {
    return this.#next?.since;
  }

  /** Undefined: taken. Else why not. `waits`: something is before it; what is taken out at once is neither measured nor timed. */
  push(work: W, waits = this.size > 0): Full | undefined {
    if (!work.reserved) {
      if (waits) {
        const full = this.#wait(work);
        if (full !== undefined) return full;
      } else if (work.bytes !== undefined) {
        // It has waited in another mailbox before.
        work.bytes = undefined;
        work.since = undefined;
      }
      this.#open++;
    }
    if (this.#next === undefined) this.#next = work;
    else if (this.#behind === undefined) this.#behind = [work];
    else this.#behind.push(work);
    return undefined;
  }

  /** Puts work that has reserved room before everything that waits. */
  pushFirst(work: W): void {
    if (this.#next !== undefined) {
      if (this.#behind === undefined) this.#behind = [this.#next];
      else if (this.#first > 0) this.#behind[--this.#first] = this.#next;
      else this.#behind.unshift(this.#next);
    }
    this.#next = work;
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
    const work = this.#next;
    if (work === undefined) return undefined;
    this.#next = this.#behind === undefined ? undefined : this.#shiftBehind(this.#behind);
    if (!work.reserved) this.#open--;
    if (work.bytes !== undefined) this.#bytes -= work.bytes;
    return work;
  }

  #shiftBehind(behind: (W | undefined)[]): W | undefined {
    const work = behind[this.#first];
    behind[this.#first++] = undefined;
    if (this.#first === behind.length) {
      this.#behind = undefined;
      this.#first = 0;
    } else if (this.#first >= 1024 && this.#first * 2 > behind.length) {
      this.#behind = behind.slice(this.#first);
      this.#first = 0;
    }
    return work;
  }

  /** Empties it. */
  drain(): W[] {
    const rest: W[] = [];
    for (let work = this.shift(); work !== undefined; work = this.shift()) rest.push(work);
    return rest;
  }
}
