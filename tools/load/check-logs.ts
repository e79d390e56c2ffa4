// Rules 1, 2, 4 and 5 of the checker as far as logs and answers go.

import { describe, type Findings, placeOf, sendKey, type World } from './findings.ts';
import type { LogRow, LogView, SendRecord } from './history.ts';

/** One log by itself, and against what was sent. */
export function checkLog(log: LogView, world: World, found: Findings): void {
  const id = log.conversationId;
  const lastOrder = new Map<string, number>();
  let expected = 1;
  let time = 0;
  let contentCount = 0;
  for (const row of log.rows) {
    const where = `${id} seq ${row.conversationSeq}`;
    if (row.conversationSeq !== expected)
      found.add('conversationSeqGaps', `${where} stands where ${expected} is due`);
    expected = row.conversationSeq + 1;
    if (row.createTimeMs < time)
      found.add('orderViolations', `${where}: time runs back from ${time} to ${row.createTimeMs}`);
    time = row.createTimeMs;
    if (row.replyToSeq >= row.conversationSeq)
      found.add('orderViolations', `${where} answers the later seq ${row.replyToSeq}`);
    contentCount += row.senderId === '' ? 0 : 1;
    if (row.contentCount !== contentCount) {
      found.add(
        'contentMismatch',
        `${where}: content_count is ${row.contentCount}, there are ${contentCount}`,
      );
      contentCount = row.contentCount;
    }
    if (row.senderId !== '') checkRowAgainstSend(row, log, world, lastOrder, found);
  }
}

function checkRowAgainstSend(
  row: LogRow,
  log: LogView,
  world: World,
  lastOrder: Map<string, number>,
  found: Findings,
): void {
  const where = `${log.conversationId} seq ${row.conversationSeq}`;
  const send = world.sends.get(sendKey(row));
  if (send === undefined) {
    found.add('contentMismatch', `${where}: ${sendKey(row)} was sent by nobody`);
    return;
  }
  if (send.contentDigest !== row.contentDigest || send.replyToSeq !== row.replyToSeq)
    found.add('contentMismatch', `${where}: ${sendKey(row)} does not say what was sent`);
  if (!log.names.includes(send.target))
    found.add('contentMismatch', `${where}: ${sendKey(row)} was sent to ${send.target}`);
  if (send.refusals.length > 0)
    found.add('contentMismatch', `${where}: ${sendKey(row)} was refused (${send.refusals[0]}) and stored`);
  const device = `${send.senderId}/${send.deviceId}`;
  const last = lastOrder.get(device) ?? 0;
  if (send.order < last)
    found.add('orderViolations', `${where}: send ${send.order} of ${device} stands after its send ${last}`);
  lastOrder.set(device, Math.max(last, send.order));
}

/** Rule 2 over all logs: neither a client id nor a message id may stand twice. */
export function checkRowsApart(logs: readonly LogView[], found: Findings): void {
  const places = new Map<string, string>();
  for (const log of logs) {
    for (const row of log.rows) {
      const place = placeOf(log.conversationId, row.conversationSeq);
      const names = [`message ${row.messageId}`];
      if (row.senderId !== '') names.push(`send ${sendKey(row)}`);
      for (const name of names) {
        const before = places.get(name);
        if (before !== undefined) found.add('storedTwice', `${name} stands at ${before} and at ${place}`);
        places.set(name, place);
      }
    }
  }
}

/** What a sender was told, against the logs. */
export function checkSend(send: SendRecord, world: World, found: Findings): void {
  const [first, ...others] = send.answers;
  if (first === undefined) return;
  const name = sendKey(send);
  for (const other of others) {
    if (
      other.messageId !== first.messageId ||
      other.conversationId !== first.conversationId ||
      other.conversationSeq !== first.conversationSeq
    )
      found.add('storedTwice', `${name} was answered ${describe(first)} and then ${describe(other)}`);
  }
  for (const answer of send.answers) {
    const row = world.rows.get(placeOf(answer.conversationId, answer.conversationSeq));
    if (row?.messageId === answer.messageId && sendKey(row) === name) continue;
    const places = world.placesOfSend.get(name) ?? [];
    const elsewhere = places.length > 0 ? `found at ${places.join(', ')}` : 'found nowhere';
    found.add('ackedLost', `${name} was acked as ${describe(answer)}, ${elsewhere}`);
    break;
  }
  if (send.refusals.length > 0)
    found.add(
      'ackedLost',
      `${name} was acked as ${describe(first)} and refused in a repeat (${send.refusals[0]})`,
    );
}
