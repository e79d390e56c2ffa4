// Tells the server how far was read. Invariants: one call at a time; positions asked for meanwhile become one
// call with the highest; what failed is tried again when the connection is back.

import type { StarlingClient } from '../../sdk/api.ts';

export class ReadMarker {
  readonly #client: Pick<StarlingClient, 'markRead'>;
  /**
   * Highest position asked for, by conversation; goes once it is marked. Bounded by the conversations opened.
   */
  readonly #wanted = new Map<string, bigint>();
  readonly #marked = new Map<string, bigint>();
  #busy = false;

  constructor(client: Pick<StarlingClient, 'markRead'>) {
    this.#client = client;
  }

  /** Marks as read up to a position; lower ones than before are ignored. */
  mark(conversationId: string, readSeq: bigint): void {
    const known = this.#wanted.get(conversationId) ?? this.#marked.get(conversationId) ?? 0n;
    if (readSeq <= known) return;
    this.#wanted.set(conversationId, readSeq);
    this.retry();
  }

  /** Tries what is still to be marked, as when the connection is back. */
  retry(): void {
    if (!this.#busy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    const failed = new Set<string>();
    for (;;) {
      const next = [...this.#wanted].find(([id]) => !failed.has(id));
      if (next === undefined) break;
      const [id, seq] = next;
      try {
        await this.#client.markRead(id, seq);
        this.#marked.set(id, seq);
        if (this.#wanted.get(id) === seq) this.#wanted.delete(id);
      } catch {
        // Nothing is lost: the position stays wanted, and the person still sees it as unread.
        failed.add(id);
      }
    }
    this.#busy = false;
  }
}
