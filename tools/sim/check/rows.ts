// What a stored row says, as far as the checks go: a short text that is equal iff two rows say the same to those who are
// shown them.

import { fromBinary } from '@bufbuild/protobuf';
import { checkOfDelivery } from '../../../actors/delivery.ts';
import { deliveryOf } from '../../../actors/shared-row.ts';
import { LogRecordSchema } from '../../../proto/gen/starling/actor/v1/group_pb.ts';
import { UserRecordSchema } from '../../../proto/gen/starling/actor/v1/user_pb.ts';
import { type Message, MessageSchema } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { SendState } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { DeliverySchema } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { decodeRow } from '../../../runtime/stored.ts';

/** One entry of a conversation's log. */
export function messageOfRow(value: Uint8Array): Message {
  return fromBinary(MessageSchema, fromBinary(LogRecordSchema, decodeRow(value).record).message);
}

/** What a user's row is about. */
export interface UserRowFacts {
  readonly check: bigint;
  /** Empty for a change of the user's own view. */
  readonly conversationId: string;
  readonly conversationSeq: number;
  readonly joinSeq: number;
  readonly timeMs: number;
  /** `conversation client_message_id` of a send that was refused after it had been accepted. */
  readonly failedSend: string | undefined;
}

function failedSendOf(delivery: Uint8Array): string | undefined {
  const { entry } = fromBinary(DeliverySchema, delivery);
  if (entry.case !== 'sendOutcome' || entry.value.state !== SendState.FAILED) return undefined;
  return `${entry.value.conversationId} ${entry.value.clientMessageId}`;
}

export function factsOfUserRow(value: Uint8Array): UserRowFacts {
  const { record } = decodeRow(value);
  const { conversationId, conversationSeq, joinSeq, timeMs } = fromBinary(UserRecordSchema, record);
  return {
    failedSend: failedSendOf(deliveryOf(record)),
    check: checkOfDelivery(deliveryOf(record)),
    conversationId,
    conversationSeq: Number(conversationSeq),
    joinSeq: Number(joinSeq),
    timeMs: Number(timeMs),
  };
}

export function sayingOfMessage(message: Message): string {
  const body = message.content?.body;
  const text = body?.case === 'text' ? body.value.text : (body?.case ?? '');
  return `${message.messageId} ${text}`;
}

/** The saying of a row of any kind. */
export function sayingOfRow(kind: string, value: Uint8Array): string {
  if (kind === 'group') return sayingOfMessage(messageOfRow(value));
  if (kind === 'user') return factsOfUserRow(value).check.toString(16);
  return Buffer.from(decodeRow(value).record).toString();
}
