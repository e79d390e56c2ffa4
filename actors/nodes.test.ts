import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shardOf } from '../runtime/index.ts';
import { latch, SimClock, SimNetwork, SimOwnership, SimStore } from '../runtime/testing/index.ts';
import {
  codeOf,
  createGroup,
  direct,
  sendMessage,
  textsOf,
  timeline,
  to,
  upsertUsers,
} from './testing/im-client.ts';
import { ImNode } from './testing/im-node.ts';

const NODES = ['n1', 'n2', 'n3'];
const SHARDS = 16;
const PEOPLE = Array.from({ length: 12 }, (_, i) => `user${i}`);

/** The node of a person or group. */
const nodeOf = (id: string): string | undefined => NODES[shardOf(`main/${id}`, SHARDS) % NODES.length];

/** Three nodes over one store; each serves every third shard. */
async function cluster() {
  const network = new SimNetwork(NODES);
  const store = new SimStore({ type: 'immediate' });
  const clock = new SimClock();
  const nodes = NODES.map((node, i) => {
    const ownership = new SimOwnership();
    for (let shard = 0; shard < SHARDS; shard++) if (shard % NODES.length !== i) ownership.lose(shard);
    return new ImNode({ node, network, store, clock, ownership, seed: i + 1 });
  });
  for (const node of nodes) await node.runtime.start();
  const [first] = nodes;
  assert.ok(first !== undefined);
  await upsertUsers(first, 'backend', { users: PEOPLE.map((userId) => ({ userId })) });
  const homeOf = (userId: string): ImNode => {
    const home = nodes[shardOf(`main/${userId}`, SHARDS) % NODES.length];
    assert.ok(home !== undefined);
    return home;
  };
  return { network, clock, nodes, first, homeOf };
}

async function withGroup() {
  const made = await cluster();
  const { first, homeOf } = made;
  const asked = { name: 'All', memberUserIds: PEOPLE.slice(1), requestId: 'r1' };
  const { group } = await createGroup(homeOf('user0'), 'user0', asked);
  assert.ok(group !== undefined);
  await first.settle();
  return { ...made, id: group.conversationId };
}

describe('several nodes', () => {
  it('serve a person wherever a call comes in', async () => {
    const { nodes, first } = await cluster();
    for (const [i, node] of nodes.entries()) await sendMessage(node, 'user0', direct('user1', `m${i}`));
    await first.settle();
    for (const node of nodes) assert.deepEqual(textsOf(await timeline(node, 'user1')), ['m0', 'm1', 'm2']);
  });

  it('get one envelope each for a message to a group, and none for the node of the group', async () => {
    const { network, first, homeOf, id } = await withGroup();
    const groupNode = NODES[shardOf(`main/${id}`, SHARDS) % NODES.length];
    const before = network.sent.length;
    await sendMessage(homeOf('user0'), 'user0', to(id, 'hello'));
    await first.settle();
    const fromGroup = network.sent.slice(before).filter(({ from }) => from === groupNode);
    assert.deepEqual(
      fromGroup.map((one) => one.to).sort(),
      NODES.filter((node) => node !== groupNode),
    );
    for (const userId of PEOPLE)
      assert.deepEqual(textsOf(await timeline(homeOf(userId), userId)), ['hello'], userId);
  });

  it('deliver once and in order when envelopes and answers are lost or come twice', async () => {
    const { network, clock, homeOf, id } = await withGroup();
    const fates = ['lost', 'carried', 'answer_lost', 'twice', 'carried', 'lost'] as const;
    let n = 0;
    const groupNode = NODES[shardOf(`main/${id}`, SHARDS) % NODES.length];
    network.decide((from) => (from === groupNode ? (fates[n++ % fates.length] ?? 'carried') : 'carried'));
    const texts = Array.from({ length: 8 }, (_, i) => `m${i}`);
    const sender = PEOPLE.find(
      (userId) => NODES[shardOf(`main/${userId}`, SHARDS) % NODES.length] === groupNode,
    );
    assert.ok(sender !== undefined);
    for (const text of texts) await sendMessage(homeOf(sender), sender, to(id, text));
    await clock.advance(120_000);
    assert.ok(n > fates.length, 'the faults were met');
    for (const userId of PEOPLE)
      assert.deepEqual(textsOf(await timeline(homeOf(userId), userId)), texts, userId);
  });

  it('go on delivering to a member who came back before the word that it was absent arrived', async () => {
    const { network, clock, first, homeOf, id } = await withGroup();
    const groupNode = nodeOf(id);
    const sender = PEOPLE.find((userId) => nodeOf(userId) === groupNode);
    const member = PEOPLE.find((userId) => nodeOf(userId) !== groupNode);
    assert.ok(sender !== undefined && member !== undefined);
    await clock.advance(300_000);
    const held = latch();
    network.decide((from, to) =>
      from === groupNode && to === nodeOf(member) ? { answerAfter: held.promise } : 'carried',
    );
    await sendMessage(homeOf(sender), sender, to(id, 'one'));
    await first.settle();
    network.decide(() => 'carried');
    assert.deepEqual(textsOf(await timeline(homeOf(member), member)), ['one'], 'it has come back');
    held.open();
    await first.settle();
    await sendMessage(homeOf(sender), sender, to(id, 'two'));
    await first.settle();
    assert.deepEqual(textsOf(await timeline(homeOf(member), member)), ['one', 'two']);
  });

  it('tell a caller on another node the typed error of an actor', async () => {
    const { nodes, first, id } = await withGroup();
    await upsertUsers(first, 'backend', { users: [{ userId: 'stranger' }] });
    for (const node of nodes)
      assert.equal(await codeOf(sendMessage(node, 'stranger', to(id, 'no'))), 'NOT_A_MEMBER');
  });
});
