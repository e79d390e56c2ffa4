// The part of a conversation's log that is held in memory. Pure.
// Invariants:
// 1. Entries ascend by conversation_seq, none twice.
// 2. At most `entriesMax` entries are held: what is added at one end is dropped at the other.

import type { Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';

/** Entries held at most; further ones are read again when scrolled to. */
export const entriesMax = 600;

/** Entries asked for at once. */
export const pageEntries = 50;

export interface LogWindow {
  readonly entries: readonly Message[];
  /** True: newer entries were dropped, so news is not appended but read when scrolled to. */
  readonly detached: boolean;
}

/** Nothing read yet. */
export const emptyWindow: LogWindow = { entries: [], detached: false };

/** Both lists in one, ascending, each entry once; of two with the same seq the later given one stays. */
export function merge(entries: readonly Message[], added: readonly Message[]): Message[] {
  if (added.length === 0) return [...entries];
  const last = entries.at(-1);
  const first = added[0];
  const follows = last === undefined || (first !== undefined && first.conversationSeq > last.conversationSeq);
  if (follows && isAscending(added)) return [...entries, ...added];
  const bySeq = new Map<bigint, Message>();
  for (const message of entries) bySeq.set(message.conversationSeq, message);
  for (const message of added) bySeq.set(message.conversationSeq, message);
  return [...bySeq.values()].sort((a, b) => (a.conversationSeq < b.conversationSeq ? -1 : 1));
}

function isAscending(messages: readonly Message[]): boolean {
  return messages.every((message, at) => {
    const before = messages[at - 1];
    return before === undefined || before.conversationSeq < message.conversationSeq;
  });
}

/** Takes entries that were pushed. A detached window stays as it is: they do not join its end. */
export function withNews(window: LogWindow, added: readonly Message[]): LogWindow {
  if (window.detached) return window;
  const entries = merge(window.entries, added);
  return { entries: entries.slice(-entriesMax), detached: false };
}

/** Takes a page of older entries; the newest ones go where there are too many. */
export function withOlder(window: LogWindow, older: readonly Message[]): LogWindow {
  const entries = merge(window.entries, older);
  if (entries.length <= entriesMax) return { ...window, entries };
  return { entries: entries.slice(0, entriesMax), detached: true };
}

/** Takes a page of newer entries; it is attached again once the log's last entry is held. */
export function withNewer(window: LogWindow, newer: readonly Message[], lastSeq: bigint): LogWindow {
  const entries = merge(window.entries, newer).slice(-entriesMax);
  const held = entries.at(-1)?.conversationSeq ?? 0n;
  return { entries, detached: newer.length > 0 && held < lastSeq };
}

/** The first entry of content, by someone else, after the position read; 0 = none is held. */
export function firstUnread(entries: readonly Message[], readSeq: bigint, me: string): bigint {
  const found = entries.find((message) => {
    const spoken = message.content?.body.case === 'text' || message.content?.body.case === 'custom';
    return message.conversationSeq > readSeq && message.senderId !== me && spoken;
  });
  return found?.conversationSeq ?? 0n;
}
