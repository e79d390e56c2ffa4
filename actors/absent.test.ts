// Longer than 300 lines because the cases of one subject share their set-up.
// Members without an activation (rule 20): what a message costs, and that nothing is lost, doubled or out of order.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Delivery } from '../proto/gen/starling/im/v1/sync_pb.ts';
import { type Commit, StarlingError } from '../runtime/index.ts';
import { SimOwnership, SimRandom, settle } from '../runtime/testing/index.ts';
import {
  addMembers,
  createGroup,
  listConversations,
  listMessages,
  open,
  removeMembers,
  restarted,
  sendMessage,
  textsOf,
  timeline,
  to,
  upsertUsers,
} from './testing/im-client.ts';
import { ImNode, type ImNodeOptions } from './testing/im-node.ts';
import { GroupActor } from './types.ts';

const PEOPLE = ['alice', 'bob', 'carol', 'dave'];

/** A group of everybody, of whom nobody is in memory and nobody is marked. */
async function withGroup(people = PEOPLE, options: ImNodeOptions = {}) {
  const first = new ImNode(options);
  await first.runtime.start();
  await upsertUsers(first, 'backend', { users: people.map((userId) => ({ userId })) });
  const asked = { name: 'All', memberUserIds: people.slice(1), requestId: 'r1' };
  const { group } = await createGroup(first, people[0] ?? '', asked);
  assert.ok(group !== undefined);
  await dropAll(first);
  assert.equal(first.runtime.stats().activations, 0);
  return { node: first, id: group.conversationId };
}

/** The same, of whom everybody is marked: the conversation was woken after a crash. */
async function withMarked() {
  const { node, id } = await withGroup();
  return { node: await restarted(node, 65_537), id };
}

const say = (node: ImNode, id: string, text: string) => sendMessage(node, 'alice', to(id, text));

/** Counts what is written from now on. */
function counted(node: ImNode) {
  const counts = { userRows: 0, notes: 0, groupRows: 0 };
  const commit = node.store.commit.bind(node.store);
  node.store.commit = (wanted: Commit) => {
    if (wanted.actor.kind === 'user') counts.userRows += wanted.rows?.length ?? 0;
    if (wanted.actor.kind === 'group') counts.groupRows += wanted.rows?.length ?? 0;
    counts.notes += wanted.notes?.filter(({ present }) => present).length ?? 0;
    return commit(wanted);
  };
  return counts;
}

/** Lets every idle activation be dropped. */
const dropAll = (node: ImNode) => node.clock.advance(200_000);

/** Positions in the conversation that a timeline has, in its order. */
function seqsOf(deliveries: readonly Delivery[]): number[] {
  return deliveries.flatMap(({ entry }) =>
    entry.case === 'message' ? [Number(entry.value.conversationSeq)] : [],
  );
}

/** Positions that belong to somebody's memberships, from the log that alice reads, who is always a member. */
async function belongs(node: ImNode, id: string): Promise<(userId: string) => number[]> {
  const { messages } = await listMessages(node, 'alice', { conversationId: id, pageSize: 200 });
  const log = messages.sort((a, b) => Number(a.conversationSeq - b.conversationSeq));
  return (userId) => {
    let member = false;
    return log.flatMap(({ conversationSeq, content }) => {
      const change = content?.body.case === 'membersChanged' ? content.body.value : undefined;
      if (change?.joinedUserIds.includes(userId) === true) member = true;
      const now = member;
      if (change?.leftUserIds.includes(userId) === true) member = false;
      return now ? [Number(conversationSeq)] : [];
    });
  };
}

/** The timeline, past the faults that are still planned. */
async function patient(node: ImNode, userId: string): Promise<Delivery[]> {
  for (let i = 0; i < 50; i++) {
    try {
      return await timeline(node, userId);
    } catch (error) {
      if (!(error instanceof StarlingError)) throw error;
      await node.clock.advance(1000);
    }
  }
  throw new Error(`${userId} can not be read`);
}

describe('members who are absent', () => {
  it('cost one note once: of 500 with 15 % online a message writes 76 rows and activates nobody', async () => {
    const people = Array.from({ length: 500 }, (_, i) => (i === 0 ? 'alice' : `user${i}`));
    const { node, id } = await withGroup(people);
    for (const userId of people.slice(0, 75)) open(node, userId);
    await node.settle();
    assert.equal(node.runtime.stats().byKind['user'], 75);
    const counts = counted(node);
    await say(node, id, 'one');
    await node.clock.advance(1000);
    assert.deepEqual(counts, { userRows: 75, notes: 425, groupRows: 1 });
    await say(node, id, 'two');
    await node.clock.advance(1000);
    assert.deepEqual(counts, { userRows: 150, notes: 425, groupRows: 2 });
    assert.equal(node.runtime.stats().byKind['user'], 75);
    assert.deepEqual(textsOf(await timeline(node, 'user499')), ['one', 'two']);
  });

  it('are not marked again by a conversation that was dropped from memory meanwhile', async () => {
    const { node, id } = await withGroup();
    await say(node, id, 'one');
    await dropAll(node);
    const counts = counted(node);
    await say(node, id, 'two');
    await node.clock.advance(1000);
    assert.equal(counts.notes, 0);
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['one', 'two']);
  });

  it('get everything on an open stream with no further call, and what is said from then on', async () => {
    const { node, id } = await withGroup();
    const texts = ['one', 'two', 'three'];
    for (const text of texts) await say(node, id, text);
    await node.settle();
    const { cursor } = await listConversations(node, 'bob', {});
    const other = open(node, 'carol');
    await node.settle();
    assert.deepEqual(other.texts(), texts);
    const stream = open(node, 'bob', 'phone', cursor);
    await say(node, id, 'four');
    await node.settle();
    assert.deepEqual(stream.texts(), ['four']);
    assert.deepEqual(other.texts(), [...texts, 'four']);
  });

  it('are never those with an open stream, however long nothing is said', async () => {
    const { node, id } = await withGroup();
    const stream = open(node, 'bob');
    for (let i = 0; i < 3; i++) {
      await node.clock.advance(50_000);
      const deliveries = stream.of('deliveries').flatMap((one) => one.deliveries);
      assert.ok(stream.of('heartbeat').length > i, `${deliveries.length} deliveries`);
    }
    const counts = counted(node);
    await say(node, id, 'one');
    await node.settle();
    assert.deepEqual(counts, { userRows: 2, notes: 2, groupRows: 1 });
  });

  it('D4: who left and came back while absent, twice, have each entry of each membership once', async () => {
    for (const crash of [false, true]) {
      let { node, id } = await withGroup();
      let epoch = 65_538;
      const bob = { conversationId: id, userIds: ['bob'] };
      for (let i = 0; i < 3; i++) {
        await say(node, id, `in${i}`);
        await removeMembers(node, 'alice', bob);
        await say(node, id, `out${i}`);
        if (crash) node = await restarted(node, epoch++);
        else await dropAll(node);
        // Straight to the conversation: the gateway would ask bob's actor who he is, and so bring him back.
        await node.runtime
          .client(GroupActor, `main/${id}`)
          .change({ actorUserId: 'alice', addUserIds: ['bob'] });
      }
      await say(node, id, 'end');
      const had = await timeline(node, 'bob');
      assert.deepEqual(textsOf(had), ['in0', 'in1', 'in2', 'end']);
      assert.deepEqual(seqsOf(had), (await belongs(node, id))('bob'));
    }
  });

  it('N2: get a message whose note was under way when they came back', async () => {
    const { node, id } = await withGroup();
    const commit = node.store.commit.bind(node.store);
    const held = Promise.withResolvers<void>();
    node.store.commit = async (wanted) => {
      if (wanted.notes !== undefined && wanted.actor.key === 'main/bob') await held.promise;
      return commit(wanted);
    };
    await say(node, id, 'one');
    const stream = open(node, 'bob');
    await node.settle();
    assert.deepEqual(stream.texts(), []);
    held.resolve();
    await node.settle();
    assert.deepEqual(stream.texts(), ['one']);
  });

  it('get messages whose notes can not be written at first', async () => {
    const { node, id } = await withGroup();
    for (let i = 0; i < 5; i++)
      node.store.failNext({ type: 'unknown_not_applied' }, ({ notes }) => notes !== undefined);
    await say(node, id, 'one');
    await node.clock.advance(60_000);
    for (const userId of PEOPLE) assert.deepEqual(textsOf(await timeline(node, userId)), ['one'], userId);
  });

  it('keep the mark until what they lacked is durable', async () => {
    const { node, id } = await withGroup();
    await say(node, id, 'one');
    await node.settle();
    const commit = node.store.commit.bind(node.store);
    node.store.commit = (wanted) =>
      wanted.actor.key === 'main/bob' && wanted.rows !== undefined ? new Promise(() => {}) : commit(wanted);
    open(node, 'bob');
    await node.clock.advance(5000);
    const next = await restarted(node, 65_538);
    assert.deepEqual(textsOf(await timeline(next, 'bob')), ['one']);
  });

  it('A2: are delivered to by a conversation that fails right after they came back', async () => {
    const { node, id } = await withGroup();
    await say(node, id, 'one');
    await dropAll(node);
    const commit = node.store.commit.bind(node.store);
    node.store.commit = (wanted) =>
      wanted.actor.kind === 'group' && wanted.head !== undefined ? new Promise(() => {}) : commit(wanted);
    const before = open(node, 'bob');
    await node.clock.advance(5000);
    assert.deepEqual(before.texts(), ['one']);
    const next = await restarted(node, 65_538);
    const stream = open(next, 'bob');
    await next.settle();
    await say(next, id, 'two');
    await next.clock.advance(5000);
    assert.deepEqual(stream.texts().at(-1), 'two');
    assert.deepEqual(textsOf(await timeline(next, 'bob')), ['one', 'two']);
  });

  it('I10: have every acked entry once and in order after a crash at any step of marking and coming back', async () => {
    for (let steps = 0; steps < 40; steps++) {
      const { node: first, id } = await (steps % 2 === 0 ? withGroup() : withMarked());
      await say(first, id, 'zero');
      await dropAll(first);
      const store = first.store.crash({ completion: { type: 'manual' } });
      const node = new ImNode({ clock: first.clock, store, ownership: new SimOwnership(65_538) });
      const acked = ['zero'];
      open(node, 'bob');
      for (const text of ['one', 'two']) {
        say(node, id, text).then(
          () => acked.push(text),
          () => {},
        );
      }
      for (let i = 0; i < steps; i++) {
        if (i === 15) open(node, 'carol');
        await settle();
        store.flush(1);
      }
      await settle();
      const left = store.crash({ completion: { type: 'immediate' }, random: new SimRandom(steps) });
      const next = new ImNode({ clock: first.clock, store: left, ownership: new SimOwnership(65_539) });
      await next.runtime.start();
      await next.clock.advance(30_000);
      const expected = await belongs(next, id);
      for (const userId of PEOPLE) {
        const had = await timeline(next, userId);
        assert.deepEqual(seqsOf(had), expected(userId), `${userId}, ${steps} steps`);
        for (const text of acked) assert.ok(textsOf(had).includes(text), `${text}, ${steps} steps`);
      }
    }
  });
});

type Step =
  | { readonly type: 'say' | 'settle' | 'drop' | 'crash' }
  | { readonly type: 'join' | 'leave' | 'open' | 'fail'; readonly userId: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Step>({ type: 'say' }) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ type: 'settle' }, { type: 'drop' }, { type: 'crash' }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom('join' as const, 'leave' as const, 'open' as const, 'fail' as const),
      userId: fc.constantFrom(...PEOPLE.slice(1)),
    }),
  },
);

describe('timelines', () => {
  it('L9: are the memberships’ ranges of the log, in order, once, through any history', async () => {
    const history = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      let { node, id } = await (steps.length % 2 === 0 ? withGroup() : withMarked());
      let epoch = 65_538;
      const under: Promise<unknown>[] = [];
      // Refusals and unknown outcomes are answers too: what is in the log counts.
      const start = (promise: Promise<unknown>) => under.push(promise.catch(() => {}));
      for (const [i, next] of steps.entries()) {
        const users = 'userId' in next ? { conversationId: id, userIds: [next.userId] } : undefined;
        if (next.type === 'say') start(say(node, id, `m${i}`));
        else if (next.type === 'settle') await node.clock.advance(1000);
        else if (next.type === 'drop') await dropAll(node);
        else if (next.type === 'crash') node = await restarted(node, epoch++);
        else if (next.type === 'open') open(node, next.userId, `d${i % 3}`);
        else if (next.type === 'fail')
          node.store.failNext(
            { type: i % 2 === 0 ? 'unknown_applied' : 'unknown_not_applied' },
            ({ actor }) => actor.key.endsWith(next.userId),
          );
        else if (users !== undefined && next.type === 'join') start(addMembers(node, 'alice', users));
        else if (users !== undefined) start(removeMembers(node, 'alice', users));
        if (i % 3 === 0) await node.settle();
      }
      await node.clock.advance(60_000);
      const expected = await belongs(node, id);
      for (const userId of PEOPLE)
        assert.deepEqual(seqsOf(await patient(node, userId)), expected(userId), userId);
    });
    await fc.assert(history, { seed: 20_260_320, numRuns: 60, endOnFailure: true });
  });
});
