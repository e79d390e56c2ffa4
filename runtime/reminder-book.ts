// What an actor is to be reminded of: a fold of its rows over its checkpoint. Pure: no clock, no timers, no I/O.
//
// B1  The book is a function of the checkpoint and the rows after it. So a reminder exists iff the row that set it does, and
//     is done iff the row or the checkpoint that says so is durable.
// B2  A word that a reminder is done takes that very one: one that replaced it stays.
// B3  A periodic reminder stays on its raster: every time it is due is the first one plus a multiple of its period.

import { create } from '@bufbuild/protobuf';
import {
  ReminderCatchUp,
  type ReminderChange,
  ReminderChangeSchema,
  type StoredReminder,
  StoredReminderSchema,
} from '../proto/gen/starling/actor/v1/stored_pb.ts';
import type { CatchUp, Reminder } from './reminders.ts';

/** The reminders of one actor, by name. */
export class ReminderBook {
  readonly #byName = new Map<string, Reminder>();

  get count(): number {
    return this.#byName.size;
  }

  get(name: string): Reminder | undefined {
    return this.#byName.get(name);
  }

  all(): Iterable<Reminder> {
    return this.#byName.values();
  }

  /** When the first of them is due; Infinity where there is none. */
  get firstDueMs(): number {
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#byName.values()) firstMs = Math.min(firstMs, dueMs);
    return firstMs;
  }

  fold(changes: readonly ReminderChange[]): void {
    for (const { change } of changes) {
      if (change.case === 'set') this.#byName.set(change.value.name, fromStored(change.value));
      else if (change.case === 'cancelled') this.#byName.delete(change.value);
      else if (change.case === 'done') this.done(change.value.name, Number(change.value.dueMs));
    }
  }

  /** A reminder has had its effect for the time `dueMs`, and for all before it. */
  done(name: string, dueMs: number): void {
    const reminder = this.#byName.get(name);
    if (reminder === undefined || dueMs < reminder.dueMs) return;
    if (reminder.everyMs === 0) {
      if (dueMs === reminder.dueMs) this.#byName.delete(name);
    } else if ((dueMs - reminder.dueMs) % reminder.everyMs === 0) {
      this.#byName.set(name, { ...reminder, dueMs: dueMs + reminder.everyMs });
    }
  }

  restore(stored: readonly StoredReminder[]): void {
    for (const one of stored) this.#byName.set(one.name, fromStored(one));
  }

  snapshot(): StoredReminder[] {
    return [...this.#byName.values()].map(toStored);
  }
}

/** The time that a call is for which is made now: of several that have passed, the one the policy names. */
export function calledMs(reminder: Reminder, nowMs: number, catchUpMax: number): number {
  const { dueMs, everyMs, catchUp } = reminder;
  const passed = passedTimes(reminder, nowMs);
  if (catchUp === 'skip') return dueMs + passed * everyMs;
  if (catchUp === 'all') return dueMs + Math.max(0, passed + 1 - catchUpMax) * everyMs;
  return dueMs;
}

/** The last time that is done with once the call for the time `forMs` has ended. */
export function coveredMs(reminder: Reminder, forMs: number, nowMs: number): number {
  if (reminder.catchUp === 'all') return forMs;
  return Math.max(forMs, reminder.dueMs + passedTimes(reminder, nowMs) * reminder.everyMs);
}

/** How often a periodic reminder has been due after its next time. */
function passedTimes({ dueMs, everyMs }: Reminder, nowMs: number): number {
  return everyMs === 0 || nowMs <= dueMs ? 0 : Math.floor((nowMs - dueMs) / everyMs);
}

export function setChange(reminder: Reminder): ReminderChange {
  return create(ReminderChangeSchema, { change: { case: 'set', value: toStored(reminder) } });
}

export function cancelChange(name: string): ReminderChange {
  return create(ReminderChangeSchema, { change: { case: 'cancelled', value: name } });
}

export function doneChange(name: string, dueMs: number): ReminderChange {
  return create(ReminderChangeSchema, { change: { case: 'done', value: { name, dueMs: BigInt(dueMs) } } });
}

function toStored({ name, dueMs, everyMs, catchUp, method, request, traceparent }: Reminder): StoredReminder {
  return create(StoredReminderSchema, {
    name,
    dueMs: BigInt(dueMs),
    everyMs: BigInt(everyMs),
    catchUp: STORED_CATCH_UP[catchUp],
    method,
    request,
    traceparent,
  });
}

function fromStored({
  name,
  dueMs,
  everyMs,
  catchUp,
  method,
  request,
  traceparent,
}: StoredReminder): Reminder {
  return {
    name,
    dueMs: Number(dueMs),
    everyMs: Number(everyMs),
    catchUp: catchUpOf(catchUp),
    method,
    // A view of the row or checkpoint would keep all of it in memory.
    request: new Uint8Array(request),
    traceparent,
  };
}

const STORED_CATCH_UP: Readonly<Record<CatchUp, ReminderCatchUp>> = {
  once: ReminderCatchUp.ONCE,
  all: ReminderCatchUp.ALL,
  skip: ReminderCatchUp.SKIP,
};

/** A policy of a later release is read as the default. */
function catchUpOf(stored: ReminderCatchUp): CatchUp {
  if (stored === ReminderCatchUp.ALL) return 'all';
  return stored === ReminderCatchUp.SKIP ? 'skip' : 'once';
}
