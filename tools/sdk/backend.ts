// What a page asks of whoever holds the connection: itself, or another page. All arguments and results can be cloned
// between pages, and every operation may be repeated: ids are drawn by the asking page.

import type { Conversation, ConversationSettings } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Group, Member } from '../../proto/gen/starling/im/v1/group_pb.ts';
import type { MemberRole, Message } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { Device } from '../../proto/gen/starling/im/v1/session_pb.ts';
import type { User } from '../../proto/gen/starling/im/v1/user_pb.ts';
import type { OutgoingMessage, StarlingEvents, StateChange } from './api.ts';

export interface HistoryRange {
  readonly beforeSeq?: bigint | undefined;
  readonly limit?: number | undefined;
}

export type SettingsChange = Partial<
  Pick<ConversationSettings, 'pinned' | 'notifyLevel' | 'labels' | 'draft' | 'attributes'>
>;

export interface Operations {
  connect(): Promise<void>;
  enqueue(message: OutgoingMessage): Promise<void>;
  /** Sends a failed message again under a new id. */
  requeue(failedId: string, newId: string, createdAtMs: number): Promise<void>;
  outgoing(conversationId: string): Promise<readonly OutgoingMessage[]>;
  conversations(): Promise<readonly Conversation[]>;
  conversation(conversationId: string): Promise<Conversation | undefined>;
  history(conversationId: string, range: HistoryRange): Promise<readonly Message[]>;
  markRead(conversationId: string, readSeq: bigint): Promise<void>;
  updateConversation(conversationId: string, settings: SettingsChange): Promise<Conversation>;
  createGroup(name: string, memberUserIds: readonly string[], requestId: string): Promise<Group>;
  group(conversationId: string): Promise<Group>;
  members(conversationId: string): Promise<readonly Member[]>;
  addMembers(conversationId: string, userIds: readonly string[]): Promise<void>;
  removeMembers(conversationId: string, userIds: readonly string[]): Promise<void>;
  setRole(conversationId: string, userId: string, role: MemberRole): Promise<void>;
  renameGroup(conversationId: string, name: string): Promise<void>;
  users(userIds: readonly string[]): Promise<readonly User[]>;
  devices(): Promise<readonly Device[]>;
  kickDevice(deviceId: string): Promise<void>;
}

export type OperationName = keyof Operations;

/** Who we are and how we stand, for a page that has just come. */
export interface Snapshot {
  readonly change: StateChange;
  readonly userId: string;
  readonly deviceId: string;
}

/** What a backend tells its page. */
export type BackendEvent =
  | { readonly kind: 'event'; readonly event: keyof StarlingEvents; readonly value: unknown }
  /** Who we are became known. */
  | { readonly kind: 'identity'; readonly userId: string; readonly deviceId: string }
  /** How another page, which leads, stands. */
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** Another page holds the connection now: what had no answer was asked again, what is wanted must be said again. */
  | { readonly kind: 'moved' };

export interface Backend {
  call<K extends OperationName>(
    name: K,
    ...args: Parameters<Operations[K]>
  ): Promise<Awaited<ReturnType<Operations[K]>>>;
  close(): Promise<void>;
}
