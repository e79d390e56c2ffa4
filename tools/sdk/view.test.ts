import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  ConversationSchema,
  ConversationService,
  ConversationSettingsSchema,
  NotifyLevel,
} from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import {
  ContentSchema,
  GroupChangedSchema,
  MembersChangedSchema,
} from '../../proto/gen/starling/im/v1/message_pb.ts';
import { MessageService } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { ConversationChangeSchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { compareConversations } from './core/view.ts';
import { lost } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const { listMessages } = MessageService.method;

async function ready(): Promise<Harness> {
  const h = new Harness();
  h.server.write('g1');
  await h.connected();
  h.server.pushes = true;
  return h;
}

test('SDK-40: content of others counts as unread; what one says oneself marks everything up to it as read.', async () => {
  const h = await ready();
  h.server.write('g1');
  h.server.write('g1');
  await quiet();
  assert.equal((await h.client.conversation('g1'))?.unreadCount, 3n);
  h.server.write('g1', { senderId: 'alice' });
  await quiet();
  const view = await h.client.conversation('g1');
  assert.deepEqual([view?.unreadCount, view?.readSeq, view?.readContentCount], [0n, 5n, 4n]);
});

test('SDK-40: control entries change name, members and membership, and count as nothing.', async () => {
  const h = await ready();
  const renamed = create(GroupChangedSchema, { info: { type: 2, name: 'New name' } });
  h.server.write('g1', {
    senderId: '',
    content: create(ContentSchema, { body: { case: 'groupChanged', value: renamed } }),
  });
  const left = create(MembersChangedSchema, { leftUserIds: ['alice'], memberCount: 1 });
  h.server.write('g1', {
    senderId: '',
    content: create(ContentSchema, { body: { case: 'membersChanged', value: left } }),
  });
  await quiet();
  const view = await h.client.conversation('g1');
  assert.equal(view?.info?.name, 'New name');
  assert.deepEqual([view?.member, view?.memberCount, view?.unreadCount], [false, 1, 1n]);
  const back = create(MembersChangedSchema, { joinedUserIds: ['alice'], memberCount: 2 });
  h.server.write('g1', {
    senderId: '',
    content: create(ContentSchema, { body: { case: 'membersChanged', value: back } }),
  });
  await quiet();
  const again = await h.client.conversation('g1');
  assert.deepEqual([again?.member, again?.firstReadableSeq, again?.unreadCount], [true, 5n, 0n]);
});

test('SDK-41: a ConversationChange replaces the view; without a last message the one known stays.', async () => {
  const h = await ready();
  const conversation = create(ConversationSchema, {
    conversationId: 'g1',
    member: true,
    memberCount: 2,
    lastSeq: 2n,
    readSeq: 2n,
    readContentCount: 1n,
    settings: { pinned: true },
  });
  h.server.deliver({ case: 'conversationChange', value: create(ConversationChangeSchema, { conversation }) });
  await quiet();
  const view = await h.client.conversation('g1');
  assert.deepEqual([view?.settings?.pinned, view?.unreadCount, view?.readSeq], [true, 0n, 2n]);
  assert.equal(view?.lastMessage?.conversationSeq, 2n);
});

test('SDK-42: an entry that a rebuilt summary holds already is not counted again.', async () => {
  const h = new Harness();
  h.server.write('g1');
  h.server.write('g1');
  h.server.pullMax = 1;
  h.server.intercept = (call, serve) => {
    if (call.method !== 'ListConversations') return undefined;
    const page = serve() as { cursor: unknown };
    // The listing is newer than the cursor it pins.
    return { ...page, cursor: h.server.cursor(1n) };
  };
  await h.connected();
  assert.equal((await h.client.conversation('g1'))?.unreadCount, 2n);
  assert.deepEqual(h.seqs('g1'), [2n, 3n], 'the application gets the entry all the same');
  assert.deepEqual(h.all('conversation'), [], 'the summary does not go back');
});

test('SDK-43: news of a conversation that the view does not have is completed by GetConversation, however long that takes.', async () => {
  const h = new Harness();
  h.server.write('g1');
  h.server.write('g2');
  // The pages of the rebuild have missed g2, and the cursor is behind the entry with which it began.
  let failures = 3;
  h.server.intercept = (call, serve) => {
    if (call.method === 'ListConversations') {
      const page = serve() as { conversations: { conversationId: string }[] };
      const conversations = page.conversations.filter((each) => each.conversationId === 'g1');
      return { ...page, conversations, cursor: h.server.cursor(3n) };
    }
    failures -= call.method === 'GetConversation' ? 1 : 0;
    if (call.method === 'GetConversation' && failures >= 0) throw lost();
    return undefined;
  };
  const connecting = h.client.connect();
  await h.clock.advance(20_000);
  await connecting;
  const view = await h.client.conversation('g2');
  assert.deepEqual([view?.lastSeq, view?.memberCount, view?.unreadCount], [2n, 2, 1n]);
  assert.deepEqual(h.seqs('g2'), [2n]);
});

test('SDK-44: the total of unread leaves out conversations that may not disturb, and is told when it changes.', async () => {
  const h = await ready();
  h.server.write('g2');
  await quiet();
  assert.equal(h.all('unread').at(-1)?.total, 2n);
  const view = h.server.views().get('g2');
  assert.ok(view !== undefined);
  const settings = create(ConversationSettingsSchema, { notifyLevel: NotifyLevel.NONE });
  const conversation = { ...view, settings };
  h.server.deliver({ case: 'conversationChange', value: create(ConversationChangeSchema, { conversation }) });
  await quiet();
  assert.equal(h.all('unread').at(-1)?.total, 1n);
  const told = h.all('unread').length;
  h.server.write('g2');
  await quiet();
  assert.equal(h.all('unread').length, told);
});

test('SDK-45: conversations are listed pinned ones first, then by the time of the last message.', () => {
  const at = (conversationId: string, createTimeMs: bigint, pinned = false) =>
    create(ConversationSchema, { conversationId, lastMessage: { createTimeMs }, settings: { pinned } });
  const sorted = [at('a', 1n), at('b', 3n), at('c', 2n, true), at('d', 3n)].sort(compareConversations);
  assert.deepEqual(
    sorted.map((each) => each.conversationId),
    ['c', 'b', 'd', 'a'],
  );
});

test('SDK-46: history comes from the local store where that has all of it, else from the server, and is kept.', async () => {
  const h = new Harness();
  for (let each = 0; each < 120; each += 1) h.server.write('g1');
  await h.connected();
  const newest = await h.client.history('g1', { limit: 30 });
  assert.deepEqual([newest[0]?.conversationSeq, newest.at(-1)?.conversationSeq], [92n, 121n]);
  assert.equal(h.server.requests(listMessages).length, 1);
  await h.client.history('g1', { limit: 30 });
  assert.equal(h.server.requests(listMessages).length, 1, 'the second time nothing is asked');
  const older = await h.client.history('g1', { beforeSeq: 92n, limit: 200 });
  assert.deepEqual([older.length, older[0]?.conversationSeq], [91, 1n]);
  assert.deepEqual(await h.client.history('g1', { beforeSeq: 1n }), []);
});

test('SDK-46: out of reach of the server history gives what the local store has next to the end, else the error.', async () => {
  const h = new Harness();
  for (let each = 0; each < 20; each += 1) h.server.write('g1');
  await h.connected();
  await h.client.history('g1', { limit: 5 });
  h.server.intercept = () => {
    throw lost();
  };
  assert.equal((await h.client.history('g1', { limit: 10 })).length, 5);
  await assert.rejects(h.client.history('g1', { beforeSeq: 3n }), { code: 'network' });
});

test('SDK-46: settings go out with a mask of what the application named.', async () => {
  const h = await ready();
  h.server.intercept = (call) =>
    call.method === 'UpdateConversation' ? { conversation: create(ConversationSchema) } : undefined;
  await h.client.updateConversation('g1', { pinned: true, notifyLevel: NotifyLevel.NONE });
  const [request] = h.server.requests(ConversationService.method.updateConversation);
  assert.deepEqual(request?.updateMask?.paths, ['pinned', 'notify_level']);
});
