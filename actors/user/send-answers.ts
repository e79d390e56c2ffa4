// What a sender is answered, and what the timeline says of a send: results and refusals of a conversation in the words of
// the client API.

import { create, toBinary } from '@bufbuild/protobuf';
import type { PostResult } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { type PostEntry, PostEntrySchema } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import {
  type OutboxState,
  type UserSendRequest,
  UserSendRequestSchema,
  type UserSendResponse,
  UserSendResponseSchema,
} from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { type Content, ContentSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { type SendOutcome, SendOutcomeSchema, SendState } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { ERRORS, type ErrorCode, StarlingError } from '../../runtime/index.ts';
import { directUsers, messageIdOf, payloadHashOf } from '../ids.ts';
import type { DeviceOrder } from './send-order.ts';

const MENTION_BYTES = 66;

/** Rough size of a content, for the bounds of a batch and of the outbox. */
export function sizeOf(content: Content | undefined): number {
  const body = content?.body;
  if (body?.case === 'text')
    return body.value.text.length * 3 + body.value.mentionUserIds.length * MENTION_BYTES;
  if (body?.case === 'custom') return body.value.data.length + body.value.fallbackText.length * 3;
  return 0;
}

/** To a sender an unknown outcome has one name, which says that the same id is to be sent again. */
export function repeatable(error: StarlingError): StarlingError {
  if (error.entry.outcome === 'not_done' || error.retryAfterMs !== undefined) return error;
  return new StarlingError('OUTCOME_UNKNOWN', undefined, { cause: error });
}

/** The conversation can't answer now, or whether it did is not known: a repeat may place the message. */
export function isPassing(error: StarlingError): boolean {
  return repeatable(error).retryAfterMs !== undefined;
}

/** Not passing by itself, but an operator mends it: what was accepted waits for that. */
export function isMendable({ code }: StarlingError): boolean {
  return code === 'STORAGE_FULL' || code === 'CORRUPTION' || code === 'CALL_CYCLE';
}

export function entryOf(request: UserSendRequest, repeatOnly: boolean): PostEntry {
  const { clientMessageId, deviceId, replyToSeq, content } = request;
  const entry = create(PostEntrySchema, { clientMessageId, deviceId, replyToSeq, repeatOnly });
  if (content !== undefined) entry.content = content;
  return entry;
}

export function answerOf(conversationId: string, result: PostResult): UserSendResponse {
  const { messageId, conversationSeq, createTimeMs } = result;
  const sent = { messageId, conversationId, conversationSeq, createTimeMs, state: SendState.PLACED };
  return create(UserSendResponseSchema, { sent });
}

export function codeOf(text: string): ErrorCode {
  return text in ERRORS ? (text as ErrorCode) : 'INTERNAL';
}

export function notThere({ directUserId, conversationId }: UserSendRequest): StarlingError {
  return directUserId === ''
    ? new StarlingError('CONVERSATION_NOT_FOUND', conversationId)
    : new StarlingError('USER_NOT_FOUND', directUserId);
}

export function outOfOrder(order: DeviceOrder): StarlingError {
  const expected = String(order.expected);
  return new StarlingError('OUT_OF_ORDER', `Expected ${expected}.`, { metadata: { expected } });
}

// ---- the outbox -----------------------------------------------------------------------------------------------------

/** The row of a send that goes into the outbox. */
export function acceptedOutcome(tenant: string, senderId: string, request: UserSendRequest): SendOutcome {
  const { conversationId, clientMessageId, replyToSeq, deviceId, content } = request;
  const { text: messageId } = messageIdOf(tenant, conversationId, senderId, clientMessageId);
  const outcome = create(SendOutcomeSchema, {
    messageId,
    conversationId,
    clientMessageId,
    state: SendState.ACCEPTED,
    replyToSeq,
    senderDeviceId: deviceId,
  });
  if (content !== undefined) outcome.content = content;
  return outcome;
}

/** The row of a send that leaves the outbox. */
export function finalOutcome(
  tenant: string,
  senderId: string,
  { conversationId, clientMessageId }: UserSendRequest,
  result: PostResult | ErrorCode,
): SendOutcome {
  const { text: messageId } = messageIdOf(tenant, conversationId, senderId, clientMessageId);
  const name = { messageId, conversationId, clientMessageId };
  if (typeof result === 'string') {
    return create(SendOutcomeSchema, { ...name, state: SendState.FAILED, errorCode: result });
  }
  const { conversationSeq, createTimeMs } = result;
  return create(SendOutcomeSchema, { ...name, state: SendState.PLACED, conversationSeq, createTimeMs });
}

/** The send that an entry of the outbox stands for. */
export function requestOf({ outcome }: OutboxState, senderId: string): UserSendRequest {
  const { conversationId, clientMessageId, senderDeviceId, replyToSeq, content } =
    outcome ?? create(SendOutcomeSchema);
  const peers = directUsers(conversationId);
  const directUserId = peers?.includes(senderId) ? (peers.find((one) => one !== senderId) ?? '') : '';
  const request = create(UserSendRequestSchema, {
    conversationId,
    directUserId,
    clientMessageId,
    deviceId: senderDeviceId,
    replyToSeq,
  });
  if (content !== undefined) request.content = content;
  return request;
}

/**
 * The answer to a repeat of a send that was accepted: ACCEPTED with the same message_id.
 * @throws StarlingError ID_REUSED for another content; the reason if it has failed since
 */
export function answerFromOutbox(
  { outcome, payloadHash }: OutboxState,
  request: UserSendRequest,
): UserSendResponse {
  const content = toBinary(ContentSchema, request.content ?? create(ContentSchema));
  if (payloadHashOf(content, request.replyToSeq) !== payloadHash) throw new StarlingError('ID_REUSED');
  if (outcome?.state === SendState.FAILED) throw new StarlingError(codeOf(outcome.errorCode));
  const { messageId, conversationId } = outcome ?? create(SendOutcomeSchema);
  const sent = { messageId, conversationId, state: SendState.ACCEPTED };
  return create(UserSendResponseSchema, { sent });
}
