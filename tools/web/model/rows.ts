// The lines of a chat: what stands between and beside messages. Pure.

import type { Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { LocalSendState, OutgoingMessage } from '../../sdk/api.ts';
import { controlText, isEmojiOnly, isSpoken, spokenText } from './content.ts';
import type { NameOf } from './names.ts';
import type { TimeFormat } from './time.ts';

/** Messages of one sender closer together than this are shown as one block. Milliseconds. */
const blockGapMs = 5 * 60_000;

/** A line between days. */
export interface DayRow {
  readonly kind: 'day';
  readonly key: string;
  readonly text: string;
}

/** The line above the first unread message. */
export interface UnreadRow {
  readonly kind: 'unread';
  readonly key: string;
}

/** What happened to the conversation. */
export interface ControlRow {
  readonly kind: 'control';
  readonly key: string;
  readonly text: string;
}

/** What a person said. */
export interface BubbleRow {
  readonly kind: 'bubble';
  readonly key: string;
  readonly senderId: string;
  readonly own: boolean;
  readonly text: string;
  readonly big: boolean;
  readonly time: string;
  readonly fullTime: string;
  readonly timeMs: number;
  /** First and last of a block by one sender: name and avatar, and the bubble's tail. */
  readonly first: boolean;
  readonly last: boolean;
  /** Of one's own messages only. */
  readonly state: LocalSendState | undefined;
  /** Of one's own messages only; what `resend` takes. */
  readonly clientMessageId: string;
  /** Reason code where failed. */
  readonly error: string;
}

export type Row = DayRow | UnreadRow | ControlRow | BubbleRow;

export interface RowsInput {
  readonly entries: readonly Message[];
  readonly outgoing: readonly OutgoingMessage[];
  readonly me: string;
  readonly nameOf: NameOf;
  readonly time: TimeFormat;
  readonly nowMs: number;
  /** Above which entry the unread line stands; 0 = nowhere. */
  readonly unreadFromSeq: bigint;
}

/**
 * Makes all lines, oldest first. What is on its way stands at the end, and is left out once the log holds it.
 */
export function buildRows(input: RowsInput): Row[] {
  const rows: Row[] = [];
  let day = '';
  const dayLine = (ms: number): void => {
    const key = input.time.dayKey(ms);
    if (key === day) return;
    day = key;
    rows.push({ kind: 'day', key: `day:${key}`, text: input.time.day(ms, input.nowMs) });
  };
  const placed = new Set<string>();
  for (const message of input.entries) {
    dayLine(Number(message.createTimeMs));
    if (message.conversationSeq === input.unreadFromSeq) rows.push({ kind: 'unread', key: 'unread' });
    if (message.senderId === input.me) placed.add(message.clientMessageId);
    rows.push(isSpoken(message.content) ? placedBubble(message, input) : controlRow(message, input));
  }
  // What was written before the last entry but is not in the log yet (it failed, say) belongs to the day of
  // its place.
  const lastMs = Number(input.entries.at(-1)?.createTimeMs ?? 0n);
  for (const outgoing of input.outgoing) {
    if (placed.has(outgoing.clientMessageId)) continue;
    dayLine(Math.max(outgoing.createdAtMs, lastMs));
    rows.push(outgoingBubble(outgoing, input));
  }
  return inBlocks(rows);
}

function controlRow(message: Message, { me, nameOf }: RowsInput): ControlRow {
  return {
    kind: 'control',
    key: `seq:${message.conversationSeq}`,
    text: controlText(message.content, me, nameOf),
  };
}

function placedBubble(message: Message, input: RowsInput): BubbleRow {
  const own = message.senderId === input.me;
  return {
    // A message of one's own keeps its key when it gets its place, so that the line stays the same element.
    ...(own && message.clientMessageId !== ''
      ? { key: `own:${message.clientMessageId}` }
      : { key: `seq:${message.conversationSeq}` }),
    ...bubble(spokenText(message.content), Number(message.createTimeMs), input),
    senderId: message.senderId,
    own,
    state: own ? 'sent' : undefined,
    clientMessageId: message.clientMessageId,
    error: '',
  };
}

function outgoingBubble(outgoing: OutgoingMessage, input: RowsInput): BubbleRow {
  return {
    key: `own:${outgoing.clientMessageId}`,
    ...bubble(spokenText(outgoing.content), outgoing.createdAtMs, input),
    senderId: input.me,
    own: true,
    state: outgoing.state,
    clientMessageId: outgoing.clientMessageId,
    error: outgoing.error,
  };
}

function bubble(text: string, timeMs: number, { time }: RowsInput) {
  return {
    kind: 'bubble',
    text,
    big: isEmojiOnly(text),
    time: time.clock(timeMs),
    fullTime: time.full(timeMs),
    timeMs,
    first: true,
    last: true,
  } as const;
}

/** Marks where a block of one sender begins and ends. */
function inBlocks(rows: readonly Row[]): Row[] {
  return rows.map((row, at) => {
    if (row.kind !== 'bubble') return row;
    return { ...row, first: !sameBlock(rows[at - 1], row), last: !sameBlock(row, rows[at + 1]) };
  });
}

function sameBlock(a: Row | undefined, b: Row | undefined): boolean {
  if (a?.kind !== 'bubble' || b?.kind !== 'bubble') return false;
  return a.senderId === b.senderId && b.timeMs - a.timeMs < blockGapMs;
}
