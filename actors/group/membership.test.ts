import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addMembers,
  codeOf,
  createGroup,
  listMessages,
  removeMembers,
  sendMessage,
  start,
  textsOf,
  timeline,
  to,
} from '../testing/im-client.ts';
import type { ImNodeOptions } from '../testing/im-node.ts';

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
