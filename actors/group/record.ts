// A row of a conversation's log, in memory and as bytes.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { LogRecordSchema } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { type LogEntry, LogEntrySchema } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import {
  type Content,
  ContentSchema,
  type Message,
  MessageSchema,
} from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { RecordCodec } from '../../runtime/index.ts';
import { messageDelivery } from '../delivery.ts';
import { hash64, messageIdOf } from '../ids.ts';
import { sharedRow } from '../shared-row.ts';
import { varintLength, writeVarint } from '../varint.ts';

/** One entry of the log. */
export interface LogRow {
  readonly message: Message;
  /** The message, encoded: the bytes that everybody is given. */
  readonly bytes: Uint8Array;
  /** 64 bits of the message id, where they are known already. */
  readonly check?: bigint;
  /** Tells a repeat from an id that is used for something else; 0 for entries of the system. */
  readonly payloadHash: bigint;
}

/** What a message says, encoded: the part of it that a sender chooses. */
export interface EncodedContent {
  readonly content: Content;
  readonly bytes: Uint8Array;
}

export function encodeContent(content: Content): EncodedContent {
  return { content, bytes: toBinary(ContentSchema, content) };
}

/** Makes the row of a message, given without its content; the content's bytes are used as they are. */
export function logRow(
  head: Message,
  { content, bytes }: EncodedContent,
  payloadHash: bigint,
  check?: bigint,
): LogRow {
  const encodedHead = toBinary(MessageSchema, head);
  const encoded = new Uint8Array(encodedHead.length + 1 + varintLength(bytes.length) + bytes.length);
  encoded.set(encodedHead);
  encoded[encodedHead.length] = CONTENT_TAG;
  encoded.set(bytes, writeVarint(encoded, encodedHead.length + 1, bytes.length));
  head.content = content;
  const row = { message: head, bytes: encoded, payloadHash };
  return check === undefined ? row : { ...row, check };
}

const CONTENT_TAG = (MessageSchema.field.content.number << 3) | 2;
const MESSAGE_TAG = (LogRecordSchema.field.message.number << 3) | 2;
const PAYLOAD_HASH_TAG = (LogRecordSchema.field.payloadHash.number << 3) | 1;

export const logCodec: RecordCodec<LogRow> = {
  encode: ({ bytes, payloadHash }) => {
    const lengthBytes = varintLength(bytes.length);
    const encoded = new Uint8Array(1 + lengthBytes + bytes.length + (payloadHash === 0n ? 0 : 9));
    encoded[0] = MESSAGE_TAG;
    const at = writeVarint(encoded, 1, bytes.length);
    encoded.set(bytes, at);
    if (payloadHash !== 0n) {
      encoded[at + bytes.length] = PAYLOAD_HASH_TAG;
      new DataView(encoded.buffer).setBigUint64(at + bytes.length + 1, payloadHash, true);
    }
    return encoded;
  },
  decode: (value) => {
    const { message, payloadHash } = fromBinary(LogRecordSchema, value);
    return { message: fromBinary(MessageSchema, message), bytes: message, payloadHash };
  },
};

/** The entry as it is delivered to members. */
export function logEntry(tenant: string, row: LogRow): LogEntry {
  const { message, bytes } = row;
  const body = message.content?.body;
  return create(LogEntrySchema, {
    conversationSeq: message.conversationSeq,
    row: sharedRow({
      delivery: messageDelivery(checkOf(tenant, row), message.createTimeMs, bytes),
      conversationId: message.conversationId,
      conversationSeq: message.conversationSeq,
      contentCount: message.contentCount,
      timeMs: message.createTimeMs,
    }),
    senderId: message.senderId,
    contentCount: message.contentCount,
    createTimeMs: message.createTimeMs,
    ...(body?.case === 'membersChanged' ? { membersChanged: body.value } : {}),
    ...(body?.case === 'groupChanged' ? { groupChanged: body.value } : {}),
  });
}

/** 64 bits that name the entry in device cursors. */
function checkOf(tenant: string, { message, bytes, check }: LogRow): bigint {
  if (check !== undefined) return check;
  if (message.clientMessageId === '') return hash64(bytes);
  return messageIdOf(tenant, message.conversationId, message.senderId, message.clientMessageId).check;
}

/** True for what counts as unread. */
export function isContent(content: Content | undefined): boolean {
  const kind = content?.body.case;
  return kind === 'text' || kind === 'custom';
}
