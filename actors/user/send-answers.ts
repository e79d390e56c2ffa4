// What a sender is answered: results and refusals of a conversation in the words of the client API.

import { create } from '@bufbuild/protobuf';
import type { PostResult } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { type PostEntry, PostEntrySchema } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import {
  type UserSendRequest,
  type UserSendResponse,
  UserSendResponseSchema,
} from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { SendState } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { ERRORS, type ErrorCode, StarlingError } from '../../runtime/index.ts';
import type { DeviceOrder } from './send-order.ts';

/** To a sender an unknown outcome has one name, which says that the same id is to be sent again. */
export function repeatable(error: StarlingError): StarlingError {
  if (error.entry.outcome === 'not_done' || error.retryAfterMs !== undefined) return error;
  return new StarlingError('OUTCOME_UNKNOWN', undefined, { cause: error });
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
