import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as session from '../../proto/gen/starling/im/v1/session_pb.ts';
import type * as sync from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { FullSync_Reason } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { settle } from '../../runtime/testing/index.ts';
import {
  ack,
  codeOf,
  direct,
  kickDevice,
  listConversations,
  listDevices,
  open,
  pull,
  sendMessage,
  start,
  textsOf,
} from '../testing/im-client.ts';

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

  it('keeps its stream when the client of another one left before its turn', async () => {
    const node = await start();
    const live = open(node, 'bob');
    await node.settle();
    open(node, 'bob').leave();
    await node.settle();
    assert.equal(live.closed, false);
    assert.deepEqual(live.of('kicked'), []);
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

  it('long-polls no longer than its client waits', async () => {
    const node = await start();
    const { cursor } = await listConversations(node, 'bob', {});
    const ended = codeOf(pull(node, 'bob', { ...(cursor && { cursor }), waitMs: 20_000 }, 3_000));
    await node.clock.advance(3_000);
    assert.equal(await Promise.race([ended, settle().then(() => 'still waiting')]), 'DEADLINE_EXCEEDED');
  });

  it('keeps the push window when an acknowledgement names another incarnation of the timeline', async () => {
    const node = await start({ limits: { windowDeliveriesMax: 2 } });
    const bob = open(node, 'bob');
    await node.settle();
    await sendMessage(node, 'alice', direct('bob', '1'));
    await node.settle();
    await ack(node, 'bob', {
      deviceId: 'phone',
      cursor: { timelineIncarnation: 7n, userSeq: 2n, check: 0n },
    });
    await sendMessage(node, 'alice', direct('bob', '2'));
    await node.settle();
    assert.deepEqual(bob.texts(), ['1'], 'the window is still full');
  });
});
