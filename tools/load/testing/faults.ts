// Every single corruption of a clean history that the checker has to report, with the verdict that must fall.

import assert from 'node:assert/strict';
import type { Verdict } from '../findings.ts';
import type { Histories } from '../history.ts';
import type { Seeded } from '../seeded.ts';
import { any, longest, type Mutable } from './model.ts';

export type Fault = (histories: Mutable<Histories>, random: Seeded) => void;

/** Each corruption of sends, logs and timelines, and the verdict that must fall (others may fall as well). */
export const LOG_FAULTS: Readonly<Record<string, readonly [Verdict, Fault]>> = {
  'a log row is lost': [
    'ackedLost',
    (h, r) => {
      const { rows } = longest(h.logs);
      rows.splice(1 + r.below(rows.length - 1), 1);
    },
  ],
  'the last rows of a log are lost': [
    'ackedLost',
    (h) => {
      longest(h.logs).rows.pop();
    },
  ],
  'a whole log is lost': [
    'ackedLost',
    (h) => {
      longest(h.logs).rows.length = 0;
    },
  ],
  'an acked row never reaches a member': [
    'ackedLost',
    (h, r) => {
      const { item } = any(h.timelines, r);
      const { item: entry, at } = any(item.entries.slice(2), r);
      item.entries.splice(at + 2, 1);
      item.entries.forEach((other) => {
        if (other.userSeq > entry.userSeq) other.userSeq -= 1;
      });
      item.headUserSeq -= 1;
    },
  ],
  'an answer names another place': [
    'ackedLost',
    (h, r) => {
      const { item } = any(
        h.sends.filter((send) => send.answers.length === 1),
        r,
      );
      for (const answer of item.answers) answer.conversationSeq += 1;
    },
  ],
  'an acked send is refused in a repeat': [
    'ackedLost',
    (h, r) => {
      any(h.sends, r).item.refusals.push('SUPERSEDED');
    },
  ],
  'a repeat is answered with another id': [
    'storedTwice',
    (h, r) => {
      const answer = any(h.sends, r).item.answers;
      const [first] = answer;
      assert.ok(first !== undefined);
      answer.push({ ...first, messageId: 'other' });
    },
  ],
  'a send is stored twice': [
    'storedTwice',
    (h, r) => {
      const { rows } = longest(h.logs);
      const { item } = any(rows.slice(1), r);
      const last = rows.at(-1);
      assert.ok(last !== undefined);
      rows.push({
        ...item,
        conversationSeq: last.conversationSeq + 1,
        messageId: 'again',
        createTimeMs: last.createTimeMs,
        contentCount: last.contentCount + 1,
      });
    },
  ],
  'a message id stands in two rows': [
    'storedTwice',
    (h, r) => {
      const { rows } = longest(h.logs);
      const { at } = any(rows.slice(1), r);
      const one = rows[at];
      const next = rows[at + 1];
      assert.ok(one !== undefined && next !== undefined);
      next.messageId = one.messageId;
    },
  ],
  'a timeline holds a message twice': [
    'storedTwice',
    (h, r) => {
      const { item } = any(h.timelines, r);
      const { item: entry } = any(item.entries, r);
      item.headUserSeq += 1;
      const timeMs = item.entries.at(-1)?.timeMs ?? 0;
      item.entries.push({ ...entry, userSeq: item.headUserSeq, timeMs });
    },
  ],
  'a user_seq is left out': [
    'userSeqGaps',
    (h, r) => {
      const { item } = any(h.timelines, r);
      const from = r.below(item.entries.length);
      for (const entry of item.entries.slice(from)) entry.userSeq += 1;
      item.headUserSeq += 1;
    },
  ],
  'a user_seq stands twice': [
    'userSeqGaps',
    (h, r) => {
      const { item } = any(h.timelines, r);
      const { item: entry, at } = any(item.entries, r);
      item.entries.splice(at, 0, { ...entry });
    },
  ],
  'the head is beyond the last entry': [
    'userSeqGaps',
    (h, r) => {
      any(h.timelines, r).item.headUserSeq += 1;
    },
  ],
  'a device is given an entry after a hole': [
    'userSeqGaps',
    (h, r) => {
      const { item } = any(
        h.devices.filter((device) => device.deviceId === 'web'),
        r,
      );
      item.received.splice(r.below(item.received.length - 1), 1);
    },
  ],
  'a conversation_seq is left out': [
    'conversationSeqGaps',
    (h, r) => {
      const { rows } = longest(h.logs);
      for (const row of rows.slice(r.below(rows.length))) row.conversationSeq += 1;
    },
  ],
  'two rows of a log are swapped': [
    'conversationSeqGaps',
    (h, r) => {
      const { rows } = longest(h.logs);
      const { item, at } = any(rows.slice(1), r);
      rows.splice(at + 1, 1);
      rows.splice(at, 0, item);
    },
  ],
  'a row that was never acked is missing for a member': [
    'conversationSeqGaps',
    (h, r) => {
      const { item } = any(h.timelines, r);
      const entry = item.entries.at(-1);
      assert.ok(entry !== undefined);
      item.entries.pop();
      item.headUserSeq -= 1;
      for (const send of h.sends) {
        if (send.answers[0]?.messageId === entry.messageId) send.answers.length = 0;
      }
    },
  ],
  'the order of a device is broken': [
    'orderViolations',
    (h, r) => {
      const { rows } = longest(h.logs);
      const { senderId } = any(
        rows.filter((row) => row.senderId !== ''),
        r,
      ).item;
      const mine = h.sends.filter((send) => send.senderId === senderId);
      const stored = mine.filter((send) => rows.some((row) => row.clientMessageId === send.clientMessageId));
      const [one, other] = stored;
      if (one === undefined || other === undefined) {
        for (const row of rows) row.createTimeMs = 1_000_000 - row.conversationSeq;
        return;
      }
      [one.order, other.order] = [other.order, one.order];
    },
  ],
  'time runs back in a log': [
    'orderViolations',
    (h, r) => {
      const { rows } = longest(h.logs);
      const { item } = any(rows.slice(1), r);
      item.createTimeMs = 1;
    },
  ],
  'time runs back in a timeline': [
    'orderViolations',
    (h, r) => {
      any(any(h.timelines, r).item.entries.slice(1), r).item.timeMs = 1;
    },
  ],
  'two entries of a conversation are swapped in a timeline': [
    'orderViolations',
    (h, r) => {
      const { entries } = any(h.timelines, r).item;
      const mine = entries.filter((entry) => entry.conversationId === 'g1');
      const [one, other] = [mine[0], mine.at(-1)];
      assert.ok(one !== undefined && other !== undefined && one !== other);
      [one.conversationSeq, other.conversationSeq] = [other.conversationSeq, one.conversationSeq];
      [one.messageId, other.messageId] = [other.messageId, one.messageId];
    },
  ],
  'a reply stands before what it answers': [
    'orderViolations',
    (h, r) => {
      const { item } = any(longest(h.logs).rows, r);
      item.replyToSeq = item.conversationSeq + r.below(3);
    },
  ],
  'a row says something else': [
    'contentMismatch',
    (h, r) => {
      any(longest(h.logs).rows.slice(1), r).item.contentDigest = 'forged';
    },
  ],
  "a row is nobody's": [
    'contentMismatch',
    (h, r) => {
      any(longest(h.logs).rows.slice(1), r).item.clientMessageId = 'nobody';
    },
  ],
  'a reply points elsewhere': [
    'contentMismatch',
    (h, r) => {
      any(h.sends, r).item.replyToSeq = 1;
    },
  ],
  'a send lands in another conversation': [
    'contentMismatch',
    (h, r) => {
      any(h.sends, r).item.target = 'elsewhere';
    },
  ],
  'unread would be wrong': [
    'contentMismatch',
    (h, r) => {
      any(longest(h.logs).rows, r).item.contentCount += 1;
    },
  ],
  'a refused send is stored': [
    'contentMismatch',
    (h, r) => {
      const { item } = any(h.sends, r);
      item.answers.length = 0;
      item.refusals.push('OVERLOADED');
    },
  ],
  'members see different bytes': [
    'contentMismatch',
    (h, r) => {
      any(any(h.timelines, r).item.entries, r).item.messageDigest = 'other';
    },
  ],
  'a stranger is given a message': [
    'contentMismatch',
    (h) => {
      const log = longest(h.logs);
      log.members = log.members.slice(1);
    },
  ],
};
