import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ControlAnswer, ControlCommand } from './index.ts';
import { type Cluster, SHARDS, three } from './testing/model-cluster.ts';

/** The command as another node would give it. */
function give(cluster: Cluster, node: string, command: ControlCommand): ControlAnswer {
  const control = cluster.controls.get(node);
  ok(control !== undefined);
  return control.answer(control.incarnation, command);
}

describe('what an operator may have a node do', () => {
  test('it gives all shards away, may then be stopped, and takes shards again', async () => {
    const cluster = await three();
    deepEqual(give(cluster, 'b', { kind: 'stop' }), {
      kind: 'refused',
      reason: 'It takes shards: drain it first.',
    });
    const begun = give(cluster, 'b', { kind: 'drain' });
    equal(begun.kind === 'done' && begun.status.state, 'draining');
    ok(begun.kind === 'done' && begun.status.serving.size >= 16);
    deepEqual(give(cluster, 'b', { kind: 'stop' }), {
      kind: 'refused',
      reason: `It still serves ${begun.status.serving.size} shards.`,
    });
    await cluster.clock.advance(20_000);
    equal(cluster.served()['b'], 0);
    equal(give(cluster, 'b', { kind: 'stop' }).kind, 'done');
    deepEqual(cluster.stopped, ['b']);
    equal(give(cluster, 'b', { kind: 'uncordon' }).kind, 'done');
    await cluster.clock.advance(20_000);
    ok((cluster.served()['b'] ?? 0) >= 16);
    deepEqual(cluster.fences(), []);
  });

  test('a command for another incarnation is not obeyed', async () => {
    const cluster = await three();
    deepEqual(cluster.controls.get('b')?.answer('b-0', { kind: 'drain' }), { kind: 'replaced' });
    equal(cluster.members.get('b')?.status().state, 'ready');
  });

  test('a node that is ending is not told to drain or to take shards', async () => {
    const cluster = await three();
    await cluster.members.get('b')?.stop();
    deepEqual(give(cluster, 'b', { kind: 'uncordon' }), { kind: 'refused', reason: 'It is ending.' });
    equal(give(cluster, 'b', { kind: 'status' }).kind, 'done');
  });

  test('once a node that stands still was fenced and the others are told, they have its shards without waiting', async () => {
    const cluster = await three();
    cluster.kill('c');
    await cluster.table.fence('c-1');
    for (const node of ['a', 'b']) give(cluster, node, { kind: 'dismiss', incarnation: 'c-1' });
    // Less than the silence after which anybody would have asked.
    await cluster.clock.advance(3_000);
    const served = Object.values(cluster.served());
    equal(
      served.reduce((sum, each) => sum + each, 0),
      SHARDS,
    );
    ok(!cluster.events.some(({ kind }) => kind === 'condemned'));
  });
});
