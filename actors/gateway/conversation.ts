// ConversationService and UserService: the caller's view of conversations, and profiles.

import { create } from '@bufbuild/protobuf';
import {
  ConversationService,
  type ConversationSettings,
  GetConversationResponseSchema,
  ListConversationsResponseSchema,
  MarkReadResponseSchema,
  UpdateConversationResponseSchema,
} from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import {
  BatchGetUsersResponseSchema,
  type User,
  UserSchema,
  UserService,
} from '../../proto/gen/starling/im/v1/user_pb.ts';
import { bindService, type CallContext, invalidRequest, type ServiceBinding } from '../../runtime/index.ts';
import { userKey } from '../ids.ts';
import { UserActor } from '../types.ts';
import { describeUser, type Gateway, within } from './context.ts';
import {
  pageSize,
  principalOf,
  requireBytes,
  requireConversationId,
  requireCount,
  requireUserId,
} from './validate.ts';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 200;
const USERS_MAX = 100;
const SETTINGS = ['pinned', 'notify_level', 'labels', 'draft', 'attributes'];

export function conversationService(gateway: Gateway): ServiceBinding {
  const { runtime } = gateway;
  const self = (context: CallContext) => {
    const { tenant, userId } = principalOf(context);
    return runtime.client(UserActor, userKey(tenant, userId));
  };
  return bindService(ConversationService, ['user'], {
    listConversations: async (request, context) => {
      const size = pageSize(request.pageSize, PAGE_DEFAULT, PAGE_MAX);
      const asked = { pageSize: size, pageToken: request.pageToken };
      const { page } = await self(context).listConversations(asked, within(context));
      return page ?? create(ListConversationsResponseSchema);
    },
    getConversation: async ({ conversationId }, context) => {
      requireConversationId(conversationId);
      const { conversation } = await self(context).getConversation({ conversationId }, within(context));
      return create(GetConversationResponseSchema, conversation === undefined ? {} : { conversation });
    },
    updateConversation: async ({ conversationId, settings, updateMask }, context) => {
      requireConversationId(conversationId);
      const paths = updateMask?.paths ?? [];
      requireCount('update_mask', paths.length, 1, SETTINGS.length);
      for (const path of paths)
        if (!SETTINGS.includes(path)) throw invalidRequest('update_mask', `one of ${SETTINGS.join(', ')}`);
      if (settings !== undefined) requireSettings(settings);
      const asked = { conversationId, paths, ...(settings === undefined ? {} : { settings }) };
      const { conversation } = await self(context).updateConversation(asked, within(context));
      return create(UpdateConversationResponseSchema, conversation === undefined ? {} : { conversation });
    },
    markRead: async ({ conversationId, readSeq }, context) => {
      requireConversationId(conversationId);
      const { conversation } = await self(context).markRead({ conversationId, readSeq }, within(context));
      return create(MarkReadResponseSchema, conversation === undefined ? {} : { conversation });
    },
  });
}

function requireSettings({ labels, draft, attributes }: ConversationSettings): void {
  requireCount('settings.labels', labels.length, 0, 16);
  for (const label of labels) requireBytes('settings.labels', label, 1, 64);
  requireBytes('settings.draft', draft, 0, 4096);
  requireCount('settings.attributes', attributes.length, 0, 1024);
}

export function userService(gateway: Gateway): ServiceBinding {
  const { runtime } = gateway;
  return bindService(UserService, ['user', 'backend'], {
    batchGetUsers: async ({ userIds }, context) => {
      const { tenant } = principalOf(context);
      requireCount('user_ids', userIds.length, 1, USERS_MAX);
      for (const id of userIds) requireUserId('user_ids', id);
      const found = await Promise.all(
        userIds.map(async (userId): Promise<User | undefined> => {
          const described = await describeUser(runtime, tenant, userId, within(context));
          if (described === undefined) return undefined;
          return described.profile ?? create(UserSchema, { userId, displayName: userId });
        }),
      );
      return create(BatchGetUsersResponseSchema, { users: found.filter((user) => user !== undefined) });
    },
  });
}
