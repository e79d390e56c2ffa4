// Runs the reminders of one open activation when they are due.
//
// M1  A reminder runs only while it is in the book, and one call of each is under way: so one that was cancelled, replaced
//     or done does not begin any more.
// M2  It is repeated until it has had its effect or was refused for good; a later activation goes on from the book.
// M3  The activation stays in memory while a reminder is due or due sooner than it would be dropped when idle; otherwise the
//     due mark in the store wakes the actor.

import type { CallSink } from './call.ts';
import type { StarlingError } from './errors.ts';
import type { Clock, Timer } from './ports/clock.ts';
import { calledMs, type ReminderBook } from './reminder-book.ts';
import type { Trials } from './reminder-trials.ts';
import type { Reminder, ReminderOrigin } from './reminders.ts';

/** A timer of the platform holds less than 25 days, and the wall clock may be set meanwhile. */
const TIMER_MS_MAX = 86_400_000;
/** Overdue by more than this: it stands in line with all that a time out of service has left on this node. */
const LATE_MS = 60_000;

export interface ReminderRunnerOptions {
  readonly book: ReminderBook;
  readonly clock: Clock;
  readonly trials: Trials;
  /** `kind/key` of the actor. */
  readonly actor: string;
  /** Calls under way at a time. */
  readonly underWayMax: number;
  readonly catchUpMax: number;
  /** Due within this time: the activation stays in memory. */
  readonly awakeMs: number;
  /** How long one that is late has to wait for its turn on this node. */
  readonly lateDelayMs: () => number;
  /**
   * Runs it as a turn.
   * @throws StarlingError where this release does not know its method or can't decode its request
   */
  readonly start: (origin: ReminderOrigin, sink: CallSink) => void;
  /** It has ended without a record: that has to be remembered. */
  readonly done: (origin: ReminderOrigin) => void;
  /** Refused for good: nothing more can be done but to say so. */
  readonly refused: (reminder: Reminder, error: StarlingError) => void;
  /** `start` threw: it is kept, and tried again rarely. */
  readonly unfit: (reminder: Reminder, error: unknown) => void;
  /** Keeps the activation in memory; returns how to let go. */
  readonly keepAwake: () => () => void;
}

export class ReminderRunner {
  readonly #options: ReminderRunnerOptions;
  readonly #underWay = new Set<string>();
  #running = false;
  #timer: Timer | undefined;
  #release: (() => void) | undefined;

  constructor(options: ReminderRunnerOptions) {
    this.#options = options;
  }

  /** The activation is open. */
  open(): void {
    this.#running = true;
    this.look();
  }

  /** Begins what is due and waits for what is due next. Called whenever the book or the wall clock may have changed. */
  look(): void {
    if (!this.#running) return;
    const { book, clock, awakeMs, underWayMax } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    const now = clock.now();
    const due: Reminder[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const reminder of book.all()) {
      if (this.#underWay.has(reminder.name)) continue;
      const waitMs = this.#waitMs(reminder, now);
      if (waitMs > 0) nextMs = Math.min(nextMs, waitMs);
      else due.push(reminder);
    }
    due.sort((a, b) => a.dueMs - b.dueMs);
    for (const reminder of due) {
      if (this.#underWay.size >= underWayMax) break;
      this.#begin(reminder, now);
      if (!this.#underWay.has(reminder.name)) nextMs = Math.min(nextMs, this.#waitMs(reminder, now));
    }
    this.#stayAwake(this.#underWay.size > 0 || nextMs <= awakeMs);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    const lookMs = nextMs > awakeMs ? nextMs - awakeMs : nextMs;
    this.#timer = clock.after(Math.min(lookMs, TIMER_MS_MAX), () => this.look());
  }

  /** Begins nothing any more: a later activation goes on. */
  end(): void {
    this.#running = false;
    this.#timer?.cancel();
    this.#stayAwake(false);
  }

  #waitMs({ name, dueMs }: Reminder, now: number): number {
    return Math.max(dueMs - now, this.#options.trials.waitMs(this.#id(name), dueMs));
  }

  #begin(reminder: Reminder, now: number): void {
    const { trials, clock, lateDelayMs } = this.#options;
    const { name, dueMs } = reminder;
    this.#underWay.add(name);
    trials.begin(this.#id(name), dueMs);
    const delayMs = now - dueMs > LATE_MS ? lateDelayMs() : 0;
    if (delayMs === 0) this.#start(reminder);
    else
      clock.after(delayMs, () => {
        if (!this.#running) return;
        this.#start(reminder);
        if (!this.#underWay.has(name)) this.look();
      });
  }

  /** M1. */
  #start(reminder: Reminder): void {
    const { book, clock, trials, catchUpMax, start, unfit } = this.#options;
    const { name, dueMs } = reminder;
    if (book.get(name) !== reminder) {
      this.#underWay.delete(name);
      trials.over(this.#id(name));
      return;
    }
    const forMs = calledMs(reminder, clock.now(), catchUpMax);
    const origin: ReminderOrigin = { type: 'reminder', reminder, dueMs: forMs };
    try {
      start(origin, {
        resolve: () => this.#ended(origin),
        reject: (error) => this.#failed(origin, error),
      });
    } catch (error) {
      this.#underWay.delete(name);
      trials.hold(this.#id(name), dueMs);
      unfit(reminder, error);
    }
  }

  #ended(origin: ReminderOrigin): void {
    if (!this.#running) return;
    const { name } = origin.reminder;
    this.#underWay.delete(name);
    this.#options.trials.over(this.#id(name));
    if (this.#options.book.get(name) === origin.reminder) this.#options.done(origin);
    this.look();
  }

  /** M2. */
  #failed(origin: ReminderOrigin, error: StarlingError): void {
    if (!this.#running) return;
    const { book, trials, refused } = this.#options;
    const { name, dueMs } = origin.reminder;
    const passing = error.entry.outcome === 'unknown' || error.retryAfterMs !== undefined;
    if (book.get(name) !== origin.reminder) {
      this.#ended(origin);
    } else if (passing) {
      this.#underWay.delete(name);
      trials.failed(this.#id(name), dueMs, error.retryAfterMs ?? 0);
      this.look();
    } else {
      refused(origin.reminder, error);
      this.#ended(origin);
    }
  }

  /** M3. */
  #stayAwake(awake: boolean): void {
    if (awake) this.#release ??= this.#options.keepAwake();
    else {
      this.#release?.();
      this.#release = undefined;
    }
  }

  #id(name: string): string {
    return `${this.#options.actor}\0${name}`;
  }
}
