// How points in time are shown. Pure: the present, the locale and the time zone are given.

/** How times are written; both default to the browser's own. */
export interface TimeStyle {
  readonly locale?: string;
  readonly timeZone?: string;
}

/** Formats of one locale and time zone, made once because making them is slow. */
export class TimeFormat {
  readonly #clock: Intl.DateTimeFormat;
  readonly #dayKey: Intl.DateTimeFormat;
  readonly #weekday: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #dayWithYear: Intl.DateTimeFormat;
  readonly #short: Intl.DateTimeFormat;
  readonly #shortWithYear: Intl.DateTimeFormat;
  readonly #full: Intl.DateTimeFormat;

  constructor(style: TimeStyle = {}) {
    const { locale } = style;
    const zone = style.timeZone === undefined ? {} : { timeZone: style.timeZone };
    const make = (options: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat(locale, { ...zone, ...options });
    this.#clock = make({ hour: '2-digit', minute: '2-digit' });
    this.#dayKey = new Intl.DateTimeFormat('en-CA', { ...zone, dateStyle: 'short' });
    this.#weekday = make({ weekday: 'short' });
    this.#day = make({ weekday: 'long', day: 'numeric', month: 'long' });
    this.#dayWithYear = make({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
    this.#short = make({ day: 'numeric', month: 'short' });
    this.#shortWithYear = make({ day: 'numeric', month: 'numeric', year: '2-digit' });
    this.#full = make({ dateStyle: 'full', timeStyle: 'medium' });
  }

  /** Hours and minutes, as beside a message. */
  clock(ms: number): string {
    return this.#clock.format(ms);
  }

  /** Date and time in full, as in a tooltip. */
  full(ms: number): string {
    return this.#full.format(ms);
  }

  /** The calendar day as `YYYY-MM-DD`; two times of one day have the same key. */
  dayKey(ms: number): string {
    return this.#dayKey.format(ms);
  }

  /** The line between two days: Today, Yesterday, else the date. */
  day(ms: number, nowMs: number): string {
    const age = this.#daysBetween(ms, nowMs);
    if (age === 0) return 'Today';
    if (age === 1) return 'Yesterday';
    return this.#sameYear(ms, nowMs) ? this.#day.format(ms) : this.#dayWithYear.format(ms);
  }

  /** The short form in the conversation list: a clock time today, a weekday within a week, else the date. */
  listed(ms: number, nowMs: number): string {
    if (ms <= 0) return '';
    const age = this.#daysBetween(ms, nowMs);
    if (age <= 0) return this.#clock.format(ms);
    if (age === 1) return 'Yesterday';
    if (age < 7) return this.#weekday.format(ms);
    return this.#sameYear(ms, nowMs) ? this.#short.format(ms) : this.#shortWithYear.format(ms);
  }

  #sameYear(a: number, b: number): boolean {
    return this.dayKey(a).slice(0, 4) === this.dayKey(b).slice(0, 4);
  }

  /**
   * Whole calendar days from `ms` to `nowMs`; days are counted by the calendar, so that summer time does not
   * matter.
   */
  #daysBetween(ms: number, nowMs: number): number {
    return (Date.parse(this.dayKey(nowMs)) - Date.parse(this.dayKey(ms))) / 86_400_000;
  }
}
