// Whether people may send now. Owns: the one switch that all senders of a run look at.

export class Hold {
  #free: PromiseWithResolvers<void> | undefined;
  /** Attempts that are let through although it holds. */
  #passes = 0;
  /** Who alone is free while it does not hold; undefined = everybody. */
  #only: ReadonlySet<string> | undefined;

  /** From now on only these users begin attempts; undefined = everybody may. */
  only(userIds: ReadonlySet<string> | undefined): void {
    this.#only = userIds;
    this.#wake();
    this.#free = userIds === undefined ? undefined : Promise.withResolvers();
  }

  /** From now on nobody begins an attempt. */
  on(): void {
    this.#only = undefined;
    this.#free ??= Promise.withResolvers();
  }

  off(): void {
    this.#only = undefined;
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

  /** Resolves at once unless it holds for this user. */
  async free(userId: string): Promise<void> {
    while (this.#free !== undefined && this.#only?.has(userId) !== true) {
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
