// Longer than 300 lines because the cases of one subject share their set-up.
// What members get, through failing receivers, crashes at every step and logs longer than one fan-out (rules 10 and 13).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
import * as sync from '../../proto/gen/starling/im/v1/sync_pb.ts';
import * as server from '../../proto/gen/starling/server/v1/server_pb.ts';
import { SimOwnership, SimRandom, type SimStore, settle } from '../../runtime/testing/index.ts';
import { ImNode, type ImNodeOptions } from '../testing/im-node.ts';

function caller<I extends DescMessage, O extends DescMessage>(
  service: string,
  method: string,
  input: I,
  output: O,
) {
  return (node: ImNode, who: string, init: MessageInitShape<I>): Promise<MessageShape<O>> =>
    node.call(who, `starling.${service}`, method, create(input, init), {
      decode: (bytes) => fromBinary(output, bytes),
    });
}

const sendMessage = caller(
  'im.v1.MessageService',
  'sendMessage',
  send.SendMessageRequestSchema,
  send.SendMessageResponseSchema,
);
const listMessages = caller(
  'im.v1.MessageService',
  'listMessages',
  send.ListMessagesRequestSchema,
  send.ListMessagesResponseSchema,
);
const pull = caller('im.v1.SyncService', 'pull', sync.PullRequestSchema, sync.PullResponseSchema);
const listConversations = caller(
  'im.v1.ConversationService',
  'listConversations',
  conv.ListConversationsRequestSchema,
  conv.ListConversationsResponseSchema,
);
const createGroup = caller(
  'im.v1.GroupService',
  'createGroup',
  groups.CreateGroupRequestSchema,
  groups.CreateGroupResponseSchema,
);
const addMembers = caller(
  'im.v1.GroupService',
  'addMembers',
  groups.AddMembersRequestSchema,
  groups.AddMembersResponseSchema,
);
const removeMembers = caller(
  'im.v1.GroupService',
  'removeMembers',
  groups.RemoveMembersRequestSchema,
  groups.RemoveMembersResponseSchema,
);
const upsertUsers = caller(
  'server.v1.DirectoryService',
  'upsertUsers',
  server.UpsertUsersRequestSchema,
  server.UpsertUsersResponseSchema,
);
const sendAsSystem = caller(
  'server.v1.ConversationService',
  'sendMessages',
  server.SendMessagesRequestSchema,
  server.SendMessagesResponseSchema,
);

const MEMBERS = ['alice', 'bob', 'carol'];

async function withGroup(options: ImNodeOptions = {}): Promise<{ node: ImNode; id: string }> {
  const node = new ImNode(options);
  await node.runtime.start();
  await upsertUsers(node, 'backend', { users: MEMBERS.map((userId) => ({ userId })) });
  const { group } = await createGroup(node, 'alice', {
    name: 'Trip',
    memberUserIds: ['bob', 'carol'],
    requestId: 'r1',
  });
  await node.clock.advance(1000);
  return { node, id: group?.conversationId ?? '' };
}

function say(node: ImNode, id: string, text: string, who = 'alice') {
  return sendMessage(node, who, {
    target: { case: 'conversationId', value: id },
    clientMessageId: text,
    deviceId: 'phone',
    content: { body: { case: 'text', value: { text } } },
  });
}

/** The entries of a user's whole timeline, checked to be contiguous, each conversation's in order and once. */
async function timeline(node: ImNode, who: string): Promise<sync.Delivery[]> {
  const { cursor: pinned } = await listConversations(node, who, {});
  assert.ok(pinned !== undefined);
  let cursor = { timelineIncarnation: pinned.timelineIncarnation, userSeq: 0n, check: 0n };
  const all: sync.Delivery[] = [];
  for (;;) {
    const page = await pull(node, who, { cursor });
    assert.equal(page.fullSync, undefined);
    if (page.nextCursor === undefined || page.deliveries.length === 0) break;
    all.push(...page.deliveries);
    cursor = page.nextCursor;
  }
  assert.deepEqual(
    all.map(({ userSeq }) => Number(userSeq)),
    all.map((_one, i) => i + 1),
    'user_seq is contiguous',
  );
  const last = new Map<string, bigint>();
  for (const { entry } of all) {
    if (entry.case !== 'message') continue;
    const { conversationId, conversationSeq } = entry.value;
    assert.ok(conversationSeq > (last.get(conversationId) ?? 0n), 'each entry once and in order');
    last.set(conversationId, conversationSeq);
  }
  return all;
}

async function texts(node: ImNode, who: string): Promise<string[]> {
  return (await timeline(node, who)).flatMap(({ entry }) =>
    entry.case === 'message' && entry.value.content?.body.case === 'text'
      ? [entry.value.content.body.value.text]
      : [],
  );
}

/** The next `count` writes of a user's rows fail. */
function failWrites(node: ImNode, who: string, count: number): void {
  for (let i = 0; i < count; i++)
    node.store.failNext(
      { type: 'unknown_not_applied' },
      ({ actor, rows }) => rows !== undefined && actor.key === `main/${who}`,
    );
}

async function after(store: SimStore, epoch: number, options: ImNodeOptions = {}): Promise<ImNode> {
  const node = new ImNode({ ...options, store, ownership: new SimOwnership(epoch) });
  await node.runtime.start();
  return node;
}

describe('members', () => {
  it('whose writes fail for long get everything in order later, and hold nobody up', async () => {
    const { node, id } = await withGroup();
    failWrites(node, 'bob', 6);
    const said: string[] = [];
    for (let i = 0; i < 5; i++) {
      said.push(`m${i}`);
      await say(node, id, `m${i}`);
      await node.clock.advance(50);
    }
    assert.deepEqual(await texts(node, 'carol'), said);
    await node.clock.advance(120_000);
    assert.deepEqual(await texts(node, 'bob'), said);
  });

  it('D4: who left and came back while they lagged get both memberships whole, the earlier one first', async () => {
    for (let failures = 1; failures <= 5; failures++) {
      const { node, id } = await withGroup();
      await say(node, id, 'zero');
      await node.settle();
      failWrites(node, 'bob', failures);
      await say(node, id, 'one');
      await node.clock.advance(50);
      await removeMembers(node, 'alice', { conversationId: id, userIds: ['bob'] });
      await say(node, id, 'unseen');
      await addMembers(node, 'alice', { conversationId: id, userIds: ['bob'] });
      await say(node, id, 'two');
      await node.clock.advance(120_000);
      assert.deepEqual(await texts(node, 'bob'), ['zero', 'one', 'two'], `${failures} failures`);
      assert.deepEqual(await texts(node, 'carol'), ['zero', 'one', 'unseen', 'two']);
    }
  });

  it('get what is more than one fan-out, also where memory does not hold all of it', async () => {
    const { node, id } = await withGroup({ limits: { fanOutEntriesMax: 2 } });
    node.store.failNext({ type: 'unknown_not_applied' }, ({ actor }) => actor.key === 'main/carol');
    const said = Array.from({ length: 40 }, (_, i) => `m${i}`);
    await Promise.all(said.map((text) => say(node, id, text)));
    await node.clock.advance(120_000);
    for (const who of MEMBERS) assert.deepEqual(await texts(node, who), said);
  });

  it('get what could not be read back from the log at first', async () => {
    const { node, id } = await withGroup();
    const readRows = node.store.readRows.bind(node.store);
    let failing = 3;
    node.store.readRows = (actor, range, head) =>
      actor.kind === 'group' && failing-- > 0
        ? Promise.reject(new Error('a read failed'))
        : readRows(actor, range, head);
    failWrites(node, 'bob', 1);
    await say(node, id, 'one');
    await node.clock.advance(120_000);
    assert.ok(failing <= 0, 'reads did fail');
    assert.deepEqual(await texts(node, 'bob'), ['one']);
  });

  it('I10: get every acked entry once and in order after a crash at any step, with no further call', async () => {
    for (let steps = 0; steps < 26; steps++) {
      const { node: first, id } = await withGroup({ runtimeLimits: { checkpointRows: 1 } });
      const store = first.store.crash({ completion: { type: 'manual' } });
      const options = { runtimeLimits: { checkpointRows: 1 }, clock: first.clock };
      const node = new ImNode({ ...options, store, ownership: new SimOwnership(65_537) });
      const acked: string[] = [];
      for (const text of ['one', 'two', 'three']) {
        say(node, id, text).then(
          () => acked.push(text),
          () => {},
        );
      }
      for (let i = 0; i < steps; i++) {
        await settle();
        store.flush(1);
      }
      await settle();
      const left = store.crash({ completion: { type: 'immediate' }, random: new SimRandom(steps) });
      const next = await after(left, 65_538, options);
      await next.clock.advance(60_000);
      const log = await listMessages(next, 'alice', { conversationId: id });
      const logged = log.messages.flatMap(({ content }) =>
        content?.body.case === 'text' ? [content.body.value.text] : [],
      );
      for (const text of acked) assert.ok(logged.includes(text), `${text} was acked, ${steps} steps`);
      for (const who of MEMBERS) assert.deepEqual(await texts(next, who), logged, `${who}, ${steps} steps`);
    }
  });

  it('rule 10: are served by the owner after next too, when the next one dies before it has finished', async () => {
    const { node, id } = await withGroup();
    failWrites(node, 'bob', 100);
    await say(node, id, 'one');
    await node.settle();
    const second = new ImNode({
      store: node.store.crash({ completion: { type: 'immediate' } }),
      ownership: new SimOwnership(65_537),
    });
    failWrites(second, 'bob', 100);
    await second.runtime.start();
    await second.settle();
    const third = await after(second.store.crash(), 65_538);
    await third.clock.advance(10_000);
    assert.deepEqual(await texts(third, 'bob'), ['one']);
  });

  it('D3: that lag are not forgotten by the checkpoint of a node that stops', async () => {
    const { node, id } = await withGroup();
    failWrites(node, 'bob', 100);
    for (const text of ['one', 'two', 'three']) {
      await say(node, id, text);
      await node.settle();
    }
    const stopped = node.runtime.stop(1000);
    await node.clock.advance(2000);
    await stopped;
    const next = await after(node.store.crash({ completion: { type: 'immediate' } }), 65_537);
    await next.clock.advance(10_000);
    assert.deepEqual(await texts(next, 'bob'), ['one', 'two', 'three']);
  });

  it('D3: that have not answered are not passed over by a checkpoint', async () => {
    const { node, id } = await withGroup({ runtimeLimits: { checkpointRows: 1 } });
    const commit = node.store.commit.bind(node.store);
    node.store.commit = (wanted) =>
      wanted.actor.key === 'main/bob' && wanted.rows !== undefined ? new Promise(() => {}) : commit(wanted);
    await removeMembers(node, 'alice', { conversationId: id, userIds: ['carol'] });
    await node.clock.advance(1000);
    const next = await after(node.store.crash({ completion: { type: 'immediate' } }), 65_537);
    await next.clock.advance(10_000);
    assert.equal((await timeline(next, 'bob')).length, 2);
  });
});

describe('a conversation', () => {
  it('I6: writes a repeat once, however long ago it was said and whatever memory has forgotten', async () => {
    const options = { limits: { sentIdsInMemoryMax: 2 }, runtimeLimits: { checkpointRows: 2 } };
    const { node, id } = await withGroup(options);
    const said = Array.from({ length: 8 }, (_, i) => `m${i}`);
    const first = [];
    for (const text of said) first.push(await say(node, id, text));
    const batch = {
      target: { case: 'conversationId' as const, value: id },
      messages: said.map((text) => ({
        senderUserId: 'alice',
        clientMessageId: text,
        content: { body: { case: 'text' as const, value: { text } } },
      })),
    };
    const { results } = await sendAsSystem(node, 'backend', batch);
    assert.deepEqual(
      results.map(({ messageId }) => messageId),
      first.map(({ messageId }) => messageId),
    );
    assert.ok(results.every(({ repeatedSend }) => repeatedSend));
    await node.clock.advance(1000);
    const next = await after(node.store.crash({ completion: { type: 'immediate' } }), 65_537, options);
    for (const [i, text] of said.entries()) assert.deepEqual(await say(next, id, text), first[i]);
    const { messages } = await listMessages(next, 'alice', { conversationId: id });
    assert.equal(messages.length, 1 + said.length);
  });

  it('rule 19: dates nothing before what was there, in its log and in timelines, when the clock runs backwards', async () => {
    const { node, id } = await withGroup();
    await say(node, id, 'one');
    node.clock.jump(-3_600_000);
    await say(node, id, 'two');
    await sendMessage(node, 'bob', {
      target: { case: 'directUserId', value: 'alice' },
      clientMessageId: 'direct',
      deviceId: 'phone',
      content: { body: { case: 'text', value: { text: 'direct' } } },
    });
    await node.settle();
    for (const who of ['alice', 'bob']) {
      const times = (await timeline(node, who)).map(({ timeMs }) => timeMs);
      assert.deepEqual(
        times,
        [...times].sort((a, b) => Number(a - b)),
      );
    }
  });
});
