// What import and export need of a server. Owns: the calls, in the words of the file format. Does not own: order, batches.

import { create } from '@bufbuild/protobuf';
import { type Content, ContentSchema, type Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { type User, UserService } from '../../../proto/gen/starling/im/v1/user_pb.ts';
import {
  type ConversationRecord,
  ConversationService,
  DirectoryService,
} from '../../../proto/gen/starling/server/v1/server_pb.ts';
import type { Client } from '../client.ts';
import type { GroupRecord, MessageRecord, UserRecord } from './record.ts';

/** Where messages go. */
export type Place =
  | { readonly kind: 'group'; readonly conversationId: string }
  | { readonly kind: 'direct'; readonly users: readonly [string, string] };

/** A message on its way; `replyToSeq` 0 = answers none. */
export interface OutgoingRecord {
  readonly record: MessageRecord;
  readonly replyToSeq: bigint;
}

/** What became of one. */
export interface SentRecord {
  readonly seq: bigint;
  /** It was there before. */
  readonly repeated: boolean;
}

export interface ImportApi {
  upsertUsers(users: readonly UserRecord[], signal: AbortSignal): Promise<void>;
  /** True if it was made now. */
  createGroup(group: GroupRecord, createTimeMs: number, signal: AbortSignal): Promise<boolean>;
  sendMessages(place: Place, messages: readonly OutgoingRecord[], signal: AbortSignal): Promise<SentRecord[]>;
}

export interface ExportApi {
  listConversations(
    pageToken: string,
    signal: AbortSignal,
  ): Promise<{ readonly conversations: readonly ConversationRecord[]; readonly next: string }>;
  listMessages(
    conversationId: string,
    fromSeq: bigint,
    pageSize: number,
    signal: AbortSignal,
  ): Promise<{ readonly messages: readonly Message[]; readonly next: bigint }>;
  /** A page of all users, by id. */
  listUsers(
    pageToken: string,
    signal: AbortSignal,
  ): Promise<{ readonly users: readonly UserRecord[]; readonly next: string }>;
  /** Those of at most 100 users that are known. */
  users(userIds: readonly string[], signal: AbortSignal): Promise<readonly UserRecord[]>;
}

/** The calls over a client. */
export function transferApi(client: Client): ImportApi & ExportApi {
  return { ...importApi(client), ...exportApi(client) };
}

function importApi(client: Client): ImportApi {
  const { upsertUsers } = DirectoryService.method;
  const { createGroup, sendMessages } = ConversationService.method;
  return {
    async upsertUsers(users, signal) {
      const request = users.map((user) => ({
        userId: user.user_id,
        displayName: user.display_name ?? '',
        avatarUrl: user.avatar_url ?? '',
      }));
      await client.call(upsertUsers, { users: request }, signal);
    },
    async createGroup(group, createTimeMs, signal) {
      const request = {
        conversationId: group.conversation_id,
        name: group.name,
        ownerUserId: group.owner_user_id,
        memberUserIds: [...(group.member_user_ids ?? [])],
        createTimeMs: BigInt(createTimeMs),
      };
      return (await client.call(createGroup, request, signal)).created;
    },
    async sendMessages(place, messages, signal) {
      const target =
        place.kind === 'group'
          ? { case: 'conversationId' as const, value: place.conversationId }
          : { case: 'direct' as const, value: { userId: place.users[0], peerUserId: place.users[1] } };
      const outbound = messages.map(({ record, replyToSeq }) => ({
        senderUserId: record.sender_user_id,
        clientMessageId: record.client_message_id,
        content: toContent(record),
        createTimeMs: BigInt(record.create_time_ms),
        replyToSeq,
      }));
      const { results } = await client.call(sendMessages, { target, messages: outbound }, signal);
      return results.map((result) => ({ seq: result.conversationSeq, repeated: result.repeatedSend }));
    },
  };
}

function exportApi(client: Client): ExportApi {
  const { listConversations, listMessages } = ConversationService.method;
  const { listUsers } = DirectoryService.method;
  const { batchGetUsers } = UserService.method;
  return {
    async listConversations(pageToken, signal) {
      const page = await client.call(listConversations, { pageToken, pageSize: 1_000 }, signal);
      return { conversations: page.conversations, next: page.nextPageToken };
    },
    async listMessages(conversationId, fromSeq, pageSize, signal) {
      const page = await client.call(listMessages, { conversationId, fromSeq, pageSize }, signal);
      return { messages: page.messages, next: page.nextSeq };
    },
    async listUsers(pageToken, signal) {
      const page = await client.call(listUsers, { pageToken, pageSize: 1_000 }, signal);
      return { users: page.users.map(userRecord), next: page.nextPageToken };
    },
    async users(userIds, signal) {
      const { users } = await client.call(batchGetUsers, { userIds: [...userIds] }, signal);
      return users.map(userRecord);
    },
  };
}

function userRecord({ userId, displayName, avatarUrl }: User): UserRecord {
  return { type: 'user', user_id: userId, display_name: displayName, avatar_url: avatarUrl };
}

function toContent(record: MessageRecord): Content {
  if (record.custom === undefined) {
    const value = { text: record.text ?? '', mentionUserIds: [...(record.mention_user_ids ?? [])] };
    return create(ContentSchema, { body: { case: 'text', value } });
  }
  const { type, data_base64: data, fallback_text: fallbackText = '' } = record.custom;
  const value = { type, data: Buffer.from(data, 'base64'), fallbackText };
  return create(ContentSchema, { body: { case: 'custom', value } });
}

/** The part of a message record that its content decides; undefined for control entries. */
export function fromContent(
  content: Content | undefined,
): Pick<MessageRecord, 'text' | 'mention_user_ids' | 'custom'> | undefined {
  const body = content?.body;
  switch (body?.case) {
    case 'text':
      return { text: body.value.text, mention_user_ids: body.value.mentionUserIds };
    case 'custom':
      return {
        custom: {
          type: body.value.type,
          data_base64: Buffer.from(body.value.data).toString('base64'),
          fallback_text: body.value.fallbackText,
        },
      };
    default:
      return undefined;
  }
}
