import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Kicked_Reason, OpenRequestSchema } from '../proto/gen/starling/im/v1/session_pb.ts';
import type { PullResponse } from '../proto/gen/starling/im/v1/sync_pb.ts';
import { shardOf } from '../runtime/index.ts';
import { SimClock, SimNetwork, SimOwnership, SimStore } from '../runtime/testing/index.ts';
import type { ImLimits } from './index.ts';
import {
  ack,
  createGroup,
  direct,
  listConversations,
  listDevices,
  navigate,
  open,
  pull,
  sendMessage,
  textsOf,
  to,
  upsertUsers,
} from './testing/im-client.ts';
import { ImNode, type TestStream } from './testing/im-node.ts';

const NODES = ['n1', 'n2', 'n3'];
const SHARDS = 16;
const PEOPLE = Array.from({ length: 12 }, (_, i) => `user${i}`);

type Addresses = (node: string) => string | undefined;

/** Three nodes over one store; each serves every third shard. `bob` is on the second one, his device comes to the first. */
async function cluster(limits: Partial<ImLimits> = {}, addressOf: Addresses = (node) => `http://${node}`) {
  const network = new SimNetwork(NODES);
  const store = new SimStore({ type: 'immediate' });
  const clock = new SimClock();
  const owners = NODES.map((_name, i) => {
    const ownership = new SimOwnership();
    for (let shard = 0; shard < SHARDS; shard++) if (shard % NODES.length !== i) ownership.lose(shard);
    return ownership;
  });
  const nodes = NODES.map(
    (node, i) =>
      new ImNode({
        ...{ node, network, store, clock, limits, addressOf },
        ownership: owners[i] ?? new SimOwnership(),
        seed: i + 1,
      }),
  );
  for (const node of nodes) await node.runtime.start();
  const at = (i: number): ImNode => {
    const node = nodes[i];
    assert.ok(node !== undefined);
    return node;
  };
  await upsertUsers(at(0), 'backend', { users: PEOPLE.map((userId) => ({ userId })) });
  const on = (i: number): string => {
    const found = PEOPLE.find((id) => shardOf(`main/${id}`, SHARDS) % NODES.length === i);
    assert.ok(found !== undefined);
    return found;
  };
  /** Moves the shard of a user in order. */
  const move = async (userId: string, from: number, target: number): Promise<void> => {
    const shard = shardOf(`main/${userId}`, SHARDS);
    const drained = at(from).runtime.drainShard(shard, 1000);
    await clock.advance(50);
    await drained;
    owners[from]?.lose(shard);
    owners[target]?.regain(shard);
    network.moveShard(shard, NODES[target] ?? '');
  };
  return { clock, network, store, nodes, at, on, move, bob: on(1), alice: on(2) };
}

type Cursor = PullResponse['nextCursor'];

async function cursorOf(node: ImNode, who: string): Promise<Cursor> {
  return (await listConversations(node, who, {})).cursor;
}

describe('a device on another node than its user', () => {
  it('is given direct and group messages, in order', async () => {
    const { at, bob, alice, clock } = await cluster();
    const device = open(at(0), bob, 'phone', await cursorOf(at(0), bob));
    await clock.advance(10);
    assert.equal(device.of('welcome').length, 1);
    const asked = { name: 'All', memberUserIds: PEOPLE.filter((id) => id !== alice), requestId: 'r1' };
    const { group } = await createGroup(at(2), alice, asked);
    assert.ok(group !== undefined);
    for (let i = 0; i < 4; i++) {
      await sendMessage(at(i % 3), alice, direct(bob, `d${i}`));
      await sendMessage(at(i % 3), alice, to(group.conversationId, `g${i}`));
    }
    await clock.advance(100);
    const texts = device.texts();
    assert.deepEqual(
      texts.filter((text) => text.startsWith('d')),
      ['d0', 'd1', 'd2', 'd3'],
    );
    assert.deepEqual(
      texts.filter((text) => text.startsWith('g')),
      ['g0', 'g1', 'g2', 'g3'],
    );
    assert.deepEqual((await listDevices(at(0), bob, {})).devices[0]?.connected, true);
  });

  it('has its window there: it is told of news beyond it, and pushed to again once it has pulled and acknowledged', async () => {
    const { at, bob, alice, clock } = await cluster({ windowDeliveriesMax: 3 });
    const cursor = await cursorOf(at(0), bob);
    const device = open(at(0), bob, 'phone', cursor);
    await clock.advance(10);
    for (const text of ['a', 'b', 'c', 'd']) await sendMessage(at(0), alice, direct(bob, text));
    await clock.advance(100);
    assert.deepEqual(device.texts(), ['a', 'b']);
    assert.equal(device.of('notify').length > 0, true);
    const page = await pull(at(0), bob, { deviceId: 'phone', ...(cursor === undefined ? {} : { cursor }) });
    assert.deepEqual(textsOf(page.deliveries), ['a', 'b', 'c', 'd']);
    assert.ok(page.nextCursor !== undefined);
    await ack(at(0), bob, { deviceId: 'phone', cursor: page.nextCursor });
    await sendMessage(at(0), alice, direct(bob, 'e'));
    await clock.advance(100);
    assert.deepEqual(device.texts(), ['a', 'b', 'e']);
  });

  it('is asked to go to the node of its user, once, and not before seconds have passed', async () => {
    const { at, bob, clock } = await cluster();
    const device = open(at(0), bob);
    await clock.advance(4900);
    assert.deepEqual(device.of('rotate'), []);
    await clock.advance(5200);
    assert.deepEqual(
      device.of('rotate').map(({ address, spreadMs }) => [address, spreadMs]),
      [['http://n2', 2000]],
    );
    await clock.advance(60_000);
    assert.equal(device.of('rotate').length, 1);
    assert.equal(device.closed, false, 'it may stay');
  });

  it('is not asked to move where it already is, where all have one address, or where none is known', async () => {
    const near = await cluster();
    const device = open(near.at(1), near.bob);
    await near.clock.advance(30_000);
    assert.deepEqual(device.of('rotate'), []);
    for (const addressOf of [() => 'http://all', () => undefined]) {
      const { at, bob, clock } = await cluster({}, addressOf);
      const other = open(at(0), bob);
      await clock.advance(30_000);
      assert.equal(other.of('welcome').length, 1);
      assert.deepEqual(other.of('rotate'), []);
    }
  });

  it('is asked to move as soon as the address of its node is known', async () => {
    let known = false;
    const { at, bob, clock } = await cluster({}, (node) => (known ? `http://${node}` : undefined));
    const device = open(at(0), bob);
    await clock.advance(15_000);
    known = true;
    await clock.advance(10_000);
    assert.deepEqual(
      device.of('rotate').map(({ address }) => address),
      ['http://n2'],
    );
  });

  it('counts as disconnected once it has left', async () => {
    const { at, bob, clock } = await cluster();
    const device = open(at(0), bob);
    await clock.advance(100);
    device.leave();
    await clock.advance(2000);
    assert.deepEqual((await listDevices(at(0), bob, {})).devices[0]?.connected, false);
  });

  it('counts as disconnected once its node is lost', async () => {
    const { at, bob, clock, network } = await cluster();
    open(at(0), bob);
    await clock.advance(100);
    network.decide((from, target) => (from === 'n1' || target === 'n1' ? 'lost' : 'carried'));
    await clock.advance(8000);
    assert.deepEqual((await listDevices(at(1), bob, {})).devices[0]?.connected, false);
  });

  it('is replaced by its next stream, wherever that is', async () => {
    const { at, bob, alice, clock } = await cluster();
    const first = open(at(0), bob);
    await clock.advance(100);
    const second = open(at(1), bob);
    await clock.advance(100);
    assert.deepEqual(
      first.of('kicked').map(({ reason }) => reason),
      [Kicked_Reason.REPLACED],
    );
    assert.equal(first.closed, true);
    await sendMessage(at(0), alice, direct(bob, 'hello'));
    await clock.advance(100);
    assert.deepEqual(second.texts(), ['hello']);
  });

  it('keeps its stream when an earlier Open of the same client comes late', async () => {
    const { at, bob, clock } = await cluster();
    const asked = (attempt: number) => create(OpenRequestSchema, { deviceId: 'phone', session: 7n, attempt });
    const later = at(1).open(bob, asked(2));
    await clock.advance(100);
    const early = at(0).open(bob, asked(1));
    await clock.advance(100);
    assert.equal(early.error?.code, 'CANCELLED');
    assert.equal(later.closed, false);
    const next = at(0).open(bob, asked(3));
    await clock.advance(100);
    assert.equal(later.closed, true);
    assert.equal(next.of('welcome').length, 1);
  });
});

describe('navigation', () => {
  it('names the node of the user, whichever node is asked', async () => {
    const { at, bob, alice } = await cluster();
    for (const i of [0, 1, 2]) {
      assert.equal((await navigate(at(i), bob, {})).address, 'http://n2');
      assert.equal((await navigate(at(i), alice, {})).address, 'http://n3');
    }
  });

  it('names none where none is known', async () => {
    const { at, bob } = await cluster({}, () => undefined);
    for (const i of [0, 1]) assert.equal((await navigate(at(i), bob, {})).address, '');
  });
});

describe('when the node of a user gives its shard away', () => {
  /** What a client does: it comes again with the cursor of what it has. */
  const resume = (node: ImNode, who: string, before: TestStream, from: Cursor): TestStream => {
    const last = before
      .of('deliveries')
      .flatMap(({ deliveries }) => deliveries)
      .at(-1);
    if (last === undefined || from === undefined) return open(node, who, 'phone', from);
    return open(node, who, 'phone', { ...from, userSeq: last.userSeq, check: last.check });
  };

  for (const [where, first] of [
    ['relayed', 0],
    ['there', 1],
  ] as const) {
    it(`a device that is ${where} is told to come again, later and at random, and goes on where it was`, async () => {
      const { at, bob, alice, clock, move } = await cluster();
      const cursor = await cursorOf(at(0), bob);
      const device = open(at(first), bob, 'phone', cursor);
      await clock.advance(100);
      await sendMessage(at(2), alice, direct(bob, 'before'));
      await clock.advance(100);
      assert.deepEqual(device.texts(), ['before']);
      await move(bob, 1, 2);
      await clock.advance(100);
      assert.deepEqual(
        device.of('rotate').map(({ spreadMs, address }) => [spreadMs, address]),
        [[2000, '']],
      );
      assert.equal(device.error?.code, 'NOT_OWNER');
      await sendMessage(at(0), alice, direct(bob, 'meanwhile'));
      await clock.advance(100);
      assert.equal((await navigate(at(0), bob, {})).address, 'http://n3');
      const again = resume(at(first), bob, device, cursor);
      await clock.advance(100);
      assert.equal(again.of('welcome').length, 1);
      assert.deepEqual(again.of('fullSync'), []);
      await sendMessage(at(1), alice, direct(bob, 'after'));
      await clock.advance(100);
      assert.deepEqual(again.texts(), ['meanwhile', 'after']);
      const last = device.of('deliveries').at(-1)?.deliveries.at(-1);
      assert.ok(cursor !== undefined && last !== undefined);
      const missed = await pull(at(first), bob, {
        deviceId: 'phone',
        cursor: { ...cursor, userSeq: last.userSeq, check: last.check },
      });
      assert.deepEqual(textsOf(missed.deliveries), ['meanwhile', 'after']);
    });
  }

  it('a device that comes while nobody serves it has its Welcome as soon as somebody does', async () => {
    const { at, bob, clock, move } = await cluster();
    await cursorOf(at(0), bob);
    const shard = shardOf(`main/${bob}`, SHARDS);
    const drained = at(1).runtime.drainShard(shard, 1000);
    const device = open(at(0), bob);
    const other = open(at(1), bob, 'tablet');
    await clock.advance(1000);
    await drained;
    assert.equal(device.closed || other.closed, false);
    await move(bob, 1, 2);
    await clock.advance(1000);
    assert.equal(device.of('welcome').length, 1);
    assert.equal(other.of('welcome').length, 1);
  });
});
