// The unary methods of the double.

import { ConversationService } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { GroupService } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import type { Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import {
  MessageService,
  type SendMessageRequest,
  SendState,
} from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { SessionService } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { SyncService } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import {
  ConversationService as BackendConversations,
  DirectoryService,
  TokenService,
} from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { type Handler, handle, Refusal } from './double-codec.ts';
import type { Conversation, DoubleState } from './double-state.ts';

const PAGE = 200;

/** All methods, by path. */
export function unaryHandlers(state: DoubleState, unknownShare: number): ReadonlyMap<string, Handler> {
  return new Map([...backendHandlers(state), ...sendHandlers(state, unknownShare), ...readHandlers(state)]);
}

function backendHandlers(state: DoubleState): (readonly [string, Handler])[] {
  return [
    handle(TokenService.method.issueToken, ({ userId }) => ({ token: `user:${userId}` })),
    handle(DirectoryService.method.upsertUsers, () => ({})),
    handle(BackendConversations.method.createGroup, (request) => {
      const created = !state.conversations.has(request.conversationId);
      state.createGroup(request.conversationId, request.name, [
        request.ownerUserId,
        ...request.memberUserIds,
      ]);
      return { conversationId: request.conversationId, created };
    }),
    handle(BackendConversations.method.sendMessages, ({ target, messages }) => {
      const conversation =
        target.case === 'direct'
          ? state.direct(target.value.userId, target.value.peerUserId)
          : known(state, target.value ?? '');
      const results = messages.map((message) => {
        const { message: row, repeated } = state.send({
          conversation,
          senderId: message.senderUserId,
          deviceId: '',
          clientMessageId: message.clientMessageId,
          content: message.content,
          replyToSeq: message.replyToSeq,
          createTimeMs: Number(message.createTimeMs),
        });
        return { messageId: row.messageId, conversationSeq: row.conversationSeq, repeatedSend: repeated };
      });
      return { conversationId: conversation.id, results };
    }),
  ];
}

function sendHandlers(state: DoubleState, unknownShare: number): (readonly [string, Handler])[] {
  const gates = new Map<string, OrderGate>();
  let calls = 0;
  return [
    handle(MessageService.method.sendMessage, async (request, userId) => {
      const conversation =
        request.target.case === 'directUserId'
          ? state.direct(userId, request.target.value)
          : known(state, request.target.value ?? '');
      const { order } = request;
      const key = `${userId}/${request.deviceId}/${order?.session}`;
      const gate = gates.get(key) ?? new OrderGate();
      gates.set(key, gate);
      if (order !== undefined) await gate.turn(Number(order.deviceSeq), Number(order.settledDeviceSeq));
      const { message } = state.send({ ...sendingOf(request), conversation, senderId: userId });
      if (order !== undefined) gate.passed(Number(order.deviceSeq));
      calls += 1;
      if (unknownShare > 0 && calls % Math.round(1 / unknownShare) === 0) throw new Refusal(14, 'unknown');
      const { messageId, conversationSeq, createTimeMs } = message;
      return {
        messageId,
        conversationSeq,
        createTimeMs,
        conversationId: conversation.id,
        state: SendState.PLACED,
      };
    }),
    handle(GroupService.method.createGroup, (request, userId) => {
      const group = state.createGroup(`g_${userId}_${request.requestId}`, request.name, [
        userId,
        ...request.memberUserIds,
      ]);
      return {
        group: {
          conversationId: group.id,
          memberCount: group.members.length,
          lastSeq: BigInt(group.rows.length),
        },
      };
    }),
  ];
}

function sendingOf(request: SendMessageRequest) {
  const { deviceId, clientMessageId, content, replyToSeq } = request;
  return { deviceId, clientMessageId, content, replyToSeq, createTimeMs: 0 };
}

function readHandlers(state: DoubleState): (readonly [string, Handler])[] {
  return [
    handle(SessionService.method.navigate, (_, userId) => ({ userId })),
    handle(SessionService.method.ack, () => ({})),
    handle(ConversationService.method.listConversations, (_, userId) => {
      const { incarnation, entries } = state.timeline(userId);
      const last = entries.at(-1);
      return {
        cursor: { timelineIncarnation: incarnation, userSeq: last?.userSeq ?? 0n, check: last?.check ?? 0n },
        conversations: [...state.conversations.values()]
          .filter((conversation) => conversation.members.includes(userId))
          .map(({ id, name, type, members, rows }) => ({
            conversationId: id,
            info: { type, name, directUserIds: name === '' ? [...members] : [] },
            lastSeq: BigInt(rows.length),
            ...lastMessageOf(rows),
            unreadCount: BigInt(rows.filter(({ senderId }) => senderId !== '' && senderId !== userId).length),
          })),
      };
    }),
    handle(SyncService.method.pull, async ({ cursor, pageSize, waitMs }, userId) => {
      const timeline = state.timeline(userId);
      const from = Number(cursor?.userSeq ?? 0n);
      if (from >= timeline.entries.length && waitMs > 0) await news(timeline.wake, waitMs);
      const deliveries = timeline.entries.slice(
        from,
        from + Math.min(PAGE, pageSize === 0 ? PAGE : pageSize),
      );
      const last = deliveries.at(-1);
      return {
        deliveries,
        headUserSeq: BigInt(timeline.entries.length),
        nextCursor: {
          timelineIncarnation: timeline.incarnation,
          userSeq: last?.userSeq ?? cursor?.userSeq ?? 0n,
          check: last?.check ?? cursor?.check ?? 0n,
        },
      };
    }),
    handle(MessageService.method.listMessages, ({ conversationId, fromSeq, pageSize }) => {
      const { rows } = known(state, conversationId);
      const from = Math.max(0, Number(fromSeq) - 1);
      const to = from + (pageSize === 0 ? 50 : pageSize);
      return { messages: rows.slice(from, to), nextSeq: to < rows.length ? BigInt(to + 1) : 0n };
    }),
  ];
}

function lastMessageOf(rows: readonly Message[]) {
  const lastMessage = rows.at(-1);
  return lastMessage === undefined ? {} : { lastMessage };
}

function known(state: DoubleState, conversationId: string): Conversation {
  const conversation = state.conversations.get(conversationId);
  if (conversation === undefined) throw new Refusal(5, `no conversation ${conversationId}`);
  return conversation;
}

function news(wake: (() => void)[], waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs);
    wake.push(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

// Lets the sends of one device pass in their order; those that came early wait for the ones between.
class OrderGate {
  #expected = 1;
  readonly #waiting = new Map<number, () => void>();

  async turn(deviceSeq: number, settled: number): Promise<void> {
    this.#expected = Math.max(this.#expected, settled + 1);
    if (deviceSeq <= this.#expected) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Refusal(10, 'OUT_OF_ORDER')), 2_000);
      this.#waiting.set(deviceSeq, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  passed(deviceSeq: number): void {
    this.#expected = Math.max(this.#expected, deviceSeq + 1);
    const next = this.#waiting.get(this.#expected);
    this.#waiting.delete(this.#expected);
    next?.();
  }
}
