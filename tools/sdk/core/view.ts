// How one delivery changes the summary of its conversation, exactly as the server computes it. Pure.

import { create } from '@bufbuild/protobuf';
import {
  type Conversation,
  ConversationSchema,
  NotifyLevel,
} from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { Delivery } from '../../../proto/gen/starling/im/v1/sync_pb.ts';

/** `unknown`: the delivery does not suffice to make the summary; ask GetConversation. */
export type Folded = Conversation | 'unchanged' | 'unknown';

/** The conversation that a delivery is about; empty for a kind of entry that this SDK does not know. */
export function conversationIdOf(delivery: Delivery): string {
  switch (delivery.entry.case) {
    case 'message':
      return delivery.entry.value.conversationId;
    case 'conversationChange':
      return delivery.entry.value.conversation?.conversationId ?? '';
    default:
      return '';
  }
}

/** The summary after `delivery`, for the user `self`. Does not change `view`. */
export function fold(view: Conversation | undefined, delivery: Delivery, self: string): Folded {
  switch (delivery.entry.case) {
    case 'message':
      return foldMessage(view, delivery.entry.value, self);
    case 'conversationChange': {
      const changed = delivery.entry.value.conversation;
      if (changed === undefined) return 'unchanged';
      if (changed.lastMessage !== undefined || changed.lastSeq === 0n) return changed;
      if (view === undefined) return 'unknown';
      return view.lastMessage === undefined ? changed : { ...changed, lastMessage: view.lastMessage };
    }
    default:
      return 'unchanged';
  }
}

function foldMessage(view: Conversation | undefined, message: Message, self: string): Folded {
  const body = message.content?.body;
  const change = body?.case === 'membersChanged' ? body.value : undefined;
  const joins = change?.joinedUserIds.includes(self) ?? false;
  if (view === undefined && !joins) return 'unknown';
  // Already in the summary: a rebuild's later pages are newer than the cursor that its first page pinned.
  if (view !== undefined && message.conversationSeq <= view.lastSeq) return 'unchanged';
  const { conversationId, conversationSeq, contentCount } = message;
  const base = view ?? create(ConversationSchema, { conversationId });
  const next: Conversation = { ...base, lastMessage: message, lastSeq: conversationSeq };
  const info = body?.case === 'groupChanged' ? body.value.info : change?.info;
  if (info !== undefined) next.info = info;
  if (change !== undefined && change.memberCount > 0) next.memberCount = change.memberCount;
  if (joins) {
    next.member = true;
    next.firstReadableSeq = conversationSeq;
  }
  if (change?.leftUserIds.includes(self)) next.member = false;
  // What one says oneself, and what was there when one came, is read.
  if (joins || message.senderId === self) {
    next.readSeq = conversationSeq;
    next.readContentCount = contentCount;
  }
  const unread = contentCount - next.readContentCount;
  next.unreadCount = unread > 0n ? unread : 0n;
  return next;
}

/** What a conversation adds to the total of unread. */
export function unreadOf(view: Conversation): bigint {
  return view.settings?.notifyLevel === NotifyLevel.NONE ? 0n : view.unreadCount;
}

/** Order of the list: pinned before all, then the latest message first, then by id. */
export function compareConversations(a: Conversation, b: Conversation): number {
  const pinned = Number(b.settings?.pinned ?? false) - Number(a.settings?.pinned ?? false);
  if (pinned !== 0) return pinned;
  const times = (b.lastMessage?.createTimeMs ?? 0n) - (a.lastMessage?.createTimeMs ?? 0n);
  if (times !== 0n) return times < 0n ? -1 : 1;
  return a.conversationId < b.conversationId ? -1 : 1;
}
