// The server API, for an application's own back end: tokens, users, groups, messages as the system or in users' names.

import { create } from '@bufbuild/protobuf';
import { type PostEntry, PostEntrySchema } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { ConversationInfoSchema, MemberRole } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { type User, UserSchema } from '../../proto/gen/starling/im/v1/user_pb.ts';
import * as api from '../../proto/gen/starling/server/v1/server_pb.ts';
import {
  bindService,
  invalidRequest,
  type Runtime,
  type ServiceBinding,
  StarlingError,
} from '../../runtime/index.ts';
import { directConversationId, groupKey, isConversationId, isGroupId, userKey } from '../ids.ts';
import { GroupActor, UserActor } from '../types.ts';
import { existingConversation, type Gateway, within } from './context.ts';
import { withEncodedItems } from './encoded.ts';
import { requireKnownUsers } from './group.ts';
import {
  pageSize,
  principalOf,
  requireBytes,
  requireClientMessageId,
  requireContent,
  requireCount,
  requireDevice,
  requireUserId,
} from './validate.ts';

const TTL_DEFAULT = 86_400;
const TTL_MIN = 60;
const TTL_MAX = 2_592_000;
const BATCH_MAX = 500;
const BATCH_BYTES_MAX = 1024 * 1024;
const LIST_MAX = 1000;
const TIME_AHEAD_MS_MAX = 86_400_000;

function requireProfile({ userId, displayName, avatarUrl }: User): void {
  requireUserId('users.user_id', userId);
  requireBytes('users.display_name', displayName, 0, 128);
  requireBytes('users.avatar_url', avatarUrl, 0, 512);
}

export function tokenService(gateway: Gateway): ServiceBinding {
  return bindService(api.TokenService, ['backend', 'admin'], {
    issueToken: async ({ userId, deviceId, ttlSeconds }, context) => {
      const principal = principalOf(context);
      requireUserId('user_id', userId);
      if (deviceId !== '') requireDevice({ ...principal, deviceId: undefined }, deviceId);
      const ttl = ttlSeconds === 0 ? TTL_DEFAULT : ttlSeconds;
      requireCount('ttl_seconds', ttl, TTL_MIN, TTL_MAX);
      const { tenant } = principal;
      await gateway.runtime.client(UserActor, userKey(tenant, userId)).register({}, within(context));
      const claims = {
        tenant,
        userId,
        scope: 'user' as const,
        ttlSeconds: ttl,
        ...(deviceId === '' ? {} : { deviceId }),
      };
      const { token, expiresAtMs } = await gateway.tokens.issue(claims);
      return create(api.IssueTokenResponseSchema, { token, expireTimeMs: BigInt(expiresAtMs) });
    },
  });
}

export function directoryService({ runtime }: Gateway): ServiceBinding {
  return bindService(api.DirectoryService, ['backend', 'admin'], {
    upsertUsers: async ({ users }, context) => {
      const { tenant } = principalOf(context);
      requireCount('users', users.length, 1, BATCH_MAX);
      for (const user of users) requireProfile(user);
      await Promise.all(
        users.map((user) => {
          const profile = create(UserSchema, { ...user, displayName: user.displayName || user.userId });
          return runtime
            .client(UserActor, userKey(tenant, user.userId))
            .register({ profile }, within(context));
        }),
      );
      return create(api.UpsertUsersResponseSchema);
    },
    listUsers: async (request, context) => {
      const { tenant } = principalOf(context);
      const page = await actorPage(runtime, UserActor.kind, tenant, request);
      const described = await Promise.all(
        page.keys.map(async (key) => {
          const { known, profile } = await runtime.client(UserActor, key).describe({}, within(context));
          return known ? (profile ?? create(UserSchema, { userId: idOf(key) })) : undefined;
        }),
      );
      const users = described.filter((user) => user !== undefined);
      return create(api.ListUsersResponseSchema, { users, nextPageToken: page.nextPageToken });
    },
  });
}

export function serverConversationService(gateway: Gateway): ServiceBinding {
  const { runtime, limits } = gateway;
  return bindService(api.ConversationService, ['backend', 'admin'], {
    createGroup: async (request, context) => {
      const { tenant } = principalOf(context);
      const { conversationId, name, ownerUserId, memberUserIds, createTimeMs } = request;
      if (!isGroupId(conversationId))
        throw invalidRequest('conversation_id', '1 to 64 characters of [A-Za-z0-9_-], not beginning with d_');
      requireBytes('name', name, 1, 200);
      requireTime('create_time_ms', createTimeMs, runtime.clock.now());
      requireUserId('owner_user_id', ownerUserId);
      requireCount('member_user_ids', memberUserIds.length, 0, limits.groupMembersMax - 1);
      for (const id of memberUserIds) requireUserId('member_user_ids', id);
      await requireKnownUsers(runtime, tenant, [ownerUserId, ...memberUserIds]);
      const info = create(ConversationInfoSchema, { name });
      const asked = { info, ownerUserId, memberUserIds, createTimeMs };
      const { created } = await runtime
        .client(GroupActor, groupKey(tenant, conversationId))
        .create(asked, within(context));
      return create(api.CreateGroupResponseSchema, { conversationId, created });
    },
    sendMessages: async (request, context) => {
      const { tenant } = principalOf(context);
      requireCount('messages', request.messages.length, 1, BATCH_MAX);
      let bytes = 0;
      const entries = request.messages.map((message): PostEntry => {
        const { senderUserId, clientMessageId, createTimeMs, replyToSeq } = message;
        if (senderUserId !== '') requireUserId('messages.sender_user_id', senderUserId);
        requireClientMessageId('messages.client_message_id', clientMessageId);
        const content = requireContent(message.content, limits);
        bytes += content.body.case === 'text' ? content.body.value.text.length : limits.contentBytesMax;
        requireTime('messages.create_time_ms', createTimeMs, runtime.clock.now());
        return create(PostEntrySchema, {
          senderId: senderUserId,
          clientMessageId,
          content,
          createTimeMs,
          replyToSeq,
        });
      });
      if (bytes > BATCH_BYTES_MAX && entries.length > 1)
        throw invalidRequest('messages', `at most ${BATCH_BYTES_MAX} bytes together`);
      const { conversationId, directUserIds } = await targetOf(gateway, tenant, request);
      const key = groupKey(tenant, conversationId);
      const posted = await runtime
        .client(GroupActor, key)
        .post({ entries, directUserIds, privileged: true }, within(context));
      return create(api.SendMessagesResponseSchema, {
        conversationId,
        results: posted.results.map((result, i) => resultOf(result, i)),
      });
    },
    listMessages: async ({ conversationId, fromSeq, pageSize: size }, context) => {
      const { tenant } = principalOf(context);
      const range = { fromSeq, messagesMax: pageSize(size, 200, LIST_MAX), bytesMax: limits.historyBytesMax };
      const conversation = await existingConversation(runtime, tenant, conversationId);
      const read = await conversation.read(range, within(context));
      const rest = create(api.ListMessagesResponseSchema, { nextSeq: read.nextSeq });
      return withEncodedItems(
        api.ListMessagesResponseSchema.field.messages.number,
        read.messages,
        api.ListMessagesResponseSchema,
        rest,
      );
    },
    listConversations: async (request, context) => {
      const { tenant } = principalOf(context);
      const page = await actorPage(runtime, GroupActor.kind, tenant, request);
      const records = await Promise.all(page.keys.map((key) => recordOf(gateway, key)));
      const conversations = records.filter((record) => record !== undefined);
      return create(api.ListConversationsResponseSchema, {
        conversations,
        nextPageToken: page.nextPageToken,
      });
    },
  });
}

/** A page of the actors of a kind that ever wrote, by key. */
async function actorPage(
  runtime: Runtime,
  kind: string,
  tenant: string,
  request: { readonly pageSize: number; readonly pageToken: string },
): Promise<{ readonly keys: readonly string[]; readonly nextPageToken: string }> {
  const actorsMax = pageSize(request.pageSize, 100, LIST_MAX);
  const prefix = `${tenant}/`;
  const token = Buffer.from(request.pageToken, 'base64url').toString();
  // Ids of conversations have every character that ids of users have.
  if (token !== '' && !isConversationId(token))
    throw invalidRequest('page_token', 'the next_page_token of an earlier answer');
  const after = token === '' ? {} : { after: `${prefix}${token}` };
  const keys = await runtime.store.listActors(kind, { actorsMax, prefix, ...after });
  const last = keys.length === actorsMax ? keys.at(-1) : undefined;
  return { keys, nextPageToken: last === undefined ? '' : Buffer.from(idOf(last)).toString('base64url') };
}

function idOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

/** A time far ahead would stay in the conversation, and in the timelines of its members, for ever (rule 19). */
function requireTime(field: string, timeMs: bigint, nowMs: number): void {
  if (timeMs < 0n || timeMs > BigInt(nowMs + TIME_AHEAD_MS_MAX))
    throw invalidRequest(field, 'not negative, and at most a day from now');
}

async function targetOf(
  { runtime }: Gateway,
  tenant: string,
  { target }: api.SendMessagesRequest,
): Promise<{ conversationId: string; directUserIds: string[] }> {
  switch (target.case) {
    case 'conversationId':
      await existingConversation(runtime, tenant, target.value);
      return { conversationId: target.value, directUserIds: [] };
    case 'direct': {
      const { userId, peerUserId } = target.value;
      requireUserId('direct.user_id', userId);
      requireUserId('direct.peer_user_id', peerUserId);
      if (userId === peerUserId) throw invalidRequest('direct', 'two users');
      await requireKnownUsers(runtime, tenant, [userId, peerUserId]);
      return {
        conversationId: directConversationId(userId, peerUserId),
        directUserIds: [userId, peerUserId].sort(),
      };
    }
    case undefined:
      throw invalidRequest('target', 'conversation_id or direct');
  }
}

/** A batch is written or refused as one: the first refusal is the answer, and a repeat finds what was written. */
function resultOf(
  result: { messageId: string; conversationSeq: bigint; errorCode: string; repeatedPost: boolean },
  index: number,
) {
  if (result.errorCode !== '') {
    const code =
      result.errorCode === 'ID_REUSED'
        ? 'ID_REUSED'
        : result.errorCode === 'MESSAGE_NOT_FOUND'
          ? 'MESSAGE_NOT_FOUND'
          : 'NOT_A_MEMBER';
    throw new StarlingError(code, `messages[${index}]`, { metadata: { index: String(index) } });
  }
  const { messageId, conversationSeq, repeatedPost } = result;
  return create(api.SendResultSchema, { messageId, conversationSeq, repeatedSend: repeatedPost });
}

async function recordOf({ runtime }: Gateway, key: string): Promise<api.ConversationRecord | undefined> {
  const { info, lastSeq, members } = await runtime.client(GroupActor, key).inspect({});
  if (info === undefined) return undefined;
  const memberUserIds = members.map(({ member }) => member?.userId ?? '').sort();
  const owner = members.find(({ member }) => member?.role === MemberRole.OWNER)?.member;
  return create(api.ConversationRecordSchema, {
    conversationId: idOf(key),
    info,
    lastSeq,
    memberUserIds,
    ownerUserId: owner?.userId ?? '',
  });
}
