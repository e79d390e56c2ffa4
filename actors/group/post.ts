// Writes messages to a conversation's log: membership, repeats, time. A refusal is the result of one entry, so that the
// others of its batch go on.

import { create } from '@bufbuild/protobuf';
import {
  type PostEntry,
  type PostRequest,
  type PostResult,
  PostResultSchema,
} from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { ContentSchema, MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { ErrorCode, Turn } from '../../runtime/index.ts';
import { messageIdOf, payloadHashOf } from '../ids.ts';
import { encodeContent, isContent, type LogRow, logRow } from './record.ts';
import type { SentIndex } from './sent-index.ts';
import type { GroupState } from './state.ts';

export interface PostContext {
  readonly tenant: string;
  readonly conversationId: string;
  readonly state: GroupState;
  readonly sent: SentIndex;
  /** Appends a row and hands it to the deliveries. */
  readonly append: (turn: Turn, row: LogRow) => void;
}

/** The results, in the order of the entries. What was appended is durable once the turn's outputs leave. */
export async function post(context: PostContext, request: PostRequest, turn: Turn): Promise<PostResult[]> {
  const ids = request.entries.map((entry) => ({
    senderId: senderOf(request, entry),
    clientMessageId: entry.clientMessageId,
  }));
  const before = await context.sent.load(turn, ids);
  return request.entries.map((entry) => postOne(context, request, entry, turn, before));
}

type Before = Awaited<ReturnType<SentIndex['load']>>;

function postOne(
  context: PostContext,
  request: PostRequest,
  entry: PostEntry,
  turn: Turn,
  sentBefore: Before,
): PostResult {
  const { tenant, conversationId, state } = context;
  const { privileged } = request;
  const senderId = senderOf(request, entry);
  const { clientMessageId, replyToSeq } = entry;
  const { text: messageId, check } = messageIdOf(tenant, conversationId, senderId, clientMessageId);
  const content = encodeContent(entry.content ?? create(ContentSchema));
  const payloadHash = payloadHashOf(content.bytes, replyToSeq);
  const before = sentBefore(senderId, clientMessageId);
  if (before !== undefined) {
    if (before.payloadHash !== payloadHash) return refused(messageId, 'ID_REUSED');
    const { conversationSeq, createTimeMs } = before;
    return create(PostResultSchema, { messageId, conversationSeq, createTimeMs, repeatedPost: true });
  }
  const member = state.members.get(senderId);
  if (member === undefined && !(privileged && senderId === '')) return refused(messageId, 'NOT_A_MEMBER');
  if (entry.repeatOnly) return refused(messageId, 'SUPERSEDED');
  const firstReadable = member?.joinSeq ?? 1;
  if (replyToSeq !== 0n && (replyToSeq > BigInt(state.lastSeq) || replyToSeq < BigInt(firstReadable))) {
    return refused(messageId, 'MESSAGE_NOT_FOUND');
  }
  const wanted = privileged && entry.createTimeMs !== 0n ? Number(entry.createTimeMs) : turn.now();
  const createTimeMs = BigInt(Math.max(state.lastTimeMs, wanted));
  const message = create(MessageSchema, {
    messageId,
    conversationId,
    conversationSeq: BigInt(state.lastSeq + 1),
    senderId,
    senderDeviceId: entry.deviceId,
    clientMessageId,
    createTimeMs,
    replyToSeq,
    contentCount: BigInt(state.contentCount + (isContent(content.content) ? 1 : 0)),
  });
  context.append(turn, logRow(message, content, payloadHash, check));
  return create(PostResultSchema, { messageId, conversationSeq: message.conversationSeq, createTimeMs });
}

/** A back end writes in the name of several. */
function senderOf(request: PostRequest, entry: PostEntry): string {
  return request.privileged && entry.senderId !== '' ? entry.senderId : request.senderId;
}

function refused(messageId: string, errorCode: ErrorCode): PostResult {
  return create(PostResultSchema, { messageId, errorCode });
}
