// Changes of a group: who may do what, and the control entry that says so. Pure: decides, appends nothing.

import { create } from '@bufbuild/protobuf';
import type { ChangeRequest } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import {
  type Content,
  ContentSchema,
  type ConversationInfo,
  ConversationInfoSchema,
  ConversationType,
  MemberRole,
  type MemberRoleChange,
  MemberRoleChangeSchema,
  MembersChangedSchema,
} from '../../proto/gen/starling/im/v1/message_pb.ts';
import { invalidRequest, StarlingError } from '../../runtime/index.ts';
import type { GroupState, Membership } from './state.ts';

/** The control entries that a request comes down to; none where everything is so already. */
export function plan(state: GroupState, request: ChangeRequest, membersMax: number): Content[] {
  if (state.info?.type === ConversationType.DIRECT) {
    throw new StarlingError('PERMISSION_DENIED', 'A direct conversation has its two users for ever.');
  }
  const actor = actorOf(state, request.actorUserId);
  const contents: Content[] = [];
  if (request.info !== undefined) contents.push(...renamed(state, request, actor, request.info));
  if (request.addUserIds.length > 0) contents.push(...added(state, request, actor, membersMax));
  if (request.removeUserIds.length > 0) contents.push(...removed(state, request, actor));
  if (request.role !== undefined)
    contents.push(...roleChanged(state, request.actorUserId, actor, request.role));
  return contents;
}

/** The acting member; undefined for a back end, which may do everything. */
function actorOf(state: GroupState, userId: string): Membership | undefined {
  if (userId === '') return undefined;
  const member = state.members.get(userId);
  if (member === undefined) throw new StarlingError('NOT_A_MEMBER');
  return member;
}

function requireAdmin(actor: Membership | undefined): void {
  if (actor === undefined || actor.role === MemberRole.ADMIN || actor.role === MemberRole.OWNER) return;
  throw new StarlingError('ROLE_REQUIRED', 'It takes an admin.');
}

function renamed(
  state: GroupState,
  request: ChangeRequest,
  actor: Membership | undefined,
  info: ConversationInfo,
): Content[] {
  requireAdmin(actor);
  if (state.info?.name === info.name) return [];
  const next = create(ConversationInfoSchema, { type: ConversationType.GROUP, name: info.name });
  const value = { info: next, actorUserId: request.actorUserId };
  return [create(ContentSchema, { body: { case: 'groupChanged', value } })];
}

function added(
  state: GroupState,
  request: ChangeRequest,
  actor: Membership | undefined,
  membersMax: number,
): Content[] {
  requireAdmin(actor);
  const joinedUserIds = [...new Set(request.addUserIds)].filter((userId) => !state.members.has(userId));
  if (joinedUserIds.length === 0) return [];
  if (state.members.size + joinedUserIds.length > membersMax) {
    throw new StarlingError('GROUP_FULL', `At most ${membersMax} members.`, {
      metadata: { members_max: String(membersMax) },
    });
  }
  return [membersChanged(state, request.actorUserId, { joinedUserIds })];
}

function removed(state: GroupState, request: ChangeRequest, actor: Membership | undefined): Content[] {
  const leftUserIds = [...new Set(request.removeUserIds)].filter((userId) => state.members.has(userId));
  const leaving = leftUserIds.length === 1 && leftUserIds[0] === request.actorUserId;
  if (!leaving) requireAdmin(actor);
  const remaining = state.members.size - leftUserIds.length;
  for (const userId of leftUserIds) {
    const role = state.members.get(userId)?.role;
    if (role === MemberRole.OWNER && remaining > 0 && actor !== undefined) {
      if (leaving) throw new StarlingError('LAST_OWNER');
      throw new StarlingError('ROLE_REQUIRED', 'The owner can only leave.');
    }
    if (role === MemberRole.ADMIN && !leaving && actor !== undefined && actor.role !== MemberRole.OWNER) {
      throw new StarlingError('ROLE_REQUIRED', 'It takes the owner to remove an admin.');
    }
  }
  return leftUserIds.length === 0 ? [] : [membersChanged(state, request.actorUserId, { leftUserIds })];
}

function roleChanged(
  state: GroupState,
  actorId: string,
  actor: Membership | undefined,
  change: MemberRoleChange,
): Content[] {
  const { userId, role } = change;
  if (actor !== undefined && actor.role !== MemberRole.OWNER)
    throw new StarlingError('ROLE_REQUIRED', 'It takes the owner.');
  const member = state.members.get(userId);
  if (member === undefined) throw new StarlingError('USER_NOT_FOUND', `${userId} is not a member.`);
  if (role !== MemberRole.MEMBER && role !== MemberRole.ADMIN && role !== MemberRole.OWNER) {
    throw invalidRequest('role', 'MEMBER, ADMIN or OWNER');
  }
  if (member.role === role) return [];
  if (member.role === MemberRole.OWNER) throw new StarlingError('LAST_OWNER');
  const roleChanges = [create(MemberRoleChangeSchema, { userId, role })];
  if (role === MemberRole.OWNER) {
    const owner = [...state.members.values()].find((one) => one.role === MemberRole.OWNER);
    if (owner !== undefined)
      roleChanges.push(create(MemberRoleChangeSchema, { userId: owner.userId, role: MemberRole.ADMIN }));
  }
  return [membersChanged(state, actorId, { roleChanges })];
}

interface MembersDelta {
  readonly joinedUserIds?: readonly string[];
  readonly leftUserIds?: readonly string[];
  readonly roleChanges?: readonly MemberRoleChange[];
}

function membersChanged(state: GroupState, actorUserId: string, delta: MembersDelta): Content {
  const { joinedUserIds = [], leftUserIds = [], roleChanges = [] } = delta;
  const value = create(MembersChangedSchema, {
    joinedUserIds: [...joinedUserIds],
    leftUserIds: [...leftUserIds],
    roleChanges: [...roleChanges],
    actorUserId,
    memberCount: state.members.size + joinedUserIds.length - leftUserIds.length,
  });
  if (state.info !== undefined) value.info = state.info;
  return create(ContentSchema, { body: { case: 'membersChanged', value } });
}

/** The first entry of a conversation. */
export function founding(info: ConversationInfo, memberIds: readonly string[], ownerId: string): Content {
  const roleChanges =
    ownerId === '' ? [] : [create(MemberRoleChangeSchema, { userId: ownerId, role: MemberRole.OWNER })];
  const value = create(MembersChangedSchema, {
    joinedUserIds: [...memberIds],
    actorUserId: ownerId,
    info,
    memberCount: memberIds.length,
    roleChanges,
  });
  return create(ContentSchema, { body: { case: 'membersChanged', value } });
}
