// A server of the contract server.v1 in memory, for tests of import and export.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ContentSchema,
  ConversationType,
  type Message,
  MessageSchema,
} from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { ConversationRecordSchema } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { RpcError } from '../rpc-error.ts';
import type { ExportApi, ImportApi, OutgoingRecord, Place } from './api.ts';
import { directKey } from './normalise.ts';
import type { GroupRecord, UserRecord } from './record.ts';

/** Keeps what it is given, as the contract of server.v1 says. */
export class MemoryServer implements ImportApi, ExportApi {
  readonly profiles = new Map<string, UserRecord>();
  readonly groups = new Map<string, GroupRecord>();
  readonly logs = new Map<string, Message[]>();
  readonly pairs = new Map<string, readonly [string, string]>();
  /** Called before each batch of messages. */
  onBatch: (place: Place, messages: readonly OutgoingRecord[]) => void = () => undefined;
  calls = 0;

  async upsertUsers(users: readonly UserRecord[]): Promise<void> {
    for (const user of users)
      this.profiles.set(user.user_id, { ...user, display_name: user.display_name || user.user_id });
  }

  async createGroup(group: GroupRecord, createTimeMs: number): Promise<boolean> {
    if (this.groups.has(group.conversation_id)) return false;
    this.groups.set(group.conversation_id, group);
    this.#append(group.conversation_id, { createTimeMs: BigInt(createTimeMs) });
    return true;
  }

  async sendMessages(place: Place, messages: readonly OutgoingRecord[]) {
    this.calls++;
    this.onBatch(place, messages);
    await Promise.resolve();
    const id = place.kind === 'group' ? place.conversationId : `d_${directKey(place.users)}`;
    if (place.kind === 'group' && !this.groups.has(id)) {
      throw new RpcError('NOT_FOUND', 'There is no such conversation.', { reason: 'CONVERSATION_NOT_FOUND' });
    }
    if (place.kind === 'direct' && !this.logs.has(id)) {
      this.pairs.set(id, place.users);
      this.#append(id, { createTimeMs: BigInt(messages[0]?.record.create_time_ms ?? 0) });
    }
    const group = this.groups.get(id);
    const members = [group?.owner_user_id, ...(group?.member_user_ids ?? [])];
    if (group !== undefined && messages.some(({ record }) => !members.includes(record.sender_user_id))) {
      throw new RpcError('PERMISSION_DENIED', 'Only members may do this.', { reason: 'NOT_A_MEMBER' });
    }
    return messages.map(({ record, replyToSeq }) => {
      const { sender_user_id: senderId, client_message_id: clientMessageId } = record;
      const log = this.logs.get(id) ?? [];
      const found = log.find(
        (entry) => entry.senderId === senderId && entry.clientMessageId === clientMessageId,
      );
      if (found !== undefined) return { seq: found.conversationSeq, repeated: true };
      const value = { text: record.text ?? '', mentionUserIds: [...(record.mention_user_ids ?? [])] };
      const content = create(ContentSchema, { body: { case: 'text', value } });
      const createTimeMs = BigInt(record.create_time_ms);
      const seq = this.#append(id, { senderId, clientMessageId, content, replyToSeq, createTimeMs });
      return { seq, repeated: false };
    });
  }

  #append(id: string, init: MessageInitShape<typeof MessageSchema>): bigint {
    const log = this.logs.get(id) ?? [];
    this.logs.set(id, log);
    const last = log.at(-1)?.createTimeMs ?? 0n;
    const time = init.createTimeMs ?? 0n;
    const conversationSeq = BigInt(log.length + 1);
    const createTimeMs = time > last ? time : last;
    log.push(create(MessageSchema, { ...init, conversationId: id, conversationSeq, createTimeMs }));
    return conversationSeq;
  }

  async listConversations(pageToken: string) {
    const ids = [...this.logs.keys()].sort().filter((id) => id > pageToken);
    const page = ids.slice(0, 2);
    const conversations = page.map((conversationId) => {
      const directUserIds = [...(this.pairs.get(conversationId) ?? [])].sort();
      const type = directUserIds.length > 0 ? ConversationType.DIRECT : ConversationType.GROUP;
      const info = { type, name: this.groups.get(conversationId)?.name ?? '', directUserIds };
      const lastSeq = BigInt(this.logs.get(conversationId)?.length ?? 0);
      const group = this.groups.get(conversationId);
      const ownerUserId = group?.owner_user_id ?? '';
      const memberUserIds =
        directUserIds.length > 0 ? directUserIds : [ownerUserId, ...(group?.member_user_ids ?? [])];
      return create(ConversationRecordSchema, { conversationId, info, lastSeq, ownerUserId, memberUserIds });
    });
    return { conversations, next: ids.length > page.length ? (page.at(-1) ?? '') : '' };
  }

  async listMessages(conversationId: string, fromSeq: bigint, pageSize: number) {
    const log = this.logs.get(conversationId) ?? [];
    const start = Number(fromSeq) - 1;
    const end = start + Math.min(pageSize, 3);
    return { messages: log.slice(start, end), next: end < log.length ? BigInt(end + 1) : 0n };
  }

  async listUsers(pageToken: string) {
    const ids = [...this.profiles.keys()].sort().filter((id) => id > pageToken);
    const page = ids.slice(0, 1);
    return { users: await this.users(page), next: ids.length > 1 ? (page[0] ?? '') : '' };
  }

  async users(userIds: readonly string[]): Promise<UserRecord[]> {
    return userIds.flatMap((id) => this.profiles.get(id) ?? []);
  }
}
