// Two workers of one host over real NATS and Cassandra, and what ends them.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { type LocalCluster, type LocalNode, startLocalCluster } from '../../dev/local-cluster/index.ts';
import { Ground } from '../../load/people/ground.ts';
import { firstAckAfter, type Pacer } from '../../load/people/pacer.ts';

const WORKERS = 2;

describe('a host with two workers', () => {
  let cluster: LocalCluster;
  let ground: Ground;

  before(async () => {
    cluster = await startLocalCluster({ nodes: 1, workers: WORKERS, cassandraNodes: 1, shards: 64 });
    ground = await Ground.of(cluster);
  });
  after(async () => {
    ground?.close();
    await cluster?.close();
  });

  const host = (): LocalNode => {
    const [node] = cluster.nodes;
    assert.ok(node !== undefined);
    return node;
  };

  test('both serve behind one address; one that is killed is fenced, its people are acked by the other, nothing is lost, it is replaced', async (t) => {
    await ground.cluster.atRest();
    const [killed, other] = await host().workers();
    assert.ok(killed !== undefined && other !== undefined);
    const people = await ground.people(24);
    const affected = await ground.servedBy({ name: killed.node }, people);
    const spared = await ground.servedBy({ name: other.node }, people);
    assert.equal(affected.length + spared.length, people.length);
    assert.ok(affected.length > 0 && spared.length > 0);
    const pacers = ground.pacers([...affected, ...spared], 20);
    for (const pacer of pacers) pacer.start();
    await acks(pacers, 0);
    const atMs = performance.now();
    process.kill(killed.pid, 'SIGKILL');
    const waits = await acks(pacers, atMs);
    const slowest = Math.round(Math.max(...waits.slice(0, affected.length)));
    t.diagnostic(`slowest first ack ${slowest} ms after the kill, of ${affected.length} people`);
    await Promise.all(pacers.map((pacer) => pacer.finish()));
    await ground.verify(pacers);
    assert.deepEqual(
      pacers.flatMap(({ failed }) => failed),
      [],
    );
    await ground.cluster.atRest();
    const [replaced] = (await host().workers()).filter(({ node }) => node === killed.node);
    assert.ok(replaced !== undefined && replaced.pid !== killed.pid);
    const log = await host().logTail(10_000);
    assert.match(log, new RegExp(`a worker that ended is fenced.*${killed.node}`));
  });

  test('an orderly stop ends every worker in order, none by force', async () => {
    const workers = await host().workers();
    await host().stop();
    for (const { pid } of workers) assert.equal(await hasEnded(pid), true);
    const log = await host().logTail(10_000);
    assert.doesNotMatch(log, /took too long/);
    assert.deepEqual(await host().workers(), []);
    await host().start();
    await host().serving();
  });

  test('workers end when their supervisor is killed', async () => {
    const workers = await host().workers();
    assert.equal(workers.length, WORKERS);
    await host().kill();
    for (const { pid } of workers) while (!(await hasEnded(pid)));
  });
});

/** For each of them, how long after `fromMs` a message begun later was acked. */
async function acks(pacers: readonly Pacer[], fromMs: number): Promise<number[]> {
  for (;;) {
    const waits = pacers.flatMap((pacer) => firstAckAfter(pacer, fromMs) ?? []);
    if (waits.length === pacers.length) return waits;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Also true of one that nobody has asked how it ended. */
async function hasEnded(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat === '' || / Z /.test(stat.slice(stat.lastIndexOf(')')));
}
