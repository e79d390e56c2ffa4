import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SHARDS, three } from '../../cluster/membership/testing/model-cluster.ts';
import { MemberState, RemoveAction } from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { serviceOf } from './cluster-service.fixture.ts';

describe('what an operator has the cluster do', () => {
  test('a dry run of a drain says how many shards go where and changes nothing', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    const before = cluster.served();
    const { moves, changed, member } = await service.drainNode({ node: 'b', dryRun: true });
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
    await rejects(service.removeNode({ node: 'b' }), /b runs and serves \d+ shards\. Drain it first/);
    equal((await service.drainNode({ node: 'b' })).changed, true);
    await rejects(service.removeNode({ node: 'b' }), /Wait until it serves none/);
    await cluster.clock.advance(20_000);
    const shown = await service.getNode({ node: 'b' });
    deepEqual([shown.member?.state, shown.member?.shardsServing], [MemberState.DRAINING, 0]);
    equal((await service.drainNode({ node: 'b' })).changed, false);
    equal((await service.removeNode({ node: 'b', dryRun: true })).action, RemoveAction.STOP);
    deepEqual(cluster.stopped, []);
    equal((await service.removeNode({ node: 'b' })).action, RemoveAction.STOP);
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
    await service.drainNode({ node: 'b' });
    await cluster.clock.advance(20_000);
    equal(cluster.served()['b'], 0);
    equal((await service.uncordonNode({ node: 'b', dryRun: true })).changed, true);
    equal((await service.uncordonNode({ node: 'b' })).changed, true);
    equal((await service.uncordonNode({ node: 'b' })).changed, false);
    await cluster.clock.advance(20_000);
    ok((cluster.served()['b'] ?? 0) >= 16);
  });

  test('the last node that takes shards is not drained', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    for (const node of ['b', 'c']) await service.drainNode({ node });
    await cluster.clock.advance(20_000);
    await rejects(service.drainNode({ node: 'a' }), /a is the only member that takes shards/);
    equal(cluster.total(), SHARDS);
  });

  test('nodes that are dead beyond the limit on fences are removed one by one, and their shards are had at once', async () => {
    const cluster = await three();
    const service = serviceOf(cluster, 'a');
    cluster.kill('b');
    cluster.kill('c');
    await rejects(service.removeNode({ node: 'c' }), /renewed its lease just now: it may only be slow/);
    await cluster.clock.advance(20_000);
    equal((await service.getCluster({})).alarm, true);
    const left = (await service.getCluster({})).members.find(({ node }) => node !== 'a')?.node ?? '';
    const removed = await service.removeNode({ node: left });
    deepEqual([removed.action, removed.membersTold], [RemoveAction.FENCE, 1]);
    await rejects(service.removeNode({ node: left }), /it was fenced, and is no member any more/);
    await cluster.clock.advance(5_000);
    const found = await service.getCluster({});
    deepEqual([found.members.length, found.shardsServed, found.problems], [1, SHARDS, []]);
    const again = await service.getShard({ of: { case: 'shard', value: 0 } });
    equal(again.row?.owner, 'a-1');
  });

  test('by force a node that serves is fenced, but never by itself', async () => {
    const cluster = await three();
    await rejects(
      serviceOf(cluster, 'b').removeNode({ node: 'b', force: true }),
      /A node does not fence itself/,
    );
    const service = serviceOf(cluster, 'a');
    equal((await service.removeNode({ node: 'b', force: true, dryRun: true })).action, RemoveAction.FENCE);
    deepEqual(cluster.fences(), []);
    equal((await service.removeNode({ node: 'b', force: true })).membersTold, 2);
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
    await rejects(serviceOf(cluster, 'a').removeNode({ node: 'c' }), /Too much at once/);
    equal(cluster.table.lives.get('c-1'), 'live');
  });

  test('a node that does not answer can not be drained', async () => {
    const cluster = await three();
    cluster.kill('c');
    await rejects(
      serviceOf(cluster, 'a').drainNode({ node: 'c' }),
      /c does not answer and can not be told to drain\. If its process is gone: starling node remove c/,
    );
  });
});
