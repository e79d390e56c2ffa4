// GroupService: groups and their members.

import { create } from '@bufbuild/protobuf';
import {
  AddMembersResponseSchema,
  CreateGroupResponseSchema,
  GetGroupResponseSchema,
  type Group,
  GroupService,
  ListMembersResponseSchema,
  RemoveMembersResponseSchema,
  UpdateGroupResponseSchema,
  UpdateMemberResponseSchema,
} from '../../proto/gen/starling/im/v1/group_pb.ts';
import { ConversationInfoSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import {
  bindService,
  type CallContext,
  invalidRequest,
  type Runtime,
  type ServiceBinding,
  StarlingError,
} from '../../runtime/index.ts';
import { createdGroupId, groupKey } from '../ids.ts';
import { GroupActor } from '../types.ts';
import { describeUser, existingConversation, type Gateway, within } from './context.ts';
import {
  pageSize,
  principalOf,
  requireBytes,
  requireClientMessageId,
  requireCount,
  requireUserId,
} from './validate.ts';

const MEMBERS_DEFAULT = 100;
const MEMBERS_MAX = 1000;
const CHANGED_MAX = 500;
const NAME_BYTES_MAX = 200;

/** @throws StarlingError USER_NOT_FOUND naming the first that is not known */
export async function requireKnownUsers(
  runtime: Runtime,
  tenant: string,
  userIds: readonly string[],
): Promise<void> {
  const described = await Promise.all(userIds.map((id) => describeUser(runtime, tenant, id)));
  const unknown = userIds.find((_id, i) => described[i] === undefined);
  if (unknown !== undefined)
    throw new StarlingError('USER_NOT_FOUND', unknown, { metadata: { user_id: unknown } });
}

export function groupService(gateway: Gateway): ServiceBinding {
  const { runtime, limits } = gateway;
  const actor = (context: CallContext, conversationId: string) =>
    existingConversation(runtime, principalOf(context).tenant, conversationId);
  return bindService(GroupService, ['user'], {
    createGroup: async ({ name, memberUserIds, requestId }, context) => {
      const { tenant, userId } = principalOf(context);
      requireBytes('name', name, 1, NAME_BYTES_MAX);
      requireClientMessageId('request_id', requestId);
      requireCount('member_user_ids', memberUserIds.length, 0, limits.groupMembersMax - 1);
      for (const id of memberUserIds) requireUserId('member_user_ids', id);
      await requireKnownUsers(runtime, tenant, memberUserIds);
      const info = create(ConversationInfoSchema, { name });
      const key = groupKey(tenant, createdGroupId(tenant, userId, requestId));
      const made = await runtime
        .client(GroupActor, key)
        .create({ info, ownerUserId: userId, memberUserIds }, within(context));
      return create(CreateGroupResponseSchema, groupPart(made.group));
    },
    getGroup: async ({ conversationId }, context) => {
      const { userId } = principalOf(context);
      return create(
        GetGroupResponseSchema,
        groupPart((await (await actor(context, conversationId)).get({ userId }, within(context))).group),
      );
    },
    updateGroup: async ({ conversationId, info, updateMask }, context) => {
      const paths = updateMask?.paths ?? [];
      if (paths.length !== 1 || paths[0] !== 'name') throw invalidRequest('update_mask', '`name`');
      requireBytes('info.name', info?.name ?? '', 1, NAME_BYTES_MAX);
      const next = create(ConversationInfoSchema, { name: info?.name ?? '' });
      const asked = { actorUserId: principalOf(context).userId, info: next };
      return create(
        UpdateGroupResponseSchema,
        groupPart((await (await actor(context, conversationId)).change(asked, within(context))).group),
      );
    },
    listMembers: async ({ conversationId, pageSize: size, pageToken }, context) => {
      const { userId } = principalOf(context);
      const afterUserId = Buffer.from(pageToken, 'base64url').toString();
      if (pageToken !== '') requireUserId('page_token', afterUserId);
      const asked = { userId, pageSize: pageSize(size, MEMBERS_DEFAULT, MEMBERS_MAX), afterUserId };
      const group = await actor(context, conversationId);
      const { members, more } = await group.listMembers(asked, within(context));
      const nextPageToken = more ? Buffer.from(members.at(-1)?.userId ?? '').toString('base64url') : '';
      return create(ListMembersResponseSchema, { members, nextPageToken });
    },
    addMembers: async ({ conversationId, userIds }, context) => {
      const { tenant, userId } = principalOf(context);
      requireChanged(userIds);
      const group = await actor(context, conversationId);
      // Whoever may not add anybody learns nothing of who is known.
      await group.get({ userId }, within(context));
      await requireKnownUsers(runtime, tenant, userIds);
      const changed = await group.change({ actorUserId: userId, addUserIds: userIds }, within(context));
      return create(AddMembersResponseSchema, groupPart(changed.group));
    },
    removeMembers: async ({ conversationId, userIds }, context) => {
      const { userId } = principalOf(context);
      requireChanged(userIds);
      const group = await actor(context, conversationId);
      const changed = await group.change({ actorUserId: userId, removeUserIds: userIds }, within(context));
      return create(
        RemoveMembersResponseSchema,
        changed.group?.self === undefined ? {} : groupPart(changed.group),
      );
    },
    updateMember: async ({ conversationId, userId, role }, context) => {
      requireUserId('user_id', userId);
      const asked = { actorUserId: principalOf(context).userId, role: { userId, role } };
      const group = await actor(context, conversationId);
      await group.change(asked, within(context));
      const { group: view } = await group.get({ userId }, within(context));
      return create(UpdateMemberResponseSchema, view?.self === undefined ? {} : { member: view.self });
    },
  });
}

function requireChanged(userIds: readonly string[]): void {
  requireCount('user_ids', userIds.length, 1, CHANGED_MAX);
  for (const id of userIds) requireUserId('user_ids', id);
}

function groupPart(group: Group | undefined): { group?: Group } {
  return group === undefined ? {} : { group };
}
