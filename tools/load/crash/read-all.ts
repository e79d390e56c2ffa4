// Reads a whole system through the client API at the end of a run. Owns: paging through timelines and logs.

import { ConversationService } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ConversationType } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { MessageService } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { SyncService } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import type { Caller } from '../api.ts';
import { logRow, timelineEntry } from '../digest.ts';
import {
  directName,
  type LogRow,
  type LogView,
  type SummaryView,
  type TimelineEntry,
  type TimelineView,
} from '../history.ts';

/** A user's timeline from its first entry on. @throws CallFailure */
export async function readTimeline(
  caller: Caller,
  userId: string,
  incarnation: bigint,
): Promise<TimelineView> {
  const entries: TimelineEntry[] = [];
  let cursor = { timelineIncarnation: incarnation, userSeq: 0n, check: 0n };
  for (;;) {
    const answer = await caller.until(SyncService.method.pull, { cursor, pageSize: 500 });
    if (answer.fullSync !== undefined)
      throw new Error(`the timeline of ${userId} cannot be read on from user_seq ${cursor.userSeq}`);
    entries.push(...answer.deliveries.map(timelineEntry));
    if (answer.deliveries.length === 0)
      return { userId, afterUserSeq: 0, headUserSeq: Number(answer.headUserSeq), entries };
    if (answer.nextCursor === undefined) throw new Error('a pull has no next cursor');
    cursor = answer.nextCursor;
  }
}

/** A conversation a user sees: the line of the list, and the two users where it is a direct one. */
export interface SeenConversation extends SummaryView {
  readonly directUserIds: readonly string[];
}

/** All conversations of a user. */
export async function listConversations(caller: Caller, userId: string): Promise<SeenConversation[]> {
  const seen: SeenConversation[] = [];
  let pageToken = '';
  do {
    const page = await caller.until(ConversationService.method.listConversations, {
      pageSize: 100,
      pageToken,
    });
    for (const { conversationId, info, lastSeq, lastMessage, readSeq, unreadCount } of page.conversations)
      seen.push({
        userId,
        conversationId,
        lastSeq: Number(lastSeq),
        lastMessageId: lastMessage?.messageId ?? '',
        readSeq: Number(readSeq),
        unreadCount: Number(unreadCount),
        directUserIds: info?.type === ConversationType.DIRECT ? info.directUserIds : [],
      });
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return seen;
}

/** A conversation's log from its first row to its last, read as one of its members. */
export async function readLog(
  caller: Caller,
  conversation: SeenConversation,
  memberIds: readonly string[],
): Promise<LogView> {
  const { conversationId, directUserIds } = conversation;
  const rows: LogRow[] = [];
  let fromSeq = 1n;
  while (fromSeq !== 0n) {
    const page = await caller.until(MessageService.method.listMessages, {
      conversationId,
      fromSeq,
      pageSize: 200,
    });
    rows.push(...page.messages.map(logRow));
    fromSeq = page.nextSeq;
  }
  const [one, other] = directUserIds;
  return {
    conversationId,
    names:
      one === undefined || other === undefined ? [conversationId] : [conversationId, directName(one, other)],
    members: memberIds.map((userId) => ({ userId, joinSeq: 1 })),
    rows,
  };
}
