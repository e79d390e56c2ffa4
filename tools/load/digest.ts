// Digests of what is compared. Owns: one short word for the bytes of a message, of its content, of a timeline entry.

import { hash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import {
  type Content,
  ContentSchema,
  type Message,
  MessageSchema,
} from '../../proto/gen/starling/im/v1/message_pb.ts';
import { type Delivery, DeliverySchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { LogRow, TimelineEntry } from './history.ts';

/** Digest of bytes. */
function digest(bytes: Uint8Array): string {
  return hash('sha1', bytes, 'base64');
}

/** Digest of a content; an absent one has a digest of its own. */
export function contentDigest(content: Content | undefined): string {
  return content === undefined ? 'none' : digest(toBinary(ContentSchema, content));
}

/** A row of a log for the checker. */
export function logRow(message: Message): LogRow {
  return {
    conversationSeq: Number(message.conversationSeq),
    messageId: message.messageId,
    senderId: message.senderId,
    clientMessageId: message.clientMessageId,
    contentDigest: contentDigest(message.content),
    messageDigest: digest(toBinary(MessageSchema, message)),
    replyToSeq: Number(message.replyToSeq),
    createTimeMs: Number(message.createTimeMs),
    contentCount: Number(message.contentCount),
  };
}

/** An entry of a timeline for the checker. */
export function timelineEntry(delivery: Delivery): TimelineEntry {
  const { userSeq, entry } = delivery;
  const timeMs = Number(delivery.timeMs);
  if (entry.case === 'message') {
    const message = entry.value;
    return {
      userSeq: Number(userSeq),
      messageId: message.messageId,
      conversationId: message.conversationId,
      conversationSeq: Number(message.conversationSeq),
      messageDigest: digest(toBinary(MessageSchema, message)),
      timeMs,
    };
  }
  return {
    userSeq: Number(userSeq),
    messageId: '',
    conversationId:
      entry.case === 'conversationChange' ? (entry.value.conversation?.conversationId ?? '') : '',
    conversationSeq: 0,
    messageDigest: digest(toBinary(DeliverySchema, delivery)),
    timeMs,
  };
}
