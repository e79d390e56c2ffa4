// Reminders as authors write them: a delayed call of an actor's own contract to itself, set and cancelled with a record.
// Owns the shapes and what may be asked for. Does not own: when it runs (reminder-runner.ts) and what is kept
// (reminder-book.ts).

import { toBinary } from '@bufbuild/protobuf';
import { type ActorType, type OneWayClient, toMessage } from './actor-type.ts';
import { invalidRequest, StarlingError } from './errors.ts';

/** What a periodic reminder makes up for when several of its times have passed. */
export type CatchUp =
  /** One call for all of them; it is told the first. */
  | 'once'
  /** One call for each of them, in order, at most `reminderCatchUpMax`: older ones are let go. */
  | 'all'
  /** One call, for the last of them. */
  | 'skip';

/** A reminder as it is kept. */
export interface Reminder {
  readonly name: string;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly dueMs: number;
  /** 0 = once. */
  readonly everyMs: number;
  readonly catchUp: CatchUp;
  readonly method: string;
  readonly request: Uint8Array;
  /** W3C trace context of the turn that set it; empty = none. */
  readonly traceparent: string;
}

/** A reminder to set, to be handed over with a record. Made by `remind`. */
export interface ReminderSet {
  readonly type: ActorType;
  readonly set: Reminder;
}

/** A reminder that is no longer wanted, to be handed over with a record. Made by `cancelReminder`. */
export interface ReminderCancel {
  readonly cancelled: string;
}

/** A change of an actor's reminders. */
export type ReminderSetOrCancel = ReminderSet | ReminderCancel;

/** A reminder that is set. */
export interface ReminderInfo {
  readonly name: string;
  /** When it is due next, milliseconds since 1970-01-01 UTC. */
  readonly dueMs: number;
  /** 0 = once. */
  readonly everyMs: number;
  readonly method: string;
}

/** Says which reminder a call is. */
export interface ReminderOrigin {
  readonly type: 'reminder';
  /** The very reminder: another one of the same name is another. */
  readonly reminder: Reminder;
  /** The time it was due which this call is for. */
  readonly dueMs: number;
}

export interface RemindOptions {
  /** Names it among the reminders of the actor, 1 to 128 characters; one of the same name is replaced. */
  readonly name: string;
  /** When it is due, milliseconds since 1970-01-01 UTC; in the past = at once. */
  readonly atMs: number;
  /** Due again after this many milliseconds, at least `reminderEveryMsMin`. Default: once. */
  readonly everyMs?: number;
  /** Default `once`. */
  readonly catchUp?: CatchUp;
}

type ReminderClient<T extends ActorType> = {
  readonly [K in keyof OneWayClient<T['contract']>]: OneWayClient<T['contract']>[K] extends (
    request: infer R,
  ) => void
    ? (request: R) => ReminderSet
    : never;
};

const NAME_MAX = 128;
/** Far beyond every date, and twice it still fits the six bytes of a key. */
const TIME_MS_MAX = 2 ** 47 - 1;

/**
 * Makes a reminder: a durable call of the actor to itself. It exists iff the record that it is handed over with does, runs
 * at least once, and has its effect exactly once if its handler appends one record. Its answer is dropped; a passing error
 * (one with a retry advice or an unknown outcome) repeats it later, any other counts as done and is logged.
 * @example turn.append(record, { reminders: [remind(PacketActor, { name: 'expiry', atMs }).expire({})] })
 * @throws StarlingError INVALID_REQUEST
 */
export function remind<T extends ActorType>(type: T, options: RemindOptions): ReminderClient<T> {
  const { name, atMs, everyMs = 0, catchUp = 'once' } = options;
  if (name.length < 1 || name.length > NAME_MAX)
    throw invalidRequest('reminder.name', `must be 1 to ${NAME_MAX} characters`);
  checkTime('reminder.atMs', atMs);
  checkTime('reminder.everyMs', everyMs);
  return type.bind((method, request): ReminderSet => {
    const bytes = toBinary(method.input, toMessage(method.input, request));
    return {
      type,
      set: { name, dueMs: atMs, everyMs, catchUp, method: method.localName, request: bytes, traceparent: '' },
    };
  }) as ReminderClient<T>;
}

/**
 * Takes a reminder back; harmless where there is none of that name.
 * @example turn.append(record, { reminders: [cancelReminder('expiry')] })
 */
export function cancelReminder(name: string): ReminderCancel {
  return { cancelled: name };
}

function checkTime(field: string, ms: number): void {
  if (!Number.isSafeInteger(ms) || ms < 0 || ms > TIME_MS_MAX)
    throw invalidRequest(field, 'must be a whole number of milliseconds from 0 to 2^47 - 1');
}

/** What an actor may ask for at most. */
export interface ReminderBounds {
  readonly remindersMax: number;
  readonly reminderBytesMax: number;
  readonly reminderEveryMsMin: number;
}

/**
 * @throws StarlingError INVALID_REQUEST, PAYLOAD_TOO_LARGE
 */
export function checkReminder({ everyMs, request }: Reminder, bounds: ReminderBounds): void {
  const { reminderBytesMax, reminderEveryMsMin } = bounds;
  if (everyMs !== 0 && everyMs < reminderEveryMsMin)
    throw invalidRequest('reminder.everyMs', `must be at least ${reminderEveryMsMin}`);
  if (request.length > reminderBytesMax)
    throw new StarlingError('PAYLOAD_TOO_LARGE', `A reminder holds at most ${reminderBytesMax} bytes.`);
}
