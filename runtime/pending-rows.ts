// Rows of one activation that are not known durable: those of the commit under way, and those that wait for the next.

import type { Row } from './ports/store.ts';

export interface PendingRow extends Row {
  /** Number of the write, for the outputs that wait for it. */
  readonly no: number;
  /** A wake mark goes with it. */
  readonly wake: boolean;
}

export class PendingRows {
  #waiting: PendingRow[] = [];
  #inFlight: readonly PendingRow[] = [];
  #bytes = 0;

  /** Rows that wait for the next commit. */
  get count(): number {
    return this.#waiting.length;
  }

  /** Bytes of all of them, those under way too. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of the first write that waits; infinite where none does. */
  get firstNo(): number {
    return this.#waiting[0]?.no ?? Number.POSITIVE_INFINITY;
  }

  /** All of them, ascending. */
  get unsettled(): readonly Row[] {
    return this.#inFlight.length === 0 ? this.#waiting : [...this.#inFlight, ...this.#waiting];
  }

  push(row: PendingRow): void {
    this.#waiting.push(row);
    this.#bytes += row.value.length;
  }

  /** Takes what one commit may hold; at least one row where any waits. */
  take(rowsMax: number, bytesMax: number): readonly PendingRow[] {
    let bytes = 0;
    let count = 0;
    for (const row of this.#waiting) {
      bytes += row.value.length;
      if (count > 0 && (count === rowsMax || bytes > bytesMax)) break;
      count++;
    }
    if (count === this.#waiting.length) {
      this.#inFlight = this.#waiting;
      this.#waiting = [];
    } else this.#inFlight = this.#waiting.splice(0, count);
    return this.#inFlight;
  }

  /** The commit under way is durable. */
  settled(): void {
    for (const { value } of this.#inFlight) this.#bytes -= value.length;
    this.#inFlight = [];
  }

  clear(): void {
    this.#waiting = [];
  }
}
