// A row of a conversation's log, in memory and as bytes.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { LogRecordSchema } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { type LogEntry, LogEntrySchema } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { type Message, MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { RecordCodec } from '../../runtime/index.ts';
import { messageDelivery } from '../delivery.ts';
import { hash64, messageIdOf } from '../ids.ts';
import { sharedRow } from '../shared-row.ts';

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

/** Makes the row of a message. */
export function logRow(message: Message, payloadHash: bigint, check?: bigint): LogRow {
  const row = { message, bytes: toBinary(MessageSchema, message), payloadHash };
  return check === undefined ? row : { ...row, check };
}

export const logCodec: RecordCodec<LogRow> = {
  encode: ({ bytes, payloadHash }) =>
    toBinary(LogRecordSchema, create(LogRecordSchema, { message: bytes, payloadHash })),
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
export function isContent(message: Message): boolean {
  const kind = message.content?.body.case;
  return kind === 'text' || kind === 'custom';
}
