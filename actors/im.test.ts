import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import * as conv from '../proto/gen/starling/im/v1/conversation_pb.ts';
import * as groups from '../proto/gen/starling/im/v1/group_pb.ts';
import * as send from '../proto/gen/starling/im/v1/send_pb.ts';
import * as session from '../proto/gen/starling/im/v1/session_pb.ts';
import * as sync from '../proto/gen/starling/im/v1/sync_pb.ts';
import * as server from '../proto/gen/starling/server/v1/server_pb.ts';
import { ERRORS, StarlingError } from '../runtime/index.ts';
import { SimClock, SimOwnership, SimStore } from '../runtime/testing/index.ts';
import { ImNode, type ImNodeOptions, type TestStream } from './testing/im-node.ts';

const { FullSync_Reason } = sync;

/** Calls one method; the schema of the answer tells how an encoded one is read. */
function caller<I extends DescMessage, O extends DescMessage>(
  service: string,
  method: string,
  input: I,
  output: O,
) {
  return (node: ImNode, who: string, init: MessageInitShape<I>): Promise<MessageShape<O>> =>
    node.call(who, service, method, create(input, init), { decode: (bytes) => fromBinary(output, bytes) });
}

const IM = 'starling.im.v1';
const sendMessage = caller(
  `${IM}.MessageService`,
  'sendMessage',
  send.SendMessageRequestSchema,
  send.SendMessageResponseSchema,
);
const listMessages = caller(
  `${IM}.MessageService`,
  'listMessages',
  send.ListMessagesRequestSchema,
  send.ListMessagesResponseSchema,
);
const pull = caller(`${IM}.SyncService`, 'pull', sync.PullRequestSchema, sync.PullResponseSchema);
const ack = caller(`${IM}.SessionService`, 'ack', session.AckRequestSchema, session.AckResponseSchema);
const listDevices = caller(
  `${IM}.SessionService`,
  'listDevices',
  session.ListDevicesRequestSchema,
  session.ListDevicesResponseSchema,
);
const kickDevice = caller(
  `${IM}.SessionService`,
  'kickDevice',
  session.KickDeviceRequestSchema,
  session.KickDeviceResponseSchema,
);
const listConversations = caller(
  `${IM}.ConversationService`,
  'listConversations',
  conv.ListConversationsRequestSchema,
  conv.ListConversationsResponseSchema,
);
const markRead = caller(
  `${IM}.ConversationService`,
  'markRead',
  conv.MarkReadRequestSchema,
  conv.MarkReadResponseSchema,
);
const createGroup = caller(
  `${IM}.GroupService`,
  'createGroup',
  groups.CreateGroupRequestSchema,
  groups.CreateGroupResponseSchema,
);
const addMembers = caller(
  `${IM}.GroupService`,
  'addMembers',
  groups.AddMembersRequestSchema,
  groups.AddMembersResponseSchema,
);
const removeMembers = caller(
  `${IM}.GroupService`,
  'removeMembers',
  groups.RemoveMembersRequestSchema,
  groups.RemoveMembersResponseSchema,
);
const upsertUsers = caller(
  'starling.server.v1.DirectoryService',
  'upsertUsers',
  server.UpsertUsersRequestSchema,
  server.UpsertUsersResponseSchema,
);

const USERS = ['alice', 'bob', 'carol', 'dave'];

async function start(options: ImNodeOptions = {}): Promise<ImNode> {
  const node = new ImNode(options);
  await node.runtime.start();
  await upsertUsers(node, 'backend', { users: USERS.map((userId) => ({ userId })) });
  return node;
}

/** The node after a power cut: everything durable, nothing else. */
async function restarted(node: ImNode, epoch: number, options: ImNodeOptions = {}): Promise<ImNode> {
  const store = node.store.crash({ completion: { type: 'immediate' } });
  const next = new ImNode({ clock: node.clock, ...options, store, ownership: new SimOwnership(epoch) });
  await next.runtime.start();
  await next.settle();
  return next;
}

function open(
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

function direct(peer: string, clientMessageId: string, text = clientMessageId): send.SendMessageRequest {
  return create(send.SendMessageRequestSchema, {
    target: { case: 'directUserId', value: peer },
    clientMessageId,
    deviceId: 'phone',
    content: { body: { case: 'text', value: { text } } },
  });
}

function to(conversationId: string, clientMessageId: string): send.SendMessageRequest {
  const request = direct('x', clientMessageId);
  request.target = { case: 'conversationId', value: conversationId };
  return request;
}

function ordered(
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

async function codeOf(promise: Promise<unknown>): Promise<string> {
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
async function timeline(node: ImNode, who: string): Promise<sync.Delivery[]> {
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

function textsOf(deliveries: readonly sync.Delivery[]): string[] {
  return deliveries.flatMap(({ entry }) =>
    entry.case === 'message' && entry.value.content?.body.case === 'text'
      ? [entry.value.content.body.value.text]
      : [],
  );
}

describe('a direct chat', () => {
  it('comes to be with its first message, which both sides are pushed', async () => {
    const node = await start();
    const alice = open(node, 'alice');
    const bob = open(node, 'bob');
    await node.settle();
    const sent = await sendMessage(node, 'alice', direct('bob', 'm1', 'hello'));
    await node.settle();
    assert.equal(sent.conversationId, 'd_alice~bob');
    assert.equal(sent.conversationSeq, 2n, 'the first entry says that the conversation came to be');
    assert.deepEqual(bob.texts(), ['hello']);
    assert.deepEqual(alice.texts(), ['hello'], "the sender's own devices get it too");
  });

  it('yields the same answer to a repeat and writes it once', async () => {
    const node = await start();
    const first = await sendMessage(node, 'alice', direct('bob', 'm1'));
    const again = await sendMessage(node, 'alice', direct('bob', 'm1'));
    assert.deepEqual(again, first);
    assert.equal(await codeOf(sendMessage(node, 'alice', direct('bob', 'm1', 'other'))), 'ID_REUSED');
    await node.settle();
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['m1']);
  });

  it('refuses a peer that nobody knows, and writes nothing', async () => {
    const node = await start();
    assert.equal(await codeOf(sendMessage(node, 'alice', direct('nobody', 'm1'))), 'USER_NOT_FOUND');
    assert.equal((await listConversations(node, 'alice', {})).conversations.length, 0);
  });

  it('keeps messages and timelines across a power cut, and delivers what was acked but not yet delivered', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', 'm1'));
    await node.settle();
    node.store.failNext(
      { type: 'late' },
      (commit) => commit.actor.kind === 'user' && commit.actor.key === 'main/bob',
    );
    await sendMessage(node, 'alice', direct('bob', 'm2'));
    const next = await restarted(node, 65_537);
    assert.deepEqual(textsOf(await timeline(next, 'bob')), ['m1', 'm2']);
    const again = await sendMessage(next, 'alice', direct('bob', 'm2'));
    assert.equal(again.conversationSeq, 3n, 'a repeat after the cut finds the message');
    const history = await listMessages(next, 'bob', { conversationId: 'd_alice~bob' });
    assert.deepEqual(
      history.messages.map((message) => message.conversationSeq),
      [1n, 2n, 3n],
    );
  });
});

describe('the order of sends', () => {
  it('holds a send until the one before it has come', async () => {
    const node = await start();
    const second = sendMessage(node, 'alice', ordered(direct('bob', 'b'), 2, 0));
    await node.settle();
    const first = sendMessage(node, 'alice', ordered(direct('bob', 'a'), 1, 0));
    await Promise.all([first, second]);
    await node.settle();
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['a', 'b']);
  });

  it('answers OUT_OF_ORDER with the number it misses when the gap lasts', async () => {
    const node = await start();
    const second = sendMessage(node, 'alice', ordered(direct('bob', 'b'), 2, 0));
    const refused = second.then(
      () => undefined,
      (error: unknown) => error as StarlingError,
    );
    await node.clock.advance(2500);
    const error = await refused;
    assert.equal(error?.code, 'OUT_OF_ORDER');
    assert.equal(error?.metadata['expected'], '1');
  });

  it('never writes a lower number once the client has settled it', async () => {
    const node = await start();
    await sendMessage(node, 'alice', ordered(direct('bob', 'b'), 2, 1));
    assert.equal(await codeOf(sendMessage(node, 'alice', ordered(direct('bob', 'a'), 1, 0))), 'SUPERSEDED');
  });

  it('lets nothing overtake a send whose outcome is unknown', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', 'm0'));
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.kind === 'group');
    const first = codeOf(sendMessage(node, 'alice', ordered(direct('bob', 'a'), 1, 0)));
    const second = codeOf(sendMessage(node, 'alice', ordered(direct('bob', 'b'), 2, 0)));
    assert.deepEqual(await Promise.all([first, second]), ['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
    const again = [
      sendMessage(node, 'alice', ordered(direct('bob', 'b'), 2, 0)),
      sendMessage(node, 'alice', ordered(direct('bob', 'a'), 1, 0)),
    ];
    await Promise.all(again);
    await node.settle();
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['m0', 'a', 'b']);
  });
});

describe('a group', () => {
  async function withGroup(options: ImNodeOptions = {}) {
    const node = await start(options);
    const { group } = await createGroup(node, 'alice', {
      name: 'Trip',
      memberUserIds: ['bob'],
      requestId: 'r1',
    });
    assert.ok(group !== undefined);
    await node.settle();
    return { node, id: group.conversationId };
  }

  it('is made once, however often the request comes', async () => {
    const { node, id } = await withGroup();
    const again = await createGroup(node, 'alice', { name: 'Trip', memberUserIds: ['bob'], requestId: 'r1' });
    assert.equal(again.group?.conversationId, id);
    assert.equal(again.group?.lastSeq, 1n);
  });

  it('shows a new member what is said from then on, and somebody who left nothing more', async () => {
    const { node, id } = await withGroup();
    await sendMessage(node, 'alice', to(id, 'before'));
    await addMembers(node, 'alice', { conversationId: id, userIds: ['carol'] });
    await sendMessage(node, 'alice', to(id, 'while'));
    await removeMembers(node, 'alice', { conversationId: id, userIds: ['carol'] });
    await sendMessage(node, 'alice', to(id, 'after'));
    await node.settle();
    assert.deepEqual(textsOf(await timeline(node, 'carol')), ['while']);
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['before', 'while', 'after']);
    assert.equal(await codeOf(sendMessage(node, 'carol', to(id, 'no'))), 'NOT_A_MEMBER');
    const history = await listMessages(node, 'carol', { conversationId: id });
    assert.deepEqual(
      history.messages.map((message) => message.conversationSeq),
      [3n, 4n, 5n],
      'from joining to leaving',
    );
  });

  it('gives somebody who left and came back each entry of both memberships once', async () => {
    const { node, id } = await withGroup();
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.key === 'main/bob');
    await sendMessage(node, 'alice', to(id, 'one'));
    await removeMembers(node, 'alice', { conversationId: id, userIds: ['bob'] });
    await sendMessage(node, 'alice', to(id, 'unseen'));
    await addMembers(node, 'alice', { conversationId: id, userIds: ['bob'] });
    await sendMessage(node, 'alice', to(id, 'two'));
    await node.clock.advance(20_000);
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['one', 'two']);
  });

  it('brings a member up to date whose writes failed, and the others meanwhile', async () => {
    const { node, id } = await withGroup();
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.key === 'main/bob');
    await sendMessage(node, 'alice', to(id, 'a'));
    await sendMessage(node, 'alice', to(id, 'b'));
    await node.settle();
    assert.deepEqual(textsOf(await timeline(node, 'alice')), ['a', 'b']);
    await node.clock.advance(10_000);
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['a', 'b']);
  });
});

describe('a device', () => {
  it('is told to pull when its window is full, and pushed again once it has caught up', async () => {
    const node = await start({ limits: { windowDeliveriesMax: 2 } });
    const bob = open(node, 'bob');
    await node.settle();
    for (const id of ['1', '2', '3', '4']) {
      await sendMessage(node, 'alice', direct('bob', id));
      await node.settle();
    }
    assert.deepEqual(bob.texts(), ['1'], 'the founding entry and the first message fill the window');
    assert.equal(bob.of('notify').length > 0, true);
    const welcome = bob.of('welcome')[0];
    assert.ok(welcome !== undefined);
    const cursor = { timelineIncarnation: welcome.timelineIncarnation, userSeq: 0n, check: 0n };
    const page = await pull(node, 'bob', { cursor, deviceId: 'phone' });
    assert.deepEqual(textsOf(page.deliveries), ['1', '2', '3', '4']);
    assert.ok(page.nextCursor !== undefined);
    await ack(node, 'bob', { deviceId: 'phone', cursor: page.nextCursor });
    await sendMessage(node, 'alice', direct('bob', '5'));
    await node.settle();
    assert.deepEqual(bob.texts(), ['1', '5']);
  });

  it('goes on from its cursor, and rebuilds where that can not be', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', '1'));
    await node.settle();
    const { cursor } = await listConversations(node, 'bob', {});
    assert.ok(cursor !== undefined);
    await sendMessage(node, 'alice', direct('bob', '2'));
    await node.settle();
    assert.deepEqual(textsOf((await pull(node, 'bob', { cursor })).deliveries), ['2']);
    const reasonOf = async (bad: sync.PullResponse['nextCursor']) =>
      (await pull(node, 'bob', bad === undefined ? {} : { cursor: bad })).fullSync?.reason;
    assert.equal(await reasonOf(undefined), FullSync_Reason.NO_CURSOR);
    assert.equal(await reasonOf({ ...cursor, check: cursor.check ^ 1n }), FullSync_Reason.MISMATCH);
    assert.equal(await reasonOf({ ...cursor, userSeq: 2n ** 63n }), FullSync_Reason.MISMATCH);
    assert.equal(await reasonOf({ ...cursor, timelineIncarnation: 5n }), FullSync_Reason.INCARNATION);
  });

  it('has to rebuild when what it missed was trimmed', async () => {
    const node = await start({ limits: { ringRowsMax: 10 } });
    await sendMessage(node, 'alice', direct('bob', 'first'));
    await node.settle();
    const { cursor } = await listConversations(node, 'bob', {});
    assert.ok(cursor !== undefined);
    for (let i = 0; i < 20; i++) await sendMessage(node, 'alice', direct('bob', `m${i}`));
    await node.settle();
    const answer = await pull(node, 'bob', { cursor });
    assert.equal(answer.fullSync?.reason, FullSync_Reason.TRIMMED);
  });

  it('takes over from an older stream of its own', async () => {
    const node = await start();
    const older = open(node, 'bob');
    await node.settle();
    const newer = open(node, 'bob');
    await node.settle();
    assert.equal(older.closed, true);
    assert.equal(older.of('kicked')[0]?.reason, session.Kicked_Reason.REPLACED);
    await sendMessage(node, 'alice', direct('bob', '1'));
    await node.settle();
    assert.deepEqual(newer.texts(), ['1']);
  });

  it('can be signed out, and counts towards a bound', async () => {
    const node = await start({ limits: { devicesMax: 2 } });
    const phone = open(node, 'bob', 'phone');
    open(node, 'bob', 'laptop');
    await node.settle();
    const third = open(node, 'bob', 'third');
    await node.settle();
    assert.equal(third.error?.code, 'TOO_MANY_DEVICES');
    await kickDevice(node, 'bob', { deviceId: 'phone' });
    await node.settle();
    assert.equal(phone.of('kicked')[0]?.reason, session.Kicked_Reason.SIGNED_OUT);
    assert.deepEqual(
      (await listDevices(node, 'bob', {})).devices.map((device) => device.deviceId),
      ['laptop'],
    );
  });

  it('hears a heartbeat with the head, also when the user actor has started anew', async () => {
    const node = await start();
    const bob = open(node, 'bob');
    await node.settle();
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.key === 'main/bob');
    await sendMessage(node, 'alice', direct('bob', '1'));
    await node.clock.advance(45_000);
    const heartbeats = bob.of('heartbeat');
    assert.equal(heartbeats.at(-1)?.headUserSeq, 2n);
    await sendMessage(node, 'alice', direct('bob', '2'));
    await node.settle();
    assert.equal(bob.of('notify').length > 0, true, 'it is told to pull what it missed');
  });

  it('long-polls until there is news', async () => {
    const node = await start();
    const { cursor } = await listConversations(node, 'bob', {});
    const bob = open(node, 'bob');
    await node.settle();
    const welcome = bob.of('welcome')[0];
    assert.ok(cursor !== undefined && welcome !== undefined);
    const waiting = pull(node, 'bob', {
      cursor: { ...cursor, timelineIncarnation: welcome.timelineIncarnation },
      waitMs: 20_000,
    });
    await node.settle();
    await sendMessage(node, 'alice', direct('bob', 'news'));
    assert.deepEqual(textsOf((await waiting).deliveries), ['news']);
  });
});

describe('unread', () => {
  it('counts what others said, is the same after a restart, and falls on all devices when one reads', async () => {
    const node = await start();
    for (const id of ['1', '2', '3']) await sendMessage(node, 'alice', direct('bob', id));
    await node.settle();
    const unread = async (on: ImNode) =>
      (await listConversations(on, 'bob', {})).conversations[0]?.unreadCount;
    assert.equal(await unread(node), 3n);
    const next = await restarted(node, 65_537);
    assert.equal(await unread(next), 3n);
    const laptop = open(next, 'bob', 'laptop');
    await next.settle();
    await markRead(next, 'bob', { conversationId: 'd_alice~bob', readSeq: 3n });
    assert.equal(await unread(next), 1n);
    await next.settle();
    assert.equal(
      await codeOf(markRead(next, 'bob', { conversationId: 'd_alice~bob', readSeq: 99n })),
      'INVALID_REQUEST',
    );
    const seen = (await timeline(next, 'bob')).at(-1)?.entry;
    assert.ok(seen?.case === 'conversationChange');
    assert.equal(seen.value.conversation?.unreadCount, 1n);
    assert.equal(laptop.closed, false);
  });

  it('is zero for what one said oneself', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', '1'));
    await node.settle();
    assert.equal((await listConversations(node, 'alice', {})).conversations[0]?.unreadCount, 0n);
  });
});

describe('a store that fails', () => {
  it('delivers what was acked when the conversation itself ended with a failed write, with no further call', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', '1'));
    await node.settle();
    // The first delivery and the repeat that follows at once.
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.key === 'main/bob');
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.key === 'main/bob');
    await sendMessage(node, 'alice', direct('bob', '2'));
    await node.settle();
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.kind === 'group');
    assert.equal(await codeOf(sendMessage(node, 'carol', to('d_alice~bob', 'no'))), 'NOT_A_MEMBER');
    assert.equal(await codeOf(sendMessage(node, 'alice', direct('bob', '3'))), 'OUTCOME_UNKNOWN');
    await node.clock.advance(30_000);
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['1', '2']);
  });

  it('acks nothing that is not durable, and says so with a code', async () => {
    const node = await start({ store: new SimStore({ type: 'immediate' }), clock: new SimClock() });
    await sendMessage(node, 'alice', direct('bob', '1'));
    node.store.failNext({ type: 'not_done' }, (commit) => commit.actor.kind === 'group');
    assert.equal(await codeOf(sendMessage(node, 'alice', direct('bob', '2'))), 'STORAGE_FULL');
    await sendMessage(node, 'alice', direct('bob', '3'));
    await node.settle();
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['1', '3']);
  });
});
