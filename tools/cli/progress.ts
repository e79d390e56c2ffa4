// A progress bar. Owns: rate, remaining time, how often it is drawn. Does not own: what is counted.

import { count, span } from './format.ts';

export interface ProgressOptions {
  /** What is counted, e.g. `messages`. */
  readonly unit: string;
  readonly write: (text: string) => void;
  /** True: one line that is drawn over. False: a plain line now and then. */
  readonly interactive: boolean;
  /** Milliseconds that never run backwards. */
  readonly now: () => number;
}

/** How far something has got. */
export interface ProgressState {
  readonly done: number;
  readonly total: number;
  /** Added behind the bar, e.g. `2 refused`. */
  readonly note?: string;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5_000;
/** The rate is that of about the last so many milliseconds. */
const RATE_WINDOW_MS = 5_000;
const BAR_COLUMNS = 24;

/** Draws progress as it comes, at most ten times a second on a terminal, each five seconds elsewhere. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #startMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #samples: { readonly timeMs: number; readonly done: number }[];

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#startMs = options.now();
    this.#samples = [{ timeMs: this.#startMs, done: 0 }];
    if (!options.interactive) this.#drawnMs = this.#startMs;
  }

  update(state: ProgressState): void {
    const now = this.#options.now();
    if (now - this.#drawnMs < (this.#options.interactive ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#drawnMs = now;
    const line = this.#line(state, now);
    this.#options.write(this.#options.interactive ? `\r\u001b[K${line}` : `${line}\n`);
  }

  /** Ends the bar: a terminal is left with an empty line. Answers the milliseconds since the start. */
  end(): number {
    if (this.#options.interactive) this.#options.write('\r\u001b[K');
    return this.#options.now() - this.#startMs;
  }

  #line(state: ProgressState, now: number): string {
    const { unit } = this.#options;
    const share = state.total === 0 ? 1 : Math.min(1, state.done / state.total);
    const filled = Math.floor(share * BAR_COLUMNS);
    const rate = this.#rate(state.done, now);
    const left = rate > 0 ? `  ${span(((state.total - state.done) / rate) * 1_000)} left` : '';
    const note = state.note === undefined || state.note === '' ? '' : `  ${state.note}`;
    const bar = this.#options.interactive ? `${'█'.repeat(filled)}${'░'.repeat(BAR_COLUMNS - filled)} ` : '';
    const percent = `${Math.floor(share * 100)}%`.padStart(4);
    return `${bar}${percent}  ${count(state.done)}/${count(state.total)} ${unit}  ${count(Math.round(rate))}/s${left}${note}`;
  }

  /** Per second. */
  #rate(done: number, now: number): number {
    this.#samples.push({ timeMs: now, done });
    const recent = this.#samples.filter((sample) => now - sample.timeMs <= RATE_WINDOW_MS);
    this.#samples = recent.length >= 2 ? recent : this.#samples.slice(-2);
    const [first] = this.#samples;
    const elapsed = now - (first?.timeMs ?? now);
    return elapsed <= 0 ? 0 : ((done - (first?.done ?? 0)) * 1_000) / elapsed;
  }
}
