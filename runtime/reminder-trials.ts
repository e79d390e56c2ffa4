// Which reminders of this node were begun and have not ended well, and when each may be tried again. Kept beside the
// activations, so that a reminder whose handler ends its activation does not come back as fast as the actor opens.

import type { Clock } from './ports/clock.ts';

export interface TrialsOptions {
  readonly clock: Clock;
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** Entries kept; the oldest go first. */
  readonly trialsMax: number;
}

interface Trial {
  readonly dueMs: number;
  readonly delayMs: number;
  /** On the monotonic clock. */
  readonly untilMs: number;
}

export class Trials {
  readonly #options: TrialsOptions;
  readonly #trials = new Map<string, Trial>();

  constructor(options: TrialsOptions) {
    this.#options = options;
  }

  /** Milliseconds until the reminder `id` may be tried for the time `dueMs`; 0 = now. */
  waitMs(id: string, dueMs: number): number {
    const trial = this.#of(id, dueMs);
    return trial === undefined ? 0 : Math.max(0, trial.untilMs - this.#options.clock.monotonic());
  }

  /** A trial begins; unless it ends well the next one waits, longer each time. */
  begin(id: string, dueMs: number): void {
    const { retryMsMin, retryMsMax } = this.#options;
    const before = this.#of(id, dueMs);
    this.#put(id, dueMs, before === undefined ? retryMsMin : Math.min(2 * before.delayMs, retryMsMax));
  }

  /** It failed: the wait begins now, and is at least `atLeastMs`. */
  failed(id: string, dueMs: number, atLeastMs: number): void {
    const delayMs = this.#of(id, dueMs)?.delayMs ?? this.#options.retryMsMin;
    this.#put(id, dueMs, delayMs, atLeastMs);
  }

  /** It can't be run by this release: the longest wait. */
  hold(id: string, dueMs: number): void {
    this.#put(id, dueMs, this.#options.retryMsMax);
  }

  /** It has ended well. */
  over(id: string): void {
    this.#trials.delete(id);
  }

  #of(id: string, dueMs: number): Trial | undefined {
    const trial = this.#trials.get(id);
    return trial?.dueMs === dueMs ? trial : undefined;
  }

  #put(id: string, dueMs: number, delayMs: number, atLeastMs = 0): void {
    const { clock, trialsMax } = this.#options;
    this.#trials.delete(id);
    const oldest = this.#trials.size >= trialsMax ? this.#trials.keys().next() : undefined;
    if (oldest?.done === false) this.#trials.delete(oldest.value);
    this.#trials.set(id, { dueMs, delayMs, untilMs: clock.monotonic() + Math.max(delayMs, atLeastMs) });
  }
}
