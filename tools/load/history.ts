// What a run looked like from outside. Owns: the shapes the checker reads. Does not own: how they are recorded.
//
// Everything here comes from the client API: what senders asked for and were told, what each device was given in the
// order it came, and what logs and timelines read like at the end. Digests stand for bytes: equal digests, equal bytes.

/** What an OK to a send said. */
export interface Answer {
  readonly messageId: string;
  readonly conversationId: string;
  readonly conversationSeq: number;
}

/** One message that a sender wanted sent, with all its repeats. */
export interface SendRecord {
  readonly senderId: string;
  readonly deviceId: string;
  readonly clientMessageId: string;
  /** One of the names of the log it is for. */
  readonly target: string;
  /** Place among the sends of this device; the conversation's log must keep it. */
  readonly order: number;
  readonly contentDigest: string;
  readonly replyToSeq: number;
  /** One per OK, from repeats too. Empty = the outcome is unknown or a refusal. */
  readonly answers: readonly Answer[];
  /** Reasons of answers that said "was not and will not be sent". */
  readonly refusals: readonly string[];
}

/** One row of a conversation's log, as read at the end. */
export interface LogRow {
  readonly conversationSeq: number;
  readonly messageId: string;
  /** Empty = written by the system. */
  readonly senderId: string;
  readonly clientMessageId: string;
  readonly contentDigest: string;
  /** Digest of the whole Message, the same for everyone who sees it. */
  readonly messageDigest: string;
  readonly replyToSeq: number;
  readonly createTimeMs: number;
  readonly contentCount: number;
}

/** A conversation's log from its first row to its last, as read at the end. */
export interface LogView {
  readonly conversationId: string;
  /** What senders call it: its id, and for a direct conversation `directName` of the two users. */
  readonly names: readonly string[];
  /** Who must have every row from `joinSeq` on. */
  readonly members: readonly { readonly userId: string; readonly joinSeq: number }[];
  readonly rows: readonly LogRow[];
}

/** One entry of a user's timeline. An entry that is no message has an empty `messageId` and `conversationSeq` 0. */
export interface TimelineEntry {
  readonly userSeq: number;
  readonly messageId: string;
  readonly conversationId: string;
  readonly conversationSeq: number;
  /** Digest of the Message, or of the entry where it is none. */
  readonly messageDigest: string;
  readonly timeMs: number;
}

/** A user's timeline, as read at the end. */
export interface TimelineView {
  readonly userId: string;
  /** Position before the first entry read; 0 = read from the start. */
  readonly afterUserSeq: number;
  /** Head that the server named in the last answer. */
  readonly headUserSeq: number;
  readonly entries: readonly TimelineEntry[];
}

/** What one device was given over all its streams and pulls. */
export interface DeviceView {
  readonly userId: string;
  readonly deviceId: string;
  /** Position of the cursor it started with. */
  readonly afterUserSeq: number;
  /** In the order of arrival; may hold repeats. */
  readonly received: readonly TimelineEntry[];
  /** Reasons of the full syncs it was ordered to do; none is due in a run whose cursors are sound. */
  readonly fullSyncs: readonly string[];
}

/** One line of a user's conversation list, as read at the end. */
export interface SummaryView {
  readonly userId: string;
  readonly conversationId: string;
  readonly lastSeq: number;
  /** Of the last message shown; empty = none is shown. */
  readonly lastMessageId: string;
  readonly readSeq: number;
  readonly unreadCount: number;
}

/** A whole run. */
export interface Histories {
  readonly sends: readonly SendRecord[];
  readonly logs: readonly LogView[];
  readonly timelines: readonly TimelineView[];
  readonly summaries: readonly SummaryView[];
  readonly devices: readonly DeviceView[];
}

/** The name of the direct conversation of two users. */
export function directName(one: string, other: string): string {
  return `direct:${[one, other].sort().join(',')}`;
}

/** The two users of a `directName`; empty for another name. */
export function usersOfDirect(name: string): readonly string[] {
  return name.startsWith('direct:') ? name.slice('direct:'.length).split(',') : [];
}
