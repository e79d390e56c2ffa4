// The client API as tests call it: one function a method, and the requests that most of them make.

import assert from 'node:assert/strict';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import * as conv from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import * as groups from '../../proto/gen/starling/im/v1/group_pb.ts';
import * as send from '../../proto/gen/starling/im/v1/send_pb.ts';
import * as session from '../../proto/gen/starling/im/v1/session_pb.ts';
import * as sync from '../../proto/gen/starling/im/v1/sync_pb.ts';
import * as server from '../../proto/gen/starling/server/v1/server_pb.ts';
import { ERRORS, StarlingError } from '../../runtime/index.ts';
import { SimOwnership } from '../../runtime/testing/index.ts';
import { ImNode, type ImNodeOptions, type TestStream } from './im-node.ts';

/** Calls one method, in the time given; the schema of the answer tells how an encoded one is read. */
function caller<I extends DescMessage, O extends DescMessage>(
  service: string,
  method: string,
  input: I,
  output: O,
) {
  const schema = { decode: (bytes: Uint8Array) => fromBinary(output, bytes) };
  return (node: ImNode, who: string, init: MessageInitShape<I>, timeoutMs?: number) =>
    node.call<MessageShape<O>>(who, service, method, create(input, init), schema, timeoutMs);
}

const IM = 'starling.im.v1';
export const sendMessage = caller(
  `${IM}.MessageService`,
  'sendMessage',
  send.SendMessageRequestSchema,
  send.SendMessageResponseSchema,
);
export const listMessages = caller(
  `${IM}.MessageService`,
  'listMessages',
  send.ListMessagesRequestSchema,
  send.ListMessagesResponseSchema,
);
export const pull = caller(`${IM}.SyncService`, 'pull', sync.PullRequestSchema, sync.PullResponseSchema);
export const ack = caller(`${IM}.SessionService`, 'ack', session.AckRequestSchema, session.AckResponseSchema);
export const navigate = caller(
  `${IM}.SessionService`,
  'navigate',
  session.NavigateRequestSchema,
  session.NavigateResponseSchema,
);
export const listDevices = caller(
  `${IM}.SessionService`,
  'listDevices',
  session.ListDevicesRequestSchema,
  session.ListDevicesResponseSchema,
);
export const kickDevice = caller(
  `${IM}.SessionService`,
  'kickDevice',
  session.KickDeviceRequestSchema,
  session.KickDeviceResponseSchema,
);
export const listConversations = caller(
  `${IM}.ConversationService`,
  'listConversations',
  conv.ListConversationsRequestSchema,
  conv.ListConversationsResponseSchema,
);
export const markRead = caller(
  `${IM}.ConversationService`,
  'markRead',
  conv.MarkReadRequestSchema,
  conv.MarkReadResponseSchema,
);
export const createGroup = caller(
  `${IM}.GroupService`,
  'createGroup',
  groups.CreateGroupRequestSchema,
  groups.CreateGroupResponseSchema,
);
export const addMembers = caller(
  `${IM}.GroupService`,
  'addMembers',
  groups.AddMembersRequestSchema,
  groups.AddMembersResponseSchema,
);
export const removeMembers = caller(
  `${IM}.GroupService`,
  'removeMembers',
  groups.RemoveMembersRequestSchema,
  groups.RemoveMembersResponseSchema,
);
export const upsertUsers = caller(
  'starling.server.v1.DirectoryService',
  'upsertUsers',
  server.UpsertUsersRequestSchema,
  server.UpsertUsersResponseSchema,
);

const USERS = ['alice', 'bob', 'carol', 'dave'];

export async function start(options: ImNodeOptions = {}): Promise<ImNode> {
  const node = new ImNode(options);
  await node.runtime.start();
  await upsertUsers(node, 'backend', { users: USERS.map((userId) => ({ userId })) });
  return node;
}

/** The node after a power cut: everything durable, nothing else. */
export async function restarted(node: ImNode, epoch: number, options: ImNodeOptions = {}): Promise<ImNode> {
  const store = node.store.crash({ completion: { type: 'immediate' } });
  const next = new ImNode({ clock: node.clock, ...options, store, ownership: new SimOwnership(epoch) });
  await next.runtime.start();
  await next.settle();
  return next;
}

export function open(
  node: ImNode,
  who: string,
  deviceId = 'phone',
  cursor?: sync.PullResponse['nextCursor'],
): TestStream {
  return node.open(
    who,
    create(session.OpenRequestSchema, { deviceId, ...(cursor === undefined ? {} : { cursor }) }),
  );
}

export function direct(
  peer: string,
  clientMessageId: string,
  text = clientMessageId,
): send.SendMessageRequest {
  return create(send.SendMessageRequestSchema, {
    target: { case: 'directUserId', value: peer },
    clientMessageId,
    deviceId: 'phone',
    content: { body: { case: 'text', value: { text } } },
  });
}

export function to(conversationId: string, clientMessageId: string): send.SendMessageRequest {
  const request = direct('x', clientMessageId);
  request.target = { case: 'conversationId', value: conversationId };
  return request;
}

export function ordered(
  request: send.SendMessageRequest,
  deviceSeq: number,
  settled: number,
): send.SendMessageRequest {
  request.order = create(send.SendOrderSchema, {
    session: 7n,
    deviceSeq: BigInt(deviceSeq),
    settledDeviceSeq: BigInt(settled),
  });
  return request;
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof StarlingError, String(error));
    assert.ok(error.code in ERRORS);
    return error.code;
  }
  return 'OK';
}

/** A user's whole timeline, by pulls. */
export async function timeline(node: ImNode, who: string): Promise<sync.Delivery[]> {
  const all: sync.Delivery[] = [];
  const { cursor: pinned } = await listConversations(node, who, {});
  assert.ok(pinned !== undefined);
  let cursor = { timelineIncarnation: pinned.timelineIncarnation, userSeq: 0n, check: 0n };
  for (;;) {
    const page = await pull(node, who, { cursor });
    assert.equal(page.fullSync, undefined);
    if (page.deliveries.length === 0 || page.nextCursor === undefined) return all;
    all.push(...page.deliveries);
    cursor = page.nextCursor;
  }
}

export function textsOf(deliveries: readonly sync.Delivery[]): string[] {
  return deliveries.flatMap(({ entry }) =>
    entry.case === 'message' && entry.value.content?.body.case === 'text'
      ? [entry.value.content.body.value.text]
      : [],
  );
}
