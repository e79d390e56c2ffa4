// The reminders of one activation: what they add to its rows and checkpoints, and their due marks. Between the book, the
// runner and the journal; knows nothing of turns.
//
// N1  For every reminder in the book there is a due mark of its minute, durable no later than the row or checkpoint that
//     says when it is due (S4); so an actor that is not in memory is woken in that minute.
// N2  A due mark may go only while the book has nothing due up to the end of its minute and everything that was said about
//     reminders is durable and fence-checked. The write time of the drop is drawn at that moment, so it takes no mark that
//     is written later.

import { fromBinary } from '@bufbuild/protobuf';
import type { ReminderChange, StoredReminder } from '../proto/gen/starling/actor/v1/stored_pb.ts';
import type { ActorType } from './actor-type.ts';
import { Call, type CallSink } from './call.ts';
import { invariant, StarlingError, toStarlingError } from './errors.ts';
import type { Host } from './host.ts';
import type { Journal } from './journal.ts';
import type { ActorAddress } from './ports/store.ts';
import { cancelChange, coveredMs, doneChange, ReminderBook, setChange } from './reminder-book.ts';
import { ReminderRunner } from './reminder-runner.ts';
import {
  checkReminder,
  type Reminder,
  type ReminderInfo,
  type ReminderOrigin,
  type ReminderSetOrCancel,
} from './reminders.ts';

/** Length of what one due mark stands for. */
export const MINUTE_MS = 60_000;

export interface ActorRemindersOptions {
  readonly host: Host;
  readonly address: ActorAddress;
  readonly type: ActorType;
  readonly journal: () => Journal;
  /** Runs a call as a turn; has room beyond the bound of the mailbox. */
  readonly run: (call: Call) => void;
  readonly keepAwake: () => () => void;
}

export class ActorReminders {
  readonly #options: ActorRemindersOptions;
  readonly #book = new ReminderBook();
  readonly #runner: ReminderRunner;
  /** Minutes whose due mark this activation has written and nobody has dropped since. */
  readonly #marked = new Set<number>();
  /** The last write that says something about reminders. */
  #changedNo = 0;
  #settledNo = 0;
  #open = false;

  constructor(options: ActorRemindersOptions) {
    this.#options = options;
    const { host, address } = options;
    const { clock, limits } = host;
    this.#runner = new ReminderRunner({
      book: this.#book,
      clock,
      trials: host.due.trials,
      actor: `${address.kind}/${address.key}`,
      underWayMax: limits.remindersUnderWayMax,
      catchUpMax: limits.reminderCatchUpMax,
      // At least so long that a pass over the due marks is sure to come before the reminder.
      awakeMs: Math.max(limits.idleMsMax, 2 * MINUTE_MS),
      lateDelayMs: () => host.due.lateDelayMs(),
      start: (origin, sink) => this.#start(origin, sink),
      done: (origin) => this.#done(origin),
      refused: (reminder, error) => this.#log('warn', 'a reminder was refused for good', reminder, error),
      unfit: (reminder, error) =>
        this.#log('error', 'a reminder does not fit this release: it is kept', reminder, error),
      keepAwake: options.keepAwake,
    });
  }

  // ---- what is kept -----------------------------------------------------------------------------------------------

  restore(stored: readonly StoredReminder[]): void {
    this.#book.restore(stored);
  }

  /** Folds what a row that was read back carries. */
  fold(changes: readonly ReminderChange[]): void {
    this.#book.fold(changes);
  }

  snapshot(): StoredReminder[] {
    return this.#book.snapshot();
  }

  list(): ReminderInfo[] {
    return [...this.#book.all()].map(({ name, dueMs, everyMs, method }) => ({
      name,
      dueMs,
      everyMs,
      method,
    }));
  }

  // ---- with a record ----------------------------------------------------------------------------------------------

  /**
   * What a record that is about to be appended says about reminders; changes nothing.
   * @throws StarlingError INVALID_REQUEST, PAYLOAD_TOO_LARGE, OVERLOADED
   */
  changes(
    asked: readonly ReminderSetOrCancel[],
    origin: ReminderOrigin | undefined,
    traceparent = '',
  ): ReminderChange[] {
    const { host, type } = this.#options;
    const changes: ReminderChange[] = [];
    const present = new Map<string, boolean>();
    if (origin !== undefined) {
      const { reminder, dueMs } = origin;
      const untilMs = coveredMs(reminder, dueMs, host.clock.now());
      changes.push(doneChange(reminder.name, untilMs));
      if (reminder.everyMs === 0) present.set(reminder.name, false);
    }
    for (const one of asked) {
      if ('cancelled' in one) {
        changes.push(cancelChange(one.cancelled));
        present.set(one.cancelled, false);
        continue;
      }
      invariant(one.type.kind === type.kind, 'an actor reminds itself alone');
      checkReminder(one.set, host.limits);
      changes.push(setChange({ ...one.set, traceparent }));
      present.set(one.set.name, true);
    }
    this.#checkCount(present);
    return changes;
  }

  #checkCount(present: ReadonlyMap<string, boolean>): void {
    let more = 0;
    for (const [name, wanted] of present) {
      if (wanted !== (this.#book.get(name) !== undefined)) more += wanted ? 1 : -1;
    }
    if (more <= 0 || this.#book.count + more <= this.#options.host.limits.remindersMax) return;
    throw new StarlingError('OVERLOADED', 'Too many reminders are set.');
  }

  /** Whether any of these is due at once: then a takeover has to find the actor by its wake mark. */
  anyDue(changes: readonly ReminderChange[]): boolean {
    const now = this.#options.host.clock.now();
    return changes.some(({ change }) => change.case === 'set' && Number(change.value.dueMs) <= now);
  }

  /** The record has been appended. */
  appended(changes: readonly ReminderChange[]): void {
    if (changes.length === 0) return;
    this.#book.fold(changes);
    this.#changedNo = this.#options.journal().issued;
    for (const { change } of changes) {
      if (change.case === 'set' || change.case === 'done') this.#mark(change.value.name);
    }
    this.#runner.look();
  }

  /** N1. */
  #mark(name: string): void {
    const reminder = this.#book.get(name);
    if (reminder === undefined) return;
    const minuteMs = minuteOf(reminder.dueMs);
    if (this.#marked.has(minuteMs)) return;
    // Forgetting only costs a mark that is there already.
    if (this.#marked.size >= this.#options.host.limits.remindersMax) this.#marked.clear();
    this.#marked.add(minuteMs);
    this.#options.journal().markDue(minuteMs);
  }

  // ---- life -------------------------------------------------------------------------------------------------------

  /** The activation is open. */
  open(): void {
    this.#open = true;
    // A mark that a former owner's write brought late may have come after this node had looked for marks.
    if (this.#book.count > 0) this.markDurable(minuteOf(this.#book.firstDueMs));
    this.#runner.open();
  }

  /** Looks at the wall clock again. */
  look(): void {
    this.#runner.look();
  }

  /** A due mark of this minute is in the store. */
  markDurable(minuteMs: number): void {
    this.#options.host.due.marked(this.#options.address.shard, minuteMs);
  }

  /** All writes up to this number are durable and fence-checked. */
  settled(no: number): void {
    this.#settledNo = no;
  }

  /** Whether the due mark of a minute may go now (N2); then the actor writes another one when it needs it. */
  releaseMark(minuteMs: number): boolean {
    if (!this.#open || this.#changedNo > this.#settledNo) return false;
    if (this.#book.firstDueMs < minuteMs + MINUTE_MS) return false;
    this.#marked.delete(minuteMs);
    return true;
  }

  end(): void {
    this.#open = false;
    this.#runner.end();
  }

  // ---- calls ------------------------------------------------------------------------------------------------------

  /** The reminder of a call is no longer to be run: done, replaced or cancelled meanwhile. */
  seen({ reminder }: ReminderOrigin): boolean {
    return this.#book.get(reminder.name) !== reminder;
  }

  #start(origin: ReminderOrigin, sink: CallSink): void {
    const { host, type } = this.#options;
    const { method, request, traceparent } = origin.reminder;
    const known = type.methods[method];
    if (known === undefined) throw new StarlingError('METHOD_NOT_FOUND', `${type.kind}.${method}`);
    const message = fromBinary(known.input, request);
    // Nobody waits for the answer: the bound is there so that a handler which never answers is tried again.
    const waitMs = host.limits.callMsMax;
    const timer = host.clock.after(waitMs, () => call.reject(new StarlingError('DEADLINE_EXCEEDED')));
    const call: Call = new Call({
      type,
      key: this.#options.address.key,
      method: known,
      request: message,
      deadline: host.clock.monotonic() + waitMs,
      sink: {
        resolve: (value) => {
          timer.cancel();
          sink.resolve(value);
        },
        reject: (error, begun) => {
          timer.cancel();
          sink.reject(error, begun);
        },
      },
      origin,
      caller: this.#options.address,
      traceparent: traceparent === '' ? undefined : traceparent,
    });
    this.#options.run(call);
  }

  /** Done without a record: said by a checkpoint. */
  #done({ reminder, dueMs }: ReminderOrigin): void {
    const journal = this.#options.journal();
    this.#book.done(reminder.name, coveredMs(reminder, dueMs, this.#options.host.clock.now()));
    this.#mark(reminder.name);
    journal.requestCheckpoint();
    this.#changedNo = journal.issued;
    journal.issue();
  }

  #log(level: 'warn' | 'error', message: string, { name, method }: Reminder, error: unknown): void {
    const { kind, key } = this.#options.address;
    const { code, message: reason } = toStarlingError(error);
    this.#options.host.log(level, message, { kind, key, reminder: name, method, code, reason });
  }
}

/** The start of the minute of a time. */
export function minuteOf(ms: number): number {
  return ms - (ms % MINUTE_MS);
}
