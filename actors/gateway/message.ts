// MessageService: sends, and the history of conversations.

import { create, fromBinary } from '@bufbuild/protobuf';
import { MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import {
  GetMessageResponseSchema,
  ListMessagesResponseSchema,
  MessageService,
  type SendMessageRequest,
  SendMessageResponseSchema,
} from '../../proto/gen/starling/im/v1/send_pb.ts';
import {
  bindService,
  invalidRequest,
  type Principal,
  type ServiceBinding,
  StarlingError,
} from '../../runtime/index.ts';
import { directConversationId, directUsers, userKey } from '../ids.ts';
import { UserActor } from '../types.ts';
import { existingConversation, type Gateway, within } from './context.ts';
import { withEncodedItems } from './encoded.ts';
import {
  pageSize,
  principalOf,
  requireClientMessageId,
  requireContent,
  requireConversationId,
  requireDevice,
  requireUserId,
} from './validate.ts';

const HISTORY_DEFAULT = 50;
const DEVICE_SEQ_MAX = 2n ** 53n;

export function messageService(gateway: Gateway): ServiceBinding {
  const { runtime, limits } = gateway;
  return bindService(MessageService, ['user'], {
    sendMessage: async (request, context) => {
      const principal = principalOf(context);
      requireClientMessageId('client_message_id', request.clientMessageId);
      requireDevice(principal, request.deviceId);
      const content = requireContent(request.content, limits);
      const { clientMessageId, deviceId, replyToSeq } = request;
      const target = targetOf(principal, request);
      const { sent } = await runtime
        .client(UserActor, userKey(principal.tenant, principal.userId))
        .send(
          { ...target, clientMessageId, deviceId, content, replyToSeq, ...orderOf(request) },
          within(context),
        );
      return sent ?? create(SendMessageResponseSchema);
    },
    listMessages: async (request, context) => {
      const { tenant, userId } = principalOf(context);
      const { fromSeq, toSeq, descending } = request;
      const messagesMax = pageSize(request.pageSize, HISTORY_DEFAULT, limits.historyMessagesMax);
      const range = { userId, fromSeq, toSeq, messagesMax, bytesMax: limits.historyBytesMax, descending };
      const conversation = await existingConversation(runtime, tenant, request.conversationId);
      const read = await conversation.read(range, within(context));
      const rest = create(ListMessagesResponseSchema, { nextSeq: read.nextSeq });
      const field = ListMessagesResponseSchema.field.messages.number;
      return withEncodedItems(field, read.messages, ListMessagesResponseSchema, rest);
    },
    getMessage: async (request, context) => {
      const { tenant, userId } = principalOf(context);
      const seq = request.conversationSeq;
      if (seq === 0n) throw invalidRequest('conversation_seq', 'at least 1');
      const range = { userId, fromSeq: seq, toSeq: seq, messagesMax: 1, bytesMax: 1 };
      const conversation = await existingConversation(runtime, tenant, request.conversationId);
      const read = await conversation.read(range, within(context));
      const [bytes] = read.messages;
      if (bytes === undefined)
        throw new StarlingError('MESSAGE_NOT_FOUND', `${request.conversationId} ${seq}`);
      return create(GetMessageResponseSchema, { message: fromBinary(MessageSchema, bytes) });
    },
  });
}

/** The conversation that a send goes to; for a direct one also the peer. */
function targetOf(
  { userId }: Principal,
  { target }: SendMessageRequest,
): { conversationId: string; directUserId: string } {
  switch (target.case) {
    case 'directUserId':
      requireUserId('direct_user_id', target.value);
      if (target.value === userId) throw invalidRequest('direct_user_id', 'another user');
      return { conversationId: directConversationId(userId, target.value), directUserId: target.value };
    case 'conversationId': {
      requireConversationId(target.value);
      const peers = directUsers(target.value);
      // A direct conversation is named by its users, so its id says as much as direct_user_id does.
      const directUserId =
        peers?.includes(userId) === true ? (peers.find((one) => one !== userId) ?? '') : '';
      return { conversationId: target.value, directUserId };
    }
    case undefined:
      throw invalidRequest('target', 'conversation_id or direct_user_id');
  }
}

function orderOf({ order }: SendMessageRequest): Pick<SendMessageRequest, 'order'> | Record<string, never> {
  if (order === undefined) return {};
  const { session, deviceSeq, settledDeviceSeq } = order;
  if (session === 0n) throw invalidRequest('order.session', 'not 0');
  if (deviceSeq === 0n || deviceSeq >= DEVICE_SEQ_MAX)
    throw invalidRequest('order.device_seq', '1 to 2^53 - 1');
  // Equal to device_seq or above: a repeat of a send that the client has settled.
  if (settledDeviceSeq >= DEVICE_SEQ_MAX)
    throw invalidRequest('order.settled_device_seq', 'at most 2^53 - 1');
  return { order };
}
