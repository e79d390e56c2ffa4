// The rows that a user's actor appends. Pure.

import { create, toBinary } from '@bufbuild/protobuf';
import type { LogEntry } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { Conversation } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { type SendOutcome, SendOutcomeSchema } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { ConversationChangeSchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { changeDelivery, outcomeDelivery, withTime } from '../delivery.ts';
import { hash64 } from '../ids.ts';
import { deliveryOf, sharedRow } from '../shared-row.ts';
import type { UserRow } from './record.ts';
import { summaryChangeOf } from './summary.ts';

export interface DeliveredRowOptions {
  readonly conversationId: string;
  readonly joinSeq: number;
  readonly entry: LogEntry;
  /** Whose timeline it is. */
  readonly userId: string;
  /** Time of the row before: a row's time is never earlier (rule 19). */
  readonly lastTimeMs: number;
}

/** The row of an entry of a conversation's log. */
export function deliveredRow(options: DeliveredRowOptions): UserRow {
  const { conversationId, joinSeq, entry, userId, lastTimeMs } = options;
  const { conversationSeq, contentCount } = entry;
  const createTimeMs = Number(entry.createTimeMs);
  const timeMs = Math.max(createTimeMs, lastTimeMs);
  let shared = entry.row;
  if (timeMs > createTimeMs) {
    const delivery = withTime(deliveryOf(shared), BigInt(timeMs));
    shared = sharedRow({ delivery, conversationId, conversationSeq, contentCount, timeMs: BigInt(timeMs) });
  }
  return {
    shared,
    conversationId,
    conversationSeq: Number(conversationSeq),
    joinSeq,
    contentCount: Number(contentCount),
    own: entry.senderId === userId,
    summaryChange: summaryChangeOf(entry, userId),
    changed: undefined,
    timeMs,
  };
}

/** The row of a change of the user's own view; `userSeq` makes its check its own. */
export function changedRow(view: Conversation, userSeq: number, timeMs: number): UserRow {
  const change = toBinary(ConversationChangeSchema, create(ConversationChangeSchema, { conversation: view }));
  const check = hash64(change, Buffer.from(String(userSeq)));
  const delivery = changeDelivery(check, BigInt(timeMs), change);
  return {
    shared: sharedRow({ delivery, changed: view, timeMs: BigInt(timeMs) }),
    conversationId: '',
    conversationSeq: 0,
    joinSeq: 0,
    contentCount: 0,
    own: false,
    summaryChange: undefined,
    changed: view,
    timeMs,
  };
}

/** The row of what became of a send that was accepted; `userSeq` makes its check its own. */
export function outcomeRow(outcome: SendOutcome, userSeq: number, timeMs: number): UserRow {
  const bytes = toBinary(SendOutcomeSchema, outcome);
  const check = hash64(bytes, Buffer.from(String(userSeq)));
  return {
    shared: sharedRow({
      delivery: outcomeDelivery(check, BigInt(timeMs), bytes),
      sendOutcome: true,
      timeMs: BigInt(timeMs),
    }),
    conversationId: '',
    conversationSeq: 0,
    joinSeq: 0,
    contentCount: 0,
    own: false,
    summaryChange: undefined,
    changed: undefined,
    outcome,
    timeMs,
  };
}
