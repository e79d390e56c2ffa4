// Whether people may send now. Owns: the one switch that all senders of a run look at.

export class Hold {
  #free: PromiseWithResolvers<void> | undefined;

  /** From now on nobody begins an attempt. */
  on(): void {
    this.#free ??= Promise.withResolvers();
  }

  off(): void {
    this.#free?.resolve();
    this.#free = undefined;
  }

  /** Resolves at once unless it holds. */
  async free(): Promise<void> {
    while (this.#free !== undefined) await this.#free.promise;
  }
}
