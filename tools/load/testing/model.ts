// A tiny model of a correct system that writes clean histories, for the checker's tests. Owns: histories that hold every
// rule. Does not own: faults (the tests put them in).

import assert from 'node:assert/strict';
import {
  type Answer,
  type DeviceView,
  directName,
  type Histories,
  type LogRow,
  type LogView,
  type SendRecord,
  type SummaryView,
  type TimelineEntry,
  type TimelineView,
} from '../history.ts';
import { Seeded } from '../seeded.ts';

/** Histories whose parts a test may change. */
export type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;

/** A clean run: three users, a group and a direct conversation, `sendCount` sends, repeats, system rows, two devices a user. */
export function cleanHistories(seed: number, sendCount: number): Mutable<Histories> {
  const random = new Seeded(seed);
  const users = ['ann', 'bob', 'cyd'];
  const members: Record<string, string[]> = { g1: users, d1: ['ann', 'bob'] };
  const logs = new Map<string, LogRow[]>([
    ['g1', []],
    ['d1', []],
  ]);
  const timelines = new Map<string, TimelineEntry[]>(users.map((user) => [user, []]));
  const sends: Mutable<SendRecord>[] = [];
  let clock = 1_000;
  const place = (
    conversationId: string,
    senderId: string,
    clientMessageId: string,
    digest: string,
  ): Answer => {
    const rows = logs.get(conversationId) ?? [];
    const conversationSeq = rows.length + 1;
    clock += random.below(3);
    const messageId = `m-${conversationId}-${conversationSeq}`;
    const contentCount = (rows.at(-1)?.contentCount ?? 0) + (senderId === '' ? 0 : 1);
    rows.push({
      conversationSeq,
      messageId,
      senderId,
      clientMessageId,
      contentDigest: digest,
      messageDigest: `whole-${messageId}-${digest}`,
      replyToSeq: 0,
      createTimeMs: clock,
      contentCount,
    });
    for (const user of members[conversationId] ?? []) {
      const entries = timelines.get(user) ?? [];
      entries.push({
        userSeq: entries.length + 1,
        messageId,
        conversationId,
        conversationSeq,
        messageDigest: `whole-${messageId}-${digest}`,
        timeMs: clock,
      });
    }
    return { messageId, conversationId, conversationSeq };
  };
  place('g1', '', '', 'created');
  place('d1', '', '', 'created');
  for (let n = 1; n <= sendCount; n += 1) {
    const conversationId = random.below(2) === 0 ? 'g1' : 'd1';
    const senderId = random.pick(members[conversationId] ?? []);
    const send = {
      senderId,
      deviceId: 'phone',
      clientMessageId: `c${n}`,
      target: conversationId === 'd1' ? directName('ann', 'bob') : conversationId,
      order: sends.filter((other) => other.senderId === senderId).length + 1,
      contentDigest: `body-${n}`,
      replyToSeq: 0,
    };
    const answer = place(conversationId, senderId, send.clientMessageId, send.contentDigest);
    sends.push({ ...send, answers: n % 10 === 0 ? [answer, { ...answer }] : [answer], refusals: [] });
  }
  // Views share no objects, so that a fault in one leaves the others clean.
  return separate({
    sends,
    logs: [...logs].map(
      ([conversationId, rows]): LogView => ({
        conversationId,
        names: conversationId === 'd1' ? [conversationId, directName('ann', 'bob')] : [conversationId],
        members: (members[conversationId] ?? []).map((userId) => ({ userId, joinSeq: 1 })),
        rows,
      }),
    ),
    timelines: users.map((userId): TimelineView => {
      const entries = timelines.get(userId) ?? [];
      return { userId, afterUserSeq: 0, headUserSeq: entries.length, entries };
    }),
    summaries: [...logs].flatMap(([conversationId, rows]) =>
      (members[conversationId] ?? []).map((userId) => summaryOf(userId, conversationId, rows)),
    ),
    devices: users.flatMap((userId) => devicesOf(userId, timelines.get(userId) ?? [])),
  });
}

// The first third is read.
function summaryOf(userId: string, conversationId: string, rows: readonly LogRow[]): SummaryView {
  const readSeq = Math.floor(rows.length / 3);
  const unread = rows.slice(readSeq).filter(({ senderId }) => senderId !== '' && senderId !== userId);
  return {
    userId,
    conversationId,
    lastSeq: rows.length,
    lastMessageId: rows.at(-1)?.messageId ?? '',
    readSeq,
    unreadCount: unread.length,
  };
}

function separate(histories: Histories): Mutable<Histories> {
  return JSON.parse(JSON.stringify(histories)) as Mutable<Histories>;
}

// One device that was there from the start and saw a repeat, one that came later.
function devicesOf(userId: string, entries: readonly TimelineEntry[]): DeviceView[] {
  const middle = Math.floor(entries.length / 2);
  const repeated = [...entries.slice(0, middle), ...entries.slice(Math.max(0, middle - 2))];
  return [
    { userId, deviceId: 'phone', afterUserSeq: 0, received: repeated, fullSyncs: [] },
    { userId, deviceId: 'web', afterUserSeq: middle, received: entries.slice(middle), fullSyncs: [] },
  ];
}

/** Picks an element and its index; the model writes histories in which every list that is asked for has one. */
export function any<T>(items: readonly T[], random: Seeded): { item: T; at: number } {
  const at = random.below(items.length);
  const item = items[at];
  assert.ok(item !== undefined);
  return { item, at };
}

/** The log with the most rows. */
export function longest<T extends { rows: unknown[] }>(logs: readonly T[]): T {
  const [first] = logs.toSorted((one, other) => other.rows.length - one.rows.length);
  assert.ok(first !== undefined);
  return first;
}
