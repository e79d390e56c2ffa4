// What the double remembers: logs, timelines, and who is connected.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Cursor } from '../../../proto/gen/starling/im/v1/cursor_pb.ts';
import {
  type Content,
  ConversationType,
  type Message,
  MessageSchema,
} from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { OpenResponseSchema } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { type Delivery, DeliverySchema } from '../../../proto/gen/starling/im/v1/sync_pb.ts';

/** One open stream. */
export interface Feed {
  send(frame: MessageInitShape<typeof OpenResponseSchema>): void;
  end(): void;
}

export interface Conversation {
  readonly id: string;
  readonly name: string;
  readonly type: ConversationType;
  readonly members: readonly string[];
  readonly rows: Message[];
}

interface Timeline {
  readonly incarnation: bigint;
  readonly entries: Delivery[];
  readonly feeds: Map<string, Feed>;
  wake: (() => void)[];
}

/** A send, as both APIs mean it. */
export interface Sending {
  readonly conversation: Conversation;
  readonly senderId: string;
  readonly deviceId: string;
  readonly clientMessageId: string;
  readonly content: Content | undefined;
  readonly replyToSeq: bigint;
  readonly createTimeMs: number;
}

export class DoubleState {
  readonly conversations = new Map<string, Conversation>();
  readonly #timelines = new Map<string, Timeline>();
  readonly #storesRepeats: boolean;
  readonly #bySend = new Map<string, Message>();

  constructor(storesRepeats: boolean) {
    this.#storesRepeats = storesRepeats;
  }

  timeline(userId: string): Timeline {
    let timeline = this.#timelines.get(userId);
    if (timeline === undefined) {
      timeline = { incarnation: BigInt(this.#timelines.size + 7), entries: [], feeds: new Map(), wake: [] };
      this.#timelines.set(userId, timeline);
    }
    return timeline;
  }

  createGroup(id: string, name: string, members: readonly string[]): Conversation {
    const known = this.conversations.get(id);
    if (known !== undefined) return known;
    const group = { id, name, type: ConversationType.GROUP, members: [...new Set(members)], rows: [] };
    this.conversations.set(id, group);
    this.#announce(group);
    return group;
  }

  direct(one: string, other: string): Conversation {
    const members = [one, other].sort();
    const id = `d_${members.join('-')}`;
    const known = this.conversations.get(id);
    if (known !== undefined) return known;
    const direct = { id, name: '', type: ConversationType.DIRECT, members, rows: [] };
    this.conversations.set(id, direct);
    this.#announce(direct);
    return direct;
  }

  send(sending: Sending): { message: Message; repeated: boolean } {
    const key = `${sending.senderId}/${sending.conversation.id}/${sending.clientMessageId}`;
    const known = this.#bySend.get(key);
    if (known !== undefined && !this.#storesRepeats) return { message: known, repeated: true };
    const message = this.#append(sending.conversation, { ...sending, isContent: true });
    this.#bySend.set(key, message);
    return { message, repeated: false };
  }

  openFeed(userId: string, deviceId: string, cursor: Cursor | undefined, feed: Feed): void {
    const timeline = this.timeline(userId);
    timeline.feeds.get(deviceId)?.end();
    timeline.feeds.set(deviceId, feed);
    const head = BigInt(timeline.entries.length);
    feed.send({
      frame: {
        case: 'welcome',
        value: { timelineIncarnation: timeline.incarnation, headUserSeq: head, heartbeatMs: 20_000 },
      },
    });
    const missed = timeline.entries.slice(Number(cursor?.userSeq ?? 0n));
    if (missed.length > 32) feed.send({ frame: { case: 'notify', value: { headUserSeq: head } } });
    else if (missed.length > 0) feed.send({ frame: { case: 'deliveries', value: { deliveries: missed } } });
  }

  closeFeed(userId: string, deviceId: string, feed: Feed): void {
    const { feeds } = this.timeline(userId);
    if (feeds.get(deviceId) === feed) feeds.delete(deviceId);
  }

  streamsLost(): void {
    for (const timeline of this.#timelines.values()) timeline.feeds.clear();
  }

  forgetLastRows(): void {
    for (const conversation of this.conversations.values()) {
      const lost = conversation.rows.pop();
      if (lost === undefined) continue;
      for (const [key, message] of this.#bySend) if (message === lost) this.#bySend.delete(key);
    }
  }

  #announce(conversation: Conversation): void {
    this.#append(conversation, {
      senderId: '',
      deviceId: '',
      clientMessageId: '',
      content: undefined,
      replyToSeq: 0n,
      createTimeMs: 0,
      isContent: false,
    });
  }

  #append(conversation: Conversation, row: Omit<Sending, 'conversation'> & { isContent: boolean }): Message {
    const last = conversation.rows.at(-1);
    const at = row.createTimeMs === 0 ? Date.now() : row.createTimeMs;
    const message = create(MessageSchema, {
      messageId: `m-${conversation.id}-${conversation.rows.length + 1}`,
      conversationId: conversation.id,
      conversationSeq: BigInt(conversation.rows.length + 1),
      senderId: row.senderId,
      senderDeviceId: row.deviceId,
      clientMessageId: row.clientMessageId,
      createTimeMs: BigInt(Math.max(at, Number(last?.createTimeMs ?? 0n))),
      contentCount: (last?.contentCount ?? 0n) + (row.isContent ? 1n : 0n),
      replyToSeq: row.replyToSeq,
      ...(row.content === undefined ? {} : { content: row.content }),
    });
    conversation.rows.push(message);
    for (const userId of conversation.members) this.#deliver(userId, message);
    return message;
  }

  #deliver(userId: string, message: Message): void {
    const timeline = this.timeline(userId);
    const delivery = create(DeliverySchema, {
      userSeq: BigInt(timeline.entries.length + 1),
      check: BigInt(timeline.entries.length + 1) * 1_000_003n,
      entry: { case: 'message', value: message },
      timeMs: BigInt(Math.max(Number(message.createTimeMs), Number(timeline.entries.at(-1)?.timeMs ?? 0n))),
    });
    timeline.entries.push(delivery);
    for (const feed of timeline.feeds.values())
      feed.send({ frame: { case: 'deliveries', value: { deliveries: [delivery] } } });
    for (const wake of timeline.wake.splice(0)) wake();
  }
}
