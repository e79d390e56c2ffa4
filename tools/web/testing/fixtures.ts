// Short ways to make messages and summaries.

import { create } from '@bufbuild/protobuf';
import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ConversationSchema, NotifyLevel } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Content, Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import {
  ContentSchema,
  ConversationType,
  type MembersChanged,
  MembersChangedSchema,
  MessageSchema,
} from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { OutgoingMessage } from '../../sdk/api.ts';

/** Noon of 1 November 2026, UTC. */
const baseMs = Date.UTC(2026, 10, 1, 12);

export interface TextFields {
  readonly conversationId?: string;
  readonly clientMessageId?: string;
  readonly timeMs?: number;
}

/** A text message. Its time is its seq in minutes after noon, unless given. */
export function text(seq: number, senderId: string, said: string, fields: TextFields = {}): Message {
  return create(MessageSchema, {
    messageId: `m${seq}`,
    conversationId: fields.conversationId ?? 'c1',
    conversationSeq: BigInt(seq),
    senderId,
    clientMessageId: fields.clientMessageId ?? `${senderId}-${seq}`,
    createTimeMs: BigInt(fields.timeMs ?? baseMs + seq * 60_000),
    contentCount: BigInt(seq),
    content: textContent(said),
  });
}

/** The content of a text message. */
export function textContent(said: string): Content {
  return create(ContentSchema, { body: { case: 'text', value: { text: said } } });
}

/** A control entry about members. */
export function control(
  seq: number,
  fields: Partial<Omit<MembersChanged, '$typeName' | '$unknown'>>,
): Message {
  return create(MessageSchema, {
    messageId: `m${seq}`,
    conversationId: 'c1',
    conversationSeq: BigInt(seq),
    createTimeMs: BigInt(baseMs + seq * 60_000),
    content: { body: { case: 'membersChanged', value: create(MembersChangedSchema, fields) } },
  });
}

export interface SummaryFields {
  readonly last?: Message;
  readonly readSeq?: number;
  readonly unread?: number;
  readonly pinned?: boolean;
  readonly muted?: boolean;
  readonly draft?: string;
  readonly name?: string;
}

/** The summary of a direct conversation. */
export function conversation(
  id: string,
  users: readonly [string, string],
  fields: SummaryFields = {},
): Conversation {
  return summary(id, fields, { type: ConversationType.DIRECT, name: '', directUserIds: [...users] });
}

/** The summary of a group. */
export function groupConversation(id: string, fields: SummaryFields = {}): Conversation {
  return summary(id, fields, { type: ConversationType.GROUP, name: fields.name ?? id, directUserIds: [] });
}

function summary(
  id: string,
  fields: SummaryFields,
  info: { type: ConversationType; name: string; directUserIds: string[] },
): Conversation {
  return create(ConversationSchema, {
    conversationId: id,
    info,
    ...(fields.last === undefined ? {} : { lastMessage: fields.last }),
    lastSeq: fields.last?.conversationSeq ?? 0n,
    readSeq: BigInt(fields.readSeq ?? 0),
    unreadCount: BigInt(fields.unread ?? 0),
    settings: {
      pinned: fields.pinned ?? false,
      notifyLevel: fields.muted === true ? NotifyLevel.NONE : NotifyLevel.ALL,
      draft: fields.draft ?? '',
    },
    member: true,
    firstReadableSeq: 1n,
    memberCount: info.type === ConversationType.GROUP ? 3 : 2,
  });
}

/** A message of one's own on its way. */
export function outgoing(
  fields: Partial<OutgoingMessage> & { readonly clientMessageId: string },
): OutgoingMessage {
  return {
    conversationId: 'c1',
    directUserId: '',
    content: textContent('on its way'),
    state: 'sending',
    error: '',
    createdAtMs: baseMs + 3_600_000,
    conversationSeq: 0n,
    ...fields,
  };
}
