// Order, filter and rows of the conversation list. Pure.

import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { NotifyLevel } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ConversationType } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { previewText } from './content.ts';
import { type NameOf, peerOf, titleOf } from './names.ts';
import type { TimeFormat } from './time.ts';

/** One line of the list, ready to be shown. */
export interface ListRow {
  readonly id: string;
  readonly title: string;
  /** Gives the avatar its colour: the peer of a direct conversation, else the conversation. */
  readonly avatarId: string;
  readonly group: boolean;
  readonly preview: string;
  /** True: `preview` is unsent text of one's own. */
  readonly draft: boolean;
  readonly time: string;
  readonly unread: number;
  readonly pinned: boolean;
  readonly muted: boolean;
  /** False: read only. */
  readonly member: boolean;
}

export interface ListContext {
  readonly me: string;
  readonly nameOf: NameOf;
  readonly time: TimeFormat;
  readonly nowMs: number;
  /** Unsent text of a conversation; empty = none. */
  readonly draftOf: (conversationId: string) => string;
}

/**
 * Pinned before all, then the latest message first; the id decides between equals so that rows never jump.
 */
export function inOrder(conversations: Iterable<Conversation>): Conversation[] {
  return [...conversations].sort((a, b) => {
    const pinned = Number(b.settings?.pinned ?? false) - Number(a.settings?.pinned ?? false);
    if (pinned !== 0) return pinned;
    const [x, y] = [a.lastMessage?.createTimeMs ?? 0n, b.lastMessage?.createTimeMs ?? 0n];
    if (x !== y) return x < y ? 1 : -1;
    return a.conversationId < b.conversationId ? -1 : 1;
  });
}

/** True if every word of the filter is in the title, in an id of the two users, or in the last message. */
export function matches(row: ListRow, filter: string): boolean {
  const words = filter.toLocaleLowerCase().split(/\s+/u);
  const text = `${row.title}\n${row.avatarId}\n${row.preview}`.toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

/** Makes a line of the list. */
export function listRow(conversation: Conversation, context: ListContext): ListRow {
  const { me, nameOf } = context;
  const group = conversation.info?.type === ConversationType.GROUP;
  const draft = context.draftOf(conversation.conversationId);
  const last = conversation.lastMessage;
  return {
    id: conversation.conversationId,
    title: titleOf(conversation, me, nameOf),
    avatarId: peerOf(conversation, me) ?? conversation.conversationId,
    group,
    preview: draft === '' ? previewText(last, { me, group, nameOf }) : draft.replace(/\s+/gu, ' '),
    draft: draft !== '',
    time: context.time.listed(Number(last?.createTimeMs ?? 0n), context.nowMs),
    unread: Number(conversation.unreadCount),
    pinned: conversation.settings?.pinned ?? false,
    muted: isMuted(conversation),
    member: conversation.member,
  };
}

/** True: nothing of this conversation disturbs. */
export function isMuted(conversation: Conversation): boolean {
  return conversation.settings?.notifyLevel === NotifyLevel.NONE;
}

/** The direct conversation with a user, if there is one yet. */
export function findDirect(
  conversations: Iterable<Conversation>,
  me: string,
  userId: string,
): Conversation | undefined {
  for (const conversation of conversations) {
    if (peerOf(conversation, me) === userId) return conversation;
  }
  return undefined;
}

/** A count on a badge: more than 99 is "99+". */
export function badge(count: number | bigint): string {
  return count > 99 ? '99+' : String(count);
}

/** The title of the window: the unread total stands first, where a narrow tab still shows it. */
export function windowTitle(unread: bigint, chat: string): string {
  const where = chat === '' ? 'Starling' : `${chat} · Starling`;
  return unread > 0n ? `(${badge(unread)}) ${where}` : where;
}
