// What an application sees of the SDK. Owns: names, shapes, events and states. The behaviour behind them is specified in
// docs/client/sdk-specification.md; the same document serves SDKs in other languages.

import type { Conversation, ConversationSettings } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Group, Member } from '../../proto/gen/starling/im/v1/group_pb.ts';
import type { Content, MemberRole, Message } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { Device } from '../../proto/gen/starling/im/v1/session_pb.ts';
import type { User } from '../../proto/gen/starling/im/v1/user_pb.ts';

/** `connecting` also while waiting to try again. `disconnected`: not asked to connect, or ended for good. */
export type ConnectionState = 'disconnected' | 'connecting' | 'connected';

/** Why the client is not connected. `code` is a reason of the server's error table, or `closed`, `kicked_replaced`, `kicked_signed_out`, `token`, `network`. */
export interface StateChange {
  readonly state: ConnectionState;
  readonly code: string;
  readonly reason: string;
  /** True: the client will not try again by itself. */
  readonly terminal: boolean;
}

/**
 * `sending` until the server has answered. `accepted`: durable with the server, which places it when its conversation is in
 * reach again; becomes `sent` or `failed`. `sent`: in the conversation. `failed`: refused for good, or given up.
 */
export type LocalSendState = 'sending' | 'accepted' | 'sent' | 'failed';

/** A message of one's own, from any device, that may not have a place in the conversation yet. */
export interface OutgoingMessage {
  readonly clientMessageId: string;
  /** Empty until known, for the first message to a new direct peer. */
  readonly conversationId: string;
  /** Set when sent by directUserId. */
  readonly directUserId: string;
  readonly content: Content;
  readonly state: LocalSendState;
  /** Reason code where failed. */
  readonly error: string;
  /** Milliseconds since 1970-01-01 UTC on this device. */
  readonly createdAtMs: number;
  /** 0 until sent. */
  readonly conversationSeq: bigint;
  /** The entry that this one answers; absent or 0 = none. */
  readonly replyToSeq?: bigint;
}

/** Events, in the order in which the application has to take them. */
export interface StarlingEvents {
  /** The connection's state changed. */
  state: StateChange;
  /** New entries of a conversation's log, in order, each once. */
  messages: { readonly conversationId: string; readonly messages: readonly Message[] };
  /** A conversation's summary changed or is new (last message, unread, settings, membership). */
  conversation: Conversation;
  /** A send changed its state. */
  outgoing: OutgoingMessage;
  /** The local view was rebuilt from the server: read everything anew. */
  reset: { readonly reason: string };
  /** Sum of unread over conversations that may disturb. */
  unread: { readonly total: bigint };
  /** Something went wrong that the client mends by itself; for logs. */
  warning: { readonly code: string; readonly message: string };
}

export interface SendTarget {
  readonly conversationId?: string;
  readonly directUserId?: string;
}

export interface StarlingOptions {
  /** Base address, e.g. `http://127.0.0.1:7700`. In a browser default: the page's origin. */
  readonly address?: string;
  /** Returns a token; called at start and whenever one is about to end or was refused. */
  readonly token: () => Promise<string>;
  /** Stable per installation, 1 to 64 characters of [A-Za-z0-9_-]. Default: kept in the local store. */
  readonly deviceId?: string;
  readonly deviceName?: string;
  /** The user that the tokens stand for. Default: read from the token, else asked from the server. */
  readonly userId?: string;
  /** Default: memory. */
  readonly store?: LocalStore;
  /** One stream for all pages of a browser (leader tab). Default true in pages where BroadcastChannel and navigator.locks exist. */
  readonly shareConnection?: boolean;
}

/** The client. All methods reject with SdkError; `code` is the reason of the server's error table. */
export interface StarlingClient {
  readonly state: ConnectionState;
  readonly userId: string;
  readonly deviceId: string;
  on<E extends keyof StarlingEvents>(event: E, listener: (value: StarlingEvents[E]) => void): () => void;
  /** Resolves when first connected and caught up; keeps trying until `disconnect` or a terminal reason. */
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  /**
   * Queued at once (in the local store first), repeated by the same id until answered. The promise ends with the answer:
   * sent, accepted or failed; how an accepted one goes on is told by the event `outgoing`.
   */
  send(
    target: SendTarget,
    content: Content,
    options?: { replyToSeq?: bigint },
  ): OutgoingMessage & { readonly done: Promise<OutgoingMessage> };
  sendText(target: SendTarget, text: string): OutgoingMessage & { readonly done: Promise<OutgoingMessage> };
  /** Sends a failed message again, as a new one at the end. */
  resend(clientMessageId: string): void;
  outgoing(conversationId: string): Promise<readonly OutgoingMessage[]>;
  /** From the local view: latest first, pinned before all. */
  conversations(): Promise<readonly Conversation[]>;
  conversation(conversationId: string): Promise<Conversation | undefined>;
  /** A window of a conversation's log, ascending; from the local store where it has it, else from the server. `beforeSeq` absent = the newest. */
  history(
    conversationId: string,
    options?: { beforeSeq?: bigint; limit?: number },
  ): Promise<readonly Message[]>;
  markRead(conversationId: string, readSeq: bigint): Promise<void>;
  updateConversation(
    conversationId: string,
    settings: Partial<
      Pick<ConversationSettings, 'pinned' | 'notifyLevel' | 'labels' | 'draft' | 'attributes'>
    >,
  ): Promise<Conversation>;
  createGroup(name: string, memberUserIds: readonly string[]): Promise<Group>;
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

/** One atomic change of the local view. Absent parts stay as they are. */
export interface LocalChange {
  /** Encoded Cursor. */
  readonly cursor?: Uint8Array;
  readonly conversations?: readonly Conversation[];
  readonly messages?: readonly Message[];
  /** Added or replaced by clientMessageId. */
  readonly outgoing?: readonly OutgoingMessage[];
  readonly outgoingDone?: readonly string[];
  /** Empties conversations, messages and cursor first (not the outgoing ones). */
  readonly reset?: boolean;
}

/** Local database behind the SDK; drivers: memory, IndexedDB. One per (address, user). */
export interface LocalStore {
  open(name: string): Promise<void>;
  /** A small value kept for the SDK itself, e.g. `deviceId`. */
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  cursor(): Promise<Uint8Array | undefined>;
  /** All or nothing. */
  apply(change: LocalChange): Promise<void>;
  conversations(): Promise<Conversation[]>;
  conversation(id: string): Promise<Conversation | undefined>;
  /** Ascending, at most `limit`, the highest ones with conversation_seq <= toSeq. */
  messages(conversationId: string, toSeq: bigint, limit: number): Promise<Message[]>;
  outgoing(): Promise<OutgoingMessage[]>;
  close(): Promise<void>;
}
