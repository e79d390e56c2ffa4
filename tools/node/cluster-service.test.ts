import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { type Cluster, SHARDS, three } from '../../cluster/membership/testing/model-cluster.ts';
import {
  ClusterService,
  MemberReach,
  MemberState,
  RemoveAction,
  ShardFilter,
} from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import type { Principal, UnaryHandler } from '../../runtime/service.ts';
import { scripted } from '../../runtime/testing/index.ts';
import { type ClusterServiceDeps, clusterService } from './cluster-service.ts';
import type { LogEntry } from './log.ts';

const target = scripted({ kind: 'target', rank: 20, run: () => '' });
const { getCluster, getNode, listShards, getShard, drainNode, uncordonNode, removeNode } =
  ClusterService.method;

const principal: Principal = {
  ...{ tenant: 'main', userId: 'sre', deviceId: undefined, scope: 'admin' },
  expiresAtMs: Number.MAX_SAFE_INTEGER,
};

/** The service as one node of a model cluster binds it. */
function serviceOf(cluster: Cluster, node: string) {
  const member = cluster.members.get(node);
  const self = cluster.controls.get(node);
  ok(member !== undefined && self !== undefined);
  return caller({
    ...common(node),
    cluster: 'starling',
    shards: SHARDS,
    ownership: member.ownership,
    membership: { member, self, table: cluster.table, control: cluster.control },
  });
}

function common(node: string) {
  const logged: LogEntry[] = [];
  return {
    ...{ node, version: '1.2.3', role: 'core', kinds: [target.definition], logged },
    address: () => `http://${node}:7700`,
    dependencies: () => [{ name: 'nats', ok: true, detail: 'ok' }],
    uptimeMs: () => 5_000,
    log: (entry: LogEntry) => logged.push(entry),
  };
}

function caller(deps: ClusterServiceDeps & { readonly logged: readonly LogEntry[] }) {
  const { handlers, allow } = clusterService(deps);
  deepEqual(allow, ['admin']);
  return {
    logged: deps.logged,
    call: async <M extends DescMethodUnary>(method: M, request: MessageInitShape<M['input']>) => {
      const handler = handlers[method.localName] as UnaryHandler<DescMethodUnary>;
      const context = {
        principal,
        signal: new AbortController().signal,
        timeoutMs: undefined,
        header: () => undefined,
      };
      return (await handler(create(method.input as M['input'], request), context)) as MessageShape<
        M['output']
      >;
    },
  };
}

/** A node on its own, which serves all of its shards. */
function alone(storeOk = true) {
  const claim = (shard: number) => ({ shard, epoch: 65_540, nextTimestamp: () => 1n });
  return caller({
    ...common('local'),
    ...{ cluster: '', shards: 8 },
    dependencies: () => [{ name: 'lmdb', ok: storeOk, detail: storeOk ? 'ok' : 'the disk is full' }],
    ownership: { claim, readFence: () => 'live' },
  });
}

const reasons = (problems: readonly { readonly reason: string }[]): string[] =>
  problems.map(({ reason }) => reason);

describe('the cluster as an operator sees it', () => {
  test('three members that are well share all shards, and nothing is wrong', async () => {
    const cluster = await three();
    const found = await serviceOf(cluster, 'b').call(getCluster, {});
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
    const found = await service.call(getCluster, {});
    deepEqual(reasons(found.problems), ['SHARD_UNSERVED', 'MEMBER_SILENT']);
    ok(found.shardsUnserved > 0);
    match(found.problems[1]?.help ?? '', /starling node remove c$/);
    const shown = await service.call(getNode, { node: 'c' });
    deepEqual([shown.member?.reach, shown.member?.answered], [MemberReach.SILENT, false]);
    equal(shown.member?.shardsServing, found.shardsUnserved, 'what it announced last is shown');
    await cluster.clock.advance(20_000);
    const after = await service.call(getCluster, {});
    deepEqual([after.members.length, reasons(after.problems)], [2, []]);
  });

  test('a node without a lease of its own takes the silence of others for its own', async () => {
    const cluster = await three();
    cluster.board.down = true;
    await cluster.clock.advance(10_000);
    const [b, c] = ['b', 'c'].map((node) => cluster.controls.get(node));
    cluster.controls.delete('b');
    cluster.controls.delete('c');
    ok(b !== undefined && c !== undefined);
    const found = await serviceOf(cluster, 'a').call(getCluster, {});
    deepEqual(reasons(found.problems), ['LEASE_LOST']);
    equal(found.shardsUnserved, 0);
    await rejects(
      serviceOf(cluster, 'a').call(removeNode, { node: 'b' }),
      /a has no lease itself, so that it can not tell whether b is gone/,
    );
  });

  test('a store that fails and an alarm are problems', async () => {
    const cluster = await three();
    cluster.table.faultOf = (call) => (call === 'life b-1' ? 'lost' : undefined);
    await cluster.clock.advance(3_500);
    const unwell = await serviceOf(cluster, 'a').call(getCluster, {});
    ok(reasons(unwell.problems).includes('MEMBER_UNWELL'));
    const alarmed = await three();
    alarmed.kill('b');
    alarmed.kill('c');
    await alarmed.clock.advance(20_000);
    const found = await serviceOf(alarmed, 'a').call(getCluster, {});
    equal(found.alarm, true);
    equal(reasons(found.problems)[0], 'ALARM');
    match(found.problems[0]?.help ?? '', /starling node remove [bc]$/);
  });

  test('shards are listed page by page, and narrowed by what is the matter and by node', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    const first = await service.call(listShards, { pageSize: 40 });
    deepEqual([first.shards.length, first.nextPageToken, first.shardsTotal], [40, '40', SHARDS]);
    const second = await service.call(listShards, { pageSize: 40, pageToken: first.nextPageToken });
    deepEqual([second.shards.length, second.nextPageToken], [24, '']);
    const all = [...first.shards, ...second.shards];
    deepEqual(
      all.map(({ shard }) => shard),
      Array.from({ length: SHARDS }, (_, shard) => shard),
    );
    for (const { desiredNode, servingNodes } of all) deepEqual(servingNodes, [desiredNode]);
    const ofB = await service.call(listShards, { node: 'b' });
    equal(ofB.shards.length, all.filter(({ desiredNode }) => desiredNode === 'b').length);
    equal((await service.call(listShards, { filter: ShardFilter.UNSERVED })).shards.length, 0);
    cluster.kill('b');
    equal(
      (await service.call(listShards, { filter: ShardFilter.UNSERVED })).shards.length,
      ofB.shards.length,
    );
    await rejects(service.call(listShards, { pageSize: 5_001 }), /page_size: at most 5000/);
    await rejects(service.call(listShards, { pageToken: 'x' }), /page_token/);
  });

  test('a shard shows its row; an actor is found by its key; a row that can not be read says so', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    const byKey = await service.call(getShard, {
      of: { case: 'actor', value: { kind: 'target', key: 'k7' } },
    });
    const shard = byKey.shard?.shard ?? -1;
    const byNumber = await service.call(getShard, { of: { case: 'shard', value: shard } });
    deepEqual(byNumber, byKey);
    const row = cluster.table.rows.get(shard);
    deepEqual(
      [byKey.row?.epoch, byKey.row?.owner, byKey.row?.ownerNode, byKey.row?.ownerLive],
      [BigInt(row?.epoch ?? 0), row?.owner, row?.owner.charAt(0), true],
    );
    deepEqual(byKey.servingIncarnations, [row?.owner]);
    cluster.table.faultOf = (call) => (call.startsWith('read') ? 'lost' : undefined);
    const unread = await service.call(getShard, { of: { case: 'shard', value: shard } });
    deepEqual([unread.row, unread.rowProblem], [undefined, 'It is not known whether this was done.']);
    await rejects(service.call(getShard, { of: { case: 'shard', value: SHARDS } }), /must be below 64/);
    await rejects(
      service.call(getShard, { of: { case: 'actor', value: { kind: 'x', key: 'k' } } }),
      /actor\.kind: must be a kind of this node: target/,
    );
    await rejects(service.call(getShard, {}), /name a shard or an actor/);
  });

  test('a node that is not there is said not to be', async () => {
    const service = serviceOf(await three(), 'a');
    for (const method of [getNode, drainNode, uncordonNode, removeNode])
      await rejects(service.call(method, { node: 'z' }), /There is no such node\. z/);
    await rejects(service.call(getNode, { node: '' }), /name a node/);
  });
});

describe('what an operator has the cluster do', () => {
  test('a dry run of a drain says how many shards go where and changes nothing', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    const before = cluster.served();
    const { moves, changed, member } = await service.call(drainNode, { node: 'b', dryRun: true });
    equal(changed, true);
    equal(
      moves.reduce((sum, { shards }) => sum + shards, 0),
      member?.shardsServing,
    );
    deepEqual(
      moves.map(({ toNode }) => toNode),
      ['a', 'c'],
    );
    await cluster.clock.advance(10_000);
    deepEqual(cluster.served(), before);
    deepEqual(service.logged, []);
  });

  test('a node asked over another one gives its shards away, and is removed once it serves none', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    await rejects(service.call(removeNode, { node: 'b' }), /b runs and serves \d+ shards\. Drain it first/);
    equal((await service.call(drainNode, { node: 'b' })).changed, true);
    await rejects(service.call(removeNode, { node: 'b' }), /Wait until it serves none/);
    await cluster.clock.advance(20_000);
    const shown = await service.call(getNode, { node: 'b' });
    deepEqual([shown.member?.state, shown.member?.shardsServing], [MemberState.DRAINING, 0]);
    equal((await service.call(drainNode, { node: 'b' })).changed, false);
    equal((await service.call(removeNode, { node: 'b', dryRun: true })).action, RemoveAction.STOP);
    deepEqual(cluster.stopped, []);
    equal((await service.call(removeNode, { node: 'b' })).action, RemoveAction.STOP);
    deepEqual(cluster.stopped, ['b']);
    deepEqual(cluster.fences(), []);
    deepEqual(
      service.logged.map(({ message, fields }) => [message, fields['member'], fields['by']]),
      [
        ['a node is drained by an operator', 'b', 'sre'],
        ['a node is stopped by an operator', 'b', 'sre'],
      ],
    );
  });

  test('a drained node takes shards again, also when it is the one that is asked', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'b');
    await service.call(drainNode, { node: 'b' });
    await cluster.clock.advance(20_000);
    equal(cluster.served()['b'], 0);
    equal((await service.call(uncordonNode, { node: 'b', dryRun: true })).changed, true);
    equal((await service.call(uncordonNode, { node: 'b' })).changed, true);
    equal((await service.call(uncordonNode, { node: 'b' })).changed, false);
    await cluster.clock.advance(20_000);
    ok((cluster.served()['b'] ?? 0) >= 16);
  });

  test('the last node that takes shards is not drained', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    for (const node of ['b', 'c']) await service.call(drainNode, { node });
    await cluster.clock.advance(20_000);
    await rejects(service.call(drainNode, { node: 'a' }), /a is the only member that takes shards/);
    equal(cluster.total(), SHARDS);
  });

  test('nodes that are dead beyond the limit on fences are removed one by one, and their shards are had at once', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    cluster.kill('b');
    cluster.kill('c');
    await rejects(service.call(removeNode, { node: 'c' }), /renewed its lease just now: it may only be slow/);
    await cluster.clock.advance(20_000);
    equal((await service.call(getCluster, {})).alarm, true);
    const left = (await service.call(getCluster, {})).members.find(({ node }) => node !== 'a')?.node ?? '';
    const removed = await service.call(removeNode, { node: left });
    deepEqual([removed.action, removed.membersTold], [RemoveAction.FENCE, 1]);
    await rejects(service.call(removeNode, { node: left }), /it was fenced, and is no member any more/);
    await cluster.clock.advance(5_000);
    const found = await service.call(getCluster, {});
    deepEqual([found.members.length, found.shardsServed, found.problems], [1, SHARDS, []]);
    const again = await service.call(getShard, { of: { case: 'shard', value: 0 } });
    equal(again.row?.owner, 'a-1');
  });

  test('by force a node that serves is fenced, but never by itself', async () => {
    const cluster = await three();
    await rejects(
      serviceOf(cluster, 'b').call(removeNode, { node: 'b', force: true }),
      /A node does not fence itself/,
    );
    const service = serviceOf(cluster, 'a');
    equal(
      (await service.call(removeNode, { node: 'b', force: true, dryRun: true })).action,
      RemoveAction.FENCE,
    );
    deepEqual(cluster.fences(), []);
    equal((await service.call(removeNode, { node: 'b', force: true })).membersTold, 2);
    deepEqual(cluster.fences(), ['fence b-1']);
    await cluster.clock.advance(5_000);
    equal(cluster.members.get('b')?.ownership.served().length, 0, 'it read its fence');
    equal((cluster.served()['a'] ?? 0) + (cluster.served()['c'] ?? 0), SHARDS);
  });

  test('a store that does not answer fences nobody', async () => {
    const cluster = await three();
    cluster.kill('c');
    await cluster.clock.advance(3_500);
    cluster.table.faultOf = (call) => (call === 'fence c-1' ? 'refused' : undefined);
    await rejects(serviceOf(cluster, 'a').call(removeNode, { node: 'c' }), /Too much at once/);
    equal(cluster.table.lives.get('c-1'), 'live');
  });

  test('a node that does not answer can not be drained', async () => {
    const cluster = await three();
    cluster.kill('c');
    await rejects(
      serviceOf(cluster, 'a').call(drainNode, { node: 'c' }),
      /c does not answer and can not be told to drain\. If its process is gone: starling node remove c/,
    );
  });
});

describe('a node on its own', () => {
  test('is a cluster of one that serves everything', async () => {
    const found = await alone().call(getCluster, {});
    deepEqual(
      found.members.map(({ node, state, shardsServing, shardsDesired }) => [
        ...[node, state, shardsServing, shardsDesired],
      ]),
      [['local', MemberState.READY, 8, 8]],
    );
    deepEqual([found.cluster, found.shardsTotal, found.shardsUnserved, found.problems], ['', 8, 0, []]);
    const { row } = await alone().call(getShard, { of: { case: 'shard', value: 3 } });
    deepEqual([row?.epoch, row?.ownerNode, row?.ownerLive], [65_540n, 'local', true]);
    equal((await alone().call(getNode, { node: 'local' })).serving.length, 8);
  });

  test('says what is wrong with its store, and moves nothing', async () => {
    const found = await alone(false).call(getCluster, {});
    deepEqual(reasons(found.problems), ['MEMBER_UNWELL', 'DEPENDENCY_FAILED']);
    match(found.problems[1]?.text ?? '', /local: lmdb: the disk is full/);
    for (const method of [drainNode, uncordonNode, removeNode]) {
      await rejects(alone().call(method, { node: 'local' }), /This node is on its own/);
      await rejects(alone().call(method, { node: 'b' }), /There is no such node/);
    }
  });
});
