// Whether people may send now. Owns: the one switch that all senders of a run look at.

export class Hold {
  #free: PromiseWithResolvers<void> | undefined;
  /** Attempts that are let through although it holds. */
  #passes = 0;

  /** From now on nobody begins an attempt. */
  on(): void {
    this.#free ??= Promise.withResolvers();
  }

  off(): void {
    this.#passes = 0;
    this.#wake();
    this.#free = undefined;
  }

  /** Lets so many attempts through, and no more. */
  pass(count: number): void {
    this.#passes += count;
    this.#wake();
    this.#free = Promise.withResolvers();
  }

  /** Resolves at once unless it holds. */
  async free(): Promise<void> {
    while (this.#free !== undefined) {
      if (this.#passes > 0) {
        this.#passes -= 1;
        return;
      }
      await this.#free.promise;
    }
  }

  #wake(): void {
    this.#free?.resolve();
  }
}
