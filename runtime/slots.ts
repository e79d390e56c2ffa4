// So many things at a time: the others wait, in order. Owns: who is next.

export class Slots {
  readonly #max: number;
  #taken = 0;
  /** A set keeps the order, and its first goes without moving the others. */
  readonly #waiting = new Set<() => void>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Runs `task` once there is room; settles as it does. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#max) this.#taken++;
    else await new Promise<void>((resolve) => this.#waiting.add(resolve));
    try {
      return await task();
    } finally {
      this.#release();
    }
  }

  /** Whoever waits takes the place over. */
  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
