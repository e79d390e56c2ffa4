// Rules 1 to 6 of the checker as far as timelines and devices go.

import { describe, type Findings, placeOf, type World } from './findings.ts';
import type { DeviceView, LogView, SummaryView, TimelineEntry, TimelineView } from './history.ts';

/** One user's timeline by itself, and against the logs. */
export function checkTimeline(
  timeline: TimelineView,
  logs: readonly LogView[],
  world: World,
  found: Findings,
): void {
  const user = timeline.userId;
  const seen = new Map<string, number>();
  const lastSeq = new Map<string, number>();
  let expected = timeline.afterUserSeq + 1;
  let time = 0;
  for (const entry of timeline.entries) {
    const where = `${user} user_seq ${entry.userSeq}`;
    if (entry.userSeq !== expected) found.add('userSeqGaps', `${where} stands where ${expected} is due`);
    expected = entry.userSeq + 1;
    if (entry.timeMs < time)
      found.add('orderViolations', `${where}: time runs back from ${time} to ${entry.timeMs}`);
    time = entry.timeMs;
    if (entry.messageId === '') continue;
    const before = seen.get(entry.messageId);
    if (before !== undefined)
      found.add('storedTwice', `${where}: ${entry.messageId} stood at user_seq ${before} already`);
    seen.set(entry.messageId, entry.userSeq);
    if ((lastSeq.get(entry.conversationId) ?? 0) > entry.conversationSeq)
      found.add('orderViolations', `${where}: ${describe(entry)} comes after a later one`);
    lastSeq.set(entry.conversationId, entry.conversationSeq);
    const row = world.rows.get(placeOf(entry.conversationId, entry.conversationSeq));
    if (row?.messageId !== entry.messageId || row.messageDigest !== entry.messageDigest)
      found.add('contentMismatch', `${where}: ${describe(entry)} is not what the log says`);
  }
  if (expected !== timeline.headUserSeq + 1)
    found.add(
      'userSeqGaps',
      `${user}: the timeline ends at ${expected - 1}, its head is ${timeline.headUserSeq}`,
    );
  for (const log of logs) checkDelivered(user, seen, log, world, found);
}

// Rules 1 and 3: a member has every row since it joined; nobody else has any.
function checkDelivered(
  user: string,
  seen: ReadonlyMap<string, number>,
  log: LogView,
  world: World,
  found: Findings,
): void {
  const joinSeq = log.members.find((member) => member.userId === user)?.joinSeq ?? Number.POSITIVE_INFINITY;
  for (const row of log.rows) {
    const due = row.conversationSeq >= joinSeq;
    if (due === seen.has(row.messageId)) continue;
    const what = `${row.messageId} at ${placeOf(log.conversationId, row.conversationSeq)}`;
    if (!due) found.add('contentMismatch', `${user} was given ${what} without being a member then`);
    else if (world.acked.has(row.messageId)) found.add('ackedLost', `${what} never reached ${user}`);
    else found.add('conversationSeqGaps', `${what} is missing in the timeline of ${user}`);
  }
}

/** What one device was given, against its user's timeline. */
export function checkDevice(device: DeviceView, timelines: readonly TimelineView[], found: Findings): void {
  const name = `${device.userId}/${device.deviceId}`;
  for (const reason of device.fullSyncs)
    found.add('deviceViewMismatch', `${name} was ordered a full sync (${reason})`);
  const timeline = timelines.find((view) => view.userId === device.userId);
  if (timeline === undefined) {
    found.add('deviceViewMismatch', `${name}: the timeline of its user was not read`);
    return;
  }
  const truth = new Map(timeline.entries.map((entry) => [entry.userSeq, entry]));
  let last = device.afterUserSeq;
  for (const entry of device.received) {
    if (entry.userSeq > last + 1)
      found.add('userSeqGaps', `${name} was given ${entry.userSeq} after ${last}`);
    last = Math.max(last, entry.userSeq);
    const due = truth.get(entry.userSeq);
    if (due === undefined || !sameEntry(due, entry))
      found.add(
        'deviceViewMismatch',
        `${name}: user_seq ${entry.userSeq} was ${describe(entry)}, is ${due === undefined ? 'gone' : describe(due)}`,
      );
  }
  if (last !== timeline.headUserSeq)
    found.add(
      'deviceViewMismatch',
      `${name} has got to user_seq ${last}, the head is ${timeline.headUserSeq}`,
    );
}

function sameEntry(one: TimelineEntry, other: TimelineEntry): boolean {
  return (
    one.messageId === other.messageId &&
    one.conversationId === other.conversationId &&
    one.conversationSeq === other.conversationSeq &&
    one.messageDigest === other.messageDigest &&
    one.timeMs === other.timeMs
  );
}

/** Every member's line in the list of conversations, against the log. */
export function checkSummaries(
  summaries: readonly SummaryView[],
  logs: readonly LogView[],
  found: Findings,
): void {
  const lines = new Map(summaries.map((line) => [`${line.userId} ${line.conversationId}`, line]));
  for (const log of logs) {
    for (const { userId, joinSeq } of log.members) {
      const where = `${userId}'s line of ${log.conversationId}`;
      const line = lines.get(`${userId} ${log.conversationId}`);
      const last = log.rows.at(-1);
      if (line === undefined || last === undefined) {
        found.add('deviceViewMismatch', `${where} is missing, or its log is empty`);
        continue;
      }
      if (line.lastSeq !== last.conversationSeq || line.lastMessageId !== last.messageId)
        found.add(
          'deviceViewMismatch',
          `${where} ends with ${line.lastMessageId} at ${line.lastSeq}, the log with ${last.messageId} at ${last.conversationSeq}`,
        );
      const unread = log.rows.filter(
        ({ conversationSeq, senderId }) =>
          conversationSeq > line.readSeq &&
          conversationSeq >= joinSeq &&
          senderId !== '' &&
          senderId !== userId,
      ).length;
      if (line.unreadCount !== unread)
        found.add('deviceViewMismatch', `${where} counts ${line.unreadCount} unread, there are ${unread}`);
    }
  }
}
