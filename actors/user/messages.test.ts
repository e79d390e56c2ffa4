import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StarlingError } from '../../runtime/index.ts';
import { SimClock, SimStore } from '../../runtime/testing/index.ts';
import {
  codeOf,
  direct,
  listConversations,
  listMessages,
  markRead,
  open,
  ordered,
  restarted,
  sendMessage,
  start,
  textsOf,
  timeline,
  to,
} from '../testing/im-client.ts';
import type { ImNode } from '../testing/im-node.ts';

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

  it('opens, and so writes, nothing for names that somebody made up', async () => {
    const node = await start();
    const written = async (): Promise<string[]> => [
      ...(await node.store.listActors('user', { actorsMax: 100 })),
      ...(await node.store.listActors('group', { actorsMax: 100 })),
    ];
    await sendMessage(node, 'alice', direct('bob', 'm1'));
    const before = await written();
    assert.equal(await codeOf(sendMessage(node, 'alice', direct('nobody', 'm2'))), 'USER_NOT_FOUND');
    assert.equal(await codeOf(sendMessage(node, 'alice', to('g_nowhere', 'm3'))), 'CONVERSATION_NOT_FOUND');
    assert.equal(
      await codeOf(listMessages(node, 'alice', { conversationId: 'g_nowhere' })),
      'CONVERSATION_NOT_FOUND',
    );
    assert.deepEqual(await written(), before);
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

  it('lets nothing overtake a send whose outcome is unknown: it is posted again with what is behind it', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', 'm0'));
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.kind === 'group');
    const sent = [
      sendMessage(node, 'alice', ordered(direct('bob', 'a'), 1, 0)),
      sendMessage(node, 'alice', ordered(direct('bob', 'b'), 2, 0)),
    ];
    await node.clock.advance(1000);
    const answers = await Promise.all(sent);
    assert.deepEqual(
      answers.map(({ conversationSeq }) => conversationSeq),
      [3n, 4n],
    );
    await node.settle();
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['m0', 'a', 'b']);
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
    const third = sendMessage(node, 'alice', direct('bob', '3'));
    await node.clock.advance(30_000);
    assert.equal((await third).conversationSeq, 4n, 'posted again');
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['1', '2', '3']);
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
