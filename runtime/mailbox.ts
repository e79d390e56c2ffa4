// The bounded queue of one activation. New calls are refused when it is full; replies and continuations of work that was
// accepted have room beyond the bound, so that accepted work can always end (rule 18).

/** One piece of work for a turn. */
export interface Work {
  /** True: belongs to work accepted before. */
  readonly reserved: boolean;
  /** On the monotonic clock: not begun after this. */
  readonly deadline: number;
}

export class Mailbox<W extends Work> {
  readonly #max: number;
  #items: (W | undefined)[] = [];
  #first = 0;
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  /** False: full. */
  push(work: W): boolean {
    if (!work.reserved) {
      if (this.#open >= this.#max) return false;
      this.#open++;
    }
    this.#items.push(work);
    return true;
  }

  shift(): W | undefined {
    const work = this.#items[this.#first];
    if (work === undefined) return undefined;
    this.#items[this.#first++] = undefined;
    if (!work.reserved) this.#open--;
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
    return rest;
  }
}
