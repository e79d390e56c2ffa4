// Ids that the SDK draws: 26 characters of [0-9a-z], unique, and in order of their making, so that the outgoing messages
// of a local store come back in the order in which they were queued.

import type { Clock, Random } from './ports.ts';

const TIME_DIGITS = 9;
const COUNTER_DIGITS = 4;
const RANDOM_DIGITS = 13;

export class IdMaker {
  readonly #clock: Clock;
  readonly #random: Random;
  #lastMs = 0;
  #counter = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A new id, above every one before it. */
  next(): string {
    const now = this.#clock.now();
    // The clock of a device may be set back: ids go on from the highest time seen.
    this.#counter = now > this.#lastMs ? 0 : this.#counter + 1;
    this.#lastMs = Math.max(now, this.#lastMs);
    return `${digits(this.#lastMs, TIME_DIGITS)}${digits(this.#counter, COUNTER_DIGITS)}${digits(this.#random.bits64(), RANDOM_DIGITS)}`;
  }

  /** Ids to come will be above `id`, which an earlier run may have made. */
  above(id: string): void {
    const ms = Number.parseInt(id.slice(0, TIME_DIGITS), 36);
    if (id.length === TIME_DIGITS + COUNTER_DIGITS + RANDOM_DIGITS && ms > this.#lastMs) {
      this.#lastMs = ms;
      this.#counter = Number.parseInt(id.slice(TIME_DIGITS, TIME_DIGITS + COUNTER_DIGITS), 36) || 0;
    }
  }
}

function digits(value: number | bigint, width: number): string {
  return value.toString(36).padStart(width, '0');
}
