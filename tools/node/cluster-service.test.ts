import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SHARDS, three } from '../../cluster/membership/testing/model-cluster.ts';
import { MemberReach, MemberState, ShardFilter } from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { alone, reasonsOf, serviceOf } from './cluster-service.fixture.ts';

describe('the cluster as an operator sees it', () => {
  test('three members that are well share all shards, and nothing is wrong', async () => {
    const cluster = await three();
    const found = await serviceOf(cluster, 'b').getCluster({});
    deepEqual(
      found.members.map(({ node, incarnation, state, reach, answered, lease }) => [
        ...[node, incarnation, state, reach, answered, lease],
      ]),
      ['a', 'b', 'c'].map((node) => [node, `${node}-1`, MemberState.READY, MemberReach.WELL, true, true]),
    );
    equal(found.members.filter(({ planner }) => planner).length, 1);
    const serving = found.members.reduce((sum, { shardsServing }) => sum + shardsServing, 0);
    const desired = found.members.reduce((sum, { shardsDesired }) => sum + shardsDesired, 0);
    deepEqual([serving, desired, found.shardsTotal, found.shardsServed], [SHARDS, SHARDS, SHARDS, SHARDS]);
    deepEqual([found.shardsUnserved, found.shardsMoving, found.alarm], [0, 0, false]);
    deepEqual(found.problems, []);
    equal(found.answeredBy, 'b');
    ok(found.placementVersion > 0n);
  });

  test('a member that does not answer is named with what to do, and its shards are unserved until others have them', async () => {
    const cluster = await three();
    cluster.kill('c');
    const service = serviceOf(cluster, 'a');
    const found = await service.getCluster({});
    deepEqual(reasonsOf(found.problems), ['SHARD_UNSERVED', 'MEMBER_SILENT']);
    ok(found.shardsUnserved > 0);
    match(found.problems[1]?.help ?? '', /starling node remove c$/);
    const shown = await service.getNode({ node: 'c' });
    deepEqual([shown.member?.reach, shown.member?.answered], [MemberReach.SILENT, false]);
    equal(shown.member?.shardsServing, found.shardsUnserved, 'what it announced last is shown');
    await cluster.clock.advance(20_000);
    const after = await service.getCluster({});
    deepEqual([after.members.length, reasonsOf(after.problems)], [2, []]);
  });

  test('a node without a lease of its own takes the silence of others for its own', async () => {
    const cluster = await three();
    cluster.board.down = true;
    await cluster.clock.advance(10_000);
    const [b, c] = ['b', 'c'].map((node) => cluster.controls.get(node));
    cluster.controls.delete('b');
    cluster.controls.delete('c');
    ok(b !== undefined && c !== undefined);
    const found = await serviceOf(cluster, 'a').getCluster({});
    deepEqual(reasonsOf(found.problems), ['LEASE_LOST']);
    equal(found.shardsUnserved, 0);
    await rejects(
      serviceOf(cluster, 'a').removeNode({ node: 'b' }),
      /a has no lease itself, so that it can not tell whether b is gone/,
    );
  });

  test('a store that fails and an alarm are problems', async () => {
    const cluster = await three();
    cluster.table.faultOf = (call) => (call === 'life b-1' ? 'lost' : undefined);
    await cluster.clock.advance(3_500);
    const unwell = await serviceOf(cluster, 'a').getCluster({});
    ok(reasonsOf(unwell.problems).includes('MEMBER_UNWELL'));
    const alarmed = await three();
    alarmed.kill('b');
    alarmed.kill('c');
    await alarmed.clock.advance(20_000);
    const found = await serviceOf(alarmed, 'a').getCluster({});
    equal(found.alarm, true);
    equal(reasonsOf(found.problems)[0], 'ALARM');
    match(found.problems[0]?.help ?? '', /starling node remove [bc]$/);
  });

  test('shards are listed page by page, and narrowed by what is the matter and by node', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    const first = await service.listShards({ pageSize: 40 });
    deepEqual([first.shards.length, first.nextPageToken, first.shardsTotal], [40, '40', SHARDS]);
    const second = await service.listShards({ pageSize: 40, pageToken: first.nextPageToken });
    deepEqual([second.shards.length, second.nextPageToken], [24, '']);
    const all = [...first.shards, ...second.shards];
    deepEqual(
      all.map(({ shard }) => shard),
      Array.from({ length: SHARDS }, (_, shard) => shard),
    );
    for (const { desiredNode, servingNodes } of all) deepEqual(servingNodes, [desiredNode]);
    const ofB = await service.listShards({ node: 'b' });
    equal(ofB.shards.length, all.filter(({ desiredNode }) => desiredNode === 'b').length);
    equal((await service.listShards({ filter: ShardFilter.UNSERVED })).shards.length, 0);
    cluster.kill('b');
    equal((await service.listShards({ filter: ShardFilter.UNSERVED })).shards.length, ofB.shards.length);
    await rejects(service.listShards({ pageSize: 5_001 }), /page_size: at most 5000/);
    await rejects(service.listShards({ pageToken: 'x' }), /page_token/);
  });

  test('a shard shows its row; an actor is found by its key; a row that can not be read says so', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    const byKey = await service.getShard({
      of: { case: 'actor', value: { kind: 'target', key: 'k7' } },
    });
    const shard = byKey.shard?.shard ?? -1;
    const byNumber = await service.getShard({ of: { case: 'shard', value: shard } });
    deepEqual(byNumber, byKey);
    const row = cluster.table.rows.get(shard);
    deepEqual(
      [byKey.row?.epoch, byKey.row?.owner, byKey.row?.ownerNode, byKey.row?.ownerLive],
      [BigInt(row?.epoch ?? 0), row?.owner, row?.owner.charAt(0), true],
    );
    deepEqual(byKey.servingIncarnations, [row?.owner]);
    cluster.table.faultOf = (call) => (call.startsWith('read') ? 'lost' : undefined);
    const unread = await service.getShard({ of: { case: 'shard', value: shard } });
    deepEqual([unread.row, unread.rowProblem], [undefined, 'It is not known whether this was done.']);
    await rejects(service.getShard({ of: { case: 'shard', value: SHARDS } }), /must be below 64/);
    await rejects(
      service.getShard({ of: { case: 'actor', value: { kind: 'x', key: 'k' } } }),
      /actor\.kind: must be a kind of this node: target/,
    );
    await rejects(service.getShard({}), /name a shard or an actor/);
  });

  test('a node that is not there is said not to be', async () => {
    const service = serviceOf(await three(), 'a');
    for (const method of ['getNode', 'drainNode', 'uncordonNode', 'removeNode'] as const)
      await rejects(service[method]({ node: 'z' }), /There is no such node\. z/);
    await rejects(service.getNode({ node: '' }), /name a node/);
  });
});

describe('a node on its own', () => {
  test('is a cluster of one that serves everything', async () => {
    const found = await alone().getCluster({});
    deepEqual(
      found.members.map(({ node, state, shardsServing, shardsDesired }) => [
        ...[node, state, shardsServing, shardsDesired],
      ]),
      [['local', MemberState.READY, 8, 8]],
    );
    deepEqual([found.cluster, found.shardsTotal, found.shardsUnserved, found.problems], ['', 8, 0, []]);
    const { row } = await alone().getShard({ of: { case: 'shard', value: 3 } });
    deepEqual([row?.epoch, row?.ownerNode, row?.ownerLive], [65_540n, 'local', true]);
    equal((await alone().getNode({ node: 'local' })).serving.length, 8);
  });

  test('says what is wrong with its store, and moves nothing', async () => {
    const found = await alone(false).getCluster({});
    deepEqual(reasonsOf(found.problems), ['MEMBER_UNWELL', 'DEPENDENCY_FAILED']);
    match(found.problems[1]?.text ?? '', /local: lmdb: the disk is full/);
    for (const method of ['drainNode', 'uncordonNode', 'removeNode'] as const) {
      await rejects(alone()[method]({ node: 'local' }), /This node is on its own/);
      await rejects(alone()[method]({ node: 'b' }), /There is no such node/);
    }
  });
});
