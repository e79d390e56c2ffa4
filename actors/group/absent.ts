// Members who are absent: beside them a mark stands that the conversation has news for them, and until they come back
// nothing is delivered to them (rule 20). No I/O.
//
// A1  A mark counts only if the member has not attached since the fan-out began that left it: an answer that comes late
//     says nothing of a member who is there.
// A2  A member who is marked in a checkpoint is attached only once a checkpoint without the mark is durable: else a later
//     activation would go on skipping somebody who waits for deliveries.

export class Absent {
  readonly #marked = new Set<string>();
  /** Those marked in the checkpoint that was made last. */
  #saved: ReadonlySet<string> = new Set();
  /** Number of the last fan-out begun. */
  #begun = 0;
  #underWay = 0;
  /** Who attached while fan-outs were under way, and the last one begun by then. */
  readonly #attachedAfter = new Map<string, number>();

  has(userId: string): boolean {
    return this.#marked.has(userId);
  }

  /** A fan-out begins: its number. */
  begin(): number {
    this.#underWay++;
    return ++this.#begun;
  }

  /** A fan-out has ended, its marks have been taken. */
  end(): void {
    this.#underWay--;
    if (this.#underWay === 0) this.#attachedAfter.clear();
  }

  /** A fan-out has left a mark beside a member. Returns whether it counts (A1). */
  mark(userId: string, fanOut: number): boolean {
    if ((this.#attachedAfter.get(userId) ?? 0) >= fanOut) return false;
    this.#marked.add(userId);
    return true;
  }

  /** A member is back and has everything. Returns whether that must be made durable (A2). */
  attach(userId: string): boolean {
    this.#marked.delete(userId);
    if (this.#underWay > 0) this.#attachedAfter.set(userId, this.#begun);
    return this.#saved.has(userId);
  }

  restore(marked: ReadonlySet<string>): void {
    for (const userId of marked) this.#marked.add(userId);
    this.#saved = marked;
  }

  /** Those marked, for a checkpoint that is made now. */
  snapshot(): ReadonlySet<string> {
    this.#saved = new Set(this.#marked);
    return this.#saved;
  }
}
