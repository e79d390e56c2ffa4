// A client without a server: holds logs and summaries that a test gives it, records what is asked of it, and
// tells only what a test tells it to tell.

import { create } from '@bufbuild/protobuf';
import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ConversationSchema } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Group, Member } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import { GroupSchema, MemberSchema } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import type { Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { MemberRole } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { Device } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import type { User } from '../../../proto/gen/starling/im/v1/user_pb.ts';
import { UserSchema } from '../../../proto/gen/starling/im/v1/user_pb.ts';
import type { OutgoingMessage, SendTarget, StarlingClient, StarlingEvents } from '../../sdk/api.ts';
import { outgoing, textContent } from './fixtures.ts';

type Listeners = { [E in keyof StarlingEvents]: Set<(value: StarlingEvents[E]) => void> };

export class ClientDouble implements StarlingClient {
  readonly state = 'connected';
  readonly userId: string;
  readonly deviceId = 'device-1';
  /** Calls in order, e.g. `markRead c1 3`. */
  readonly calls: string[] = [];
  readonly logs = new Map<string, Message[]>();
  readonly summaries = new Map<string, Conversation>();
  readonly names = new Map<string, string>();
  readonly roster = new Map<string, Member[]>();
  readonly queue: OutgoingMessage[] = [];
  deviceList: Device[] = [];
  /** Given: the next call of this name rejects with it, once. */
  readonly failures = new Map<string, Error>();
  readonly #listeners: Listeners = {
    state: new Set(),
    messages: new Set(),
    conversation: new Set(),
    outgoing: new Set(),
    reset: new Set(),
    unread: new Set(),
    warning: new Set(),
  };

  constructor(userId: string) {
    this.userId = userId;
  }

  on<E extends keyof StarlingEvents>(event: E, listener: (value: StarlingEvents[E]) => void): () => void {
    this.#listeners[event].add(listener);
    return () => this.#listeners[event].delete(listener);
  }

  /** Tells the page something. */
  tell<E extends keyof StarlingEvents>(event: E, value: StarlingEvents[E]): void {
    for (const listener of this.#listeners[event]) listener(value);
  }

  connect(): Promise<void> {
    return this.#did('connect');
  }

  disconnect(): Promise<void> {
    return this.#did('disconnect');
  }

  send(target: SendTarget): OutgoingMessage & { readonly done: Promise<OutgoingMessage> } {
    return this.sendText(target, '');
  }

  sendText(target: SendTarget, said: string): OutgoingMessage & { readonly done: Promise<OutgoingMessage> } {
    this.calls.push(`sendText ${target.conversationId ?? `@${target.directUserId}`} ${said}`);
    const message = outgoing({
      clientMessageId: `sent-${this.queue.length + 1}`,
      conversationId: target.conversationId ?? '',
      directUserId: target.directUserId ?? '',
      content: textContent(said),
      createdAtMs: Date.now(),
    });
    this.queue.push(message);
    return { ...message, done: Promise.resolve(message) };
  }

  resend(clientMessageId: string): void {
    this.calls.push(`resend ${clientMessageId}`);
  }

  async outgoing(conversationId: string): Promise<readonly OutgoingMessage[]> {
    return this.queue.filter((one) => one.conversationId === conversationId);
  }

  async conversations(): Promise<readonly Conversation[]> {
    await this.#did('conversations');
    return [...this.summaries.values()];
  }

  async conversation(conversationId: string): Promise<Conversation | undefined> {
    return this.summaries.get(conversationId);
  }

  async history(
    conversationId: string,
    options: { beforeSeq?: bigint; limit?: number } = {},
  ): Promise<readonly Message[]> {
    await this.#did('history', conversationId, String(options.beforeSeq ?? 'newest'));
    const before = options.beforeSeq;
    const log = (this.logs.get(conversationId) ?? []).filter(
      (one) => before === undefined || one.conversationSeq < before,
    );
    return log.slice(-(options.limit ?? 50));
  }

  markRead(conversationId: string, readSeq: bigint): Promise<void> {
    return this.#did('markRead', conversationId, String(readSeq));
  }

  async updateConversation(
    conversationId: string,
    settings: Parameters<StarlingClient['updateConversation']>[1],
  ): Promise<Conversation> {
    await this.#did('updateConversation', conversationId, JSON.stringify(settings));
    const before = this.summaries.get(conversationId) ?? create(ConversationSchema, { conversationId });
    const after = { ...before, settings: { ...before.settings, ...settings } } as Conversation;
    this.summaries.set(conversationId, after);
    return after;
  }

  async createGroup(name: string, memberUserIds: readonly string[]): Promise<Group> {
    await this.#did('createGroup', name, memberUserIds.join(','));
    return create(GroupSchema, { conversationId: 'g-new', info: { name } });
  }

  async group(conversationId: string): Promise<Group> {
    await this.#did('group', conversationId);
    const info = this.summaries.get(conversationId)?.info;
    const self = create(MemberSchema, { userId: this.userId, role: MemberRole.OWNER });
    return create(GroupSchema, { conversationId, self, ...(info === undefined ? {} : { info }) });
  }

  async members(conversationId: string): Promise<readonly Member[]> {
    return this.roster.get(conversationId) ?? [];
  }

  addMembers(conversationId: string, userIds: readonly string[]): Promise<void> {
    return this.#did('addMembers', conversationId, userIds.join(','));
  }

  removeMembers(conversationId: string, userIds: readonly string[]): Promise<void> {
    return this.#did('removeMembers', conversationId, userIds.join(','));
  }

  setRole(conversationId: string, userId: string, role: MemberRole): Promise<void> {
    return this.#did('setRole', conversationId, userId, String(role));
  }

  renameGroup(conversationId: string, name: string): Promise<void> {
    return this.#did('renameGroup', conversationId, name);
  }

  async users(userIds: readonly string[]): Promise<readonly User[]> {
    await this.#did('users', userIds.join(','));
    return userIds.flatMap((userId) => {
      const displayName = this.names.get(userId);
      return displayName === undefined ? [] : [create(UserSchema, { userId, displayName })];
    });
  }

  async devices(): Promise<readonly Device[]> {
    return this.deviceList;
  }

  kickDevice(deviceId: string): Promise<void> {
    return this.#did('kickDevice', deviceId);
  }

  async #did(name: string, ...args: readonly string[]): Promise<void> {
    this.calls.push([name, ...args].join(' '));
    const failure = this.failures.get(name);
    this.failures.delete(name);
    if (failure !== undefined) throw failure;
  }
}
