// The calls that are not part of sync: history, settings, groups, users, devices.

import { create } from '@bufbuild/protobuf';
import {
  type Conversation,
  ConversationService,
  ConversationSettingsSchema,
  GetConversationRequestSchema,
  MarkReadRequestSchema,
  UpdateConversationRequestSchema,
} from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import {
  AddMembersRequestSchema,
  CreateGroupRequestSchema,
  GetGroupRequestSchema,
  type Group,
  GroupService,
  ListMembersRequestSchema,
  type Member,
  RemoveMembersRequestSchema,
  UpdateGroupRequestSchema,
  UpdateMemberRequestSchema,
} from '../../proto/gen/starling/im/v1/group_pb.ts';
import {
  ConversationInfoSchema,
  type MemberRole,
  type Message,
} from '../../proto/gen/starling/im/v1/message_pb.ts';
import { ListMessagesRequestSchema, MessageService } from '../../proto/gen/starling/im/v1/send_pb.ts';
import {
  type Device,
  KickDeviceRequestSchema,
  ListDevicesRequestSchema,
  SessionService,
} from '../../proto/gen/starling/im/v1/session_pb.ts';
import {
  BatchGetUsersRequestSchema,
  type User,
  UserService,
} from '../../proto/gen/starling/im/v1/user_pb.ts';
import type { HistoryRange, SettingsChange } from './backend.ts';
import type { Calls } from './calls.ts';
import { isTransient, SdkError, toSdkError } from './errors.ts';
import { protocolError } from './framing.ts';
import { LIMITS } from './limits.ts';
import type { Writer } from './writer.ts';

/** Names of settings on the wire. */
const SETTING_PATHS = {
  pinned: 'pinned',
  notifyLevel: 'notify_level',
  labels: 'labels',
  draft: 'draft',
  attributes: 'attributes',
} as const satisfies Record<keyof SettingsChange, string>;

export async function getConversation(
  calls: Calls,
  conversationId: string,
  signal: AbortSignal,
): Promise<Conversation | undefined> {
  const request = create(GetConversationRequestSchema, { conversationId });
  return (await calls.unary(ConversationService.method.getConversation, request, { signal })).conversation;
}

/**
 * A window of the log, ascending. From the local store where that has all of it; else from the server, whose answer is
 * kept. Out of reach of the server: the part next to the window's end that the local store has.
 */
export async function history(
  calls: Calls,
  writer: Writer,
  conversationId: string,
  range: HistoryRange,
): Promise<readonly Message[]> {
  const limit = Math.min(Math.max(1, range.limit ?? LIMITS.historyDefault), LIMITS.historyMax);
  const view = await writer.store.conversation(conversationId);
  const last = view?.lastSeq ?? 0n;
  const toSeq = range.beforeSeq === undefined ? last : range.beforeSeq - 1n;
  const first = view === undefined || view.firstReadableSeq === 0n ? 1n : view.firstReadableSeq;
  if (view !== undefined && toSeq < first) return [];
  const local = unbroken(await writer.store.messages(conversationId, toSeq, limit), toSeq);
  if (view !== undefined && (local.length === limit || local[0]?.conversationSeq === first)) return local;
  try {
    const fetched = await listMessages(calls, conversationId, toSeq, limit);
    await writer.putMessages(fetched);
    return fetched;
  } catch (thrown) {
    const error = toSdkError(thrown);
    if (local.length > 0 && isTransient(error)) return local;
    throw error;
  }
}

/** The end of `messages` that reaches up to `toSeq` without a hole. */
function unbroken(messages: readonly Message[], toSeq: bigint): readonly Message[] {
  let from = messages.length;
  let expected = toSeq;
  while (from > 0 && messages[from - 1]?.conversationSeq === expected) {
    from -= 1;
    expected -= 1n;
  }
  return messages.slice(from);
}

async function listMessages(
  calls: Calls,
  conversationId: string,
  toSeq: bigint,
  limit: number,
): Promise<readonly Message[]> {
  const found: Message[] = [];
  let next = toSeq;
  do {
    const pageSize = limit - found.length;
    const request = create(ListMessagesRequestSchema, {
      conversationId,
      toSeq: next,
      pageSize,
      descending: true,
    });
    const page = await calls.unary(MessageService.method.listMessages, request);
    found.push(...page.messages);
    // A page that brings nothing and names a next one would turn this into an endless loop.
    next = page.messages.length === 0 ? 0n : page.nextSeq;
  } while (next !== 0n && found.length < limit);
  return found.reverse();
}

export async function markRead(calls: Calls, conversationId: string, readSeq: bigint): Promise<void> {
  const request = create(MarkReadRequestSchema, { conversationId, readSeq });
  await calls.unary(ConversationService.method.markRead, request);
}

export async function updateConversation(
  calls: Calls,
  conversationId: string,
  change: SettingsChange,
): Promise<Conversation> {
  const paths = Object.entries(SETTING_PATHS)
    .filter(([key]) => key in change)
    .map(([, path]) => path);
  const settings = create(ConversationSettingsSchema, change);
  const request = create(UpdateConversationRequestSchema, {
    conversationId,
    settings,
    updateMask: { paths },
  });
  const answer = await calls.unary(ConversationService.method.updateConversation, request);
  return present(answer.conversation, 'conversation');
}

export async function createGroup(
  calls: Calls,
  name: string,
  memberUserIds: readonly string[],
  requestId: string,
): Promise<Group> {
  const request = create(CreateGroupRequestSchema, { name, memberUserIds: [...memberUserIds], requestId });
  return present((await calls.unary(GroupService.method.createGroup, request)).group, 'group');
}

export async function getGroup(calls: Calls, conversationId: string): Promise<Group> {
  const request = create(GetGroupRequestSchema, { conversationId });
  return present((await calls.unary(GroupService.method.getGroup, request)).group, 'group');
}

export async function listMembers(calls: Calls, conversationId: string): Promise<readonly Member[]> {
  const members: Member[] = [];
  let pageToken = '';
  for (let pages = 0; pages < LIMITS.membersPagesMax; pages += 1) {
    const request = create(ListMembersRequestSchema, {
      conversationId,
      pageSize: LIMITS.membersPageSize,
      pageToken,
    });
    const page = await calls.unary(GroupService.method.listMembers, request);
    members.push(...page.members);
    pageToken = page.nextPageToken;
    if (pageToken === '') return members;
  }
  throw new SdkError('protocol', 'The list of members does not end.');
}

export async function addMembers(
  calls: Calls,
  conversationId: string,
  userIds: readonly string[],
): Promise<void> {
  const request = create(AddMembersRequestSchema, { conversationId, userIds: [...userIds] });
  await calls.unary(GroupService.method.addMembers, request);
}

export async function removeMembers(
  calls: Calls,
  conversationId: string,
  userIds: readonly string[],
): Promise<void> {
  const request = create(RemoveMembersRequestSchema, { conversationId, userIds: [...userIds] });
  await calls.unary(GroupService.method.removeMembers, request);
}

export async function setRole(
  calls: Calls,
  conversationId: string,
  userId: string,
  role: MemberRole,
): Promise<void> {
  const request = create(UpdateMemberRequestSchema, { conversationId, userId, role });
  await calls.unary(GroupService.method.updateMember, request);
}

export async function renameGroup(calls: Calls, conversationId: string, name: string): Promise<void> {
  const info = create(ConversationInfoSchema, { name });
  const request = create(UpdateGroupRequestSchema, { conversationId, info, updateMask: { paths: ['name'] } });
  await calls.unary(GroupService.method.updateGroup, request);
}

export async function getUsers(calls: Calls, userIds: readonly string[]): Promise<readonly User[]> {
  const users: User[] = [];
  for (let at = 0; at < userIds.length; at += LIMITS.usersPageSize) {
    const request = create(BatchGetUsersRequestSchema, {
      userIds: userIds.slice(at, at + LIMITS.usersPageSize),
    });
    users.push(...(await calls.unary(UserService.method.batchGetUsers, request)).users);
  }
  return users;
}

export async function listDevices(calls: Calls): Promise<readonly Device[]> {
  return (await calls.unary(SessionService.method.listDevices, create(ListDevicesRequestSchema))).devices;
}

export async function kickDevice(calls: Calls, deviceId: string): Promise<void> {
  await calls.unary(SessionService.method.kickDevice, create(KickDeviceRequestSchema, { deviceId }));
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw protocolError(`${what} is absent`);
  return value;
}
