// What happened, in order. Owns: one line an event, a hash over all of them, and the last lines of each place for a
// failure's report. Does not own: what counts as a failure.

import { createHash } from 'node:crypto';
import type { SimClock } from '../../../runtime/testing/index.ts';

/** Lines kept of each place for a report. */
const KEPT_LINES_MAX = 400;
const BATCH_LINES = 512;
/** Shown of a line. */
const LINE_CHARS_MAX = 240;

export interface TraceLine {
  readonly atMs: number;
  readonly place: string;
  readonly text: string;
}

/** The events of one run. */
export class Trace {
  readonly #clock: SimClock;
  readonly #hash = createHash('sha256');
  readonly #kept = new Map<string, TraceLine[]>();
  readonly #counts = new Map<string, number>();
  #batch: string[] = [];
  #lines = 0;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Notes an event at a place: a node, a client, the world. */
  note(place: string, text: string): void {
    const atMs = this.#clock.monotonic();
    this.#lines += 1;
    this.#batch.push(`${atMs.toFixed(3)} ${place} ${text}`);
    if (this.#batch.length >= BATCH_LINES) this.#flush();
    let kept = this.#kept.get(place);
    if (kept === undefined) {
      kept = [];
      this.#kept.set(place, kept);
    }
    kept.push({ atMs, place, text });
    if (kept.length > 2 * KEPT_LINES_MAX) kept.splice(0, KEPT_LINES_MAX);
  }

  /** Counts that a fault or an interesting event really happened. */
  count(event: string, by = 1): void {
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + by);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** The last lines of every place, by place. */
  last(linesMax: number): ReadonlyMap<string, readonly TraceLine[]> {
    return new Map([...this.#kept].map(([place, lines]) => [place, lines.slice(-linesMax)]));
  }

  /** Hash over all events so far; the run is over. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex').slice(0, 16);
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    this.#hash.update(`${this.#batch.join('\n')}\n`);
    this.#batch = [];
  }
}

/** The last lines of every place, as a report shows them; times in simulated seconds. */
export function traceText(
  trace: Iterable<readonly [string, readonly TraceLine[]]>,
  linesMax: number,
): string[] {
  if (linesMax === 0) return [];
  return [...trace].flatMap(([place, kept]) => [
    `--- ${place}`,
    ...kept
      .slice(-linesMax)
      .map(({ atMs, text }) => `${(atMs / 1000).toFixed(3)} ${text.slice(0, LINE_CHARS_MAX)}`),
  ]);
}
