import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Commit, Store } from '../../ports/store.ts';
import { SimClock, settle } from '../sim-clock.ts';
import { SimRandom } from '../sim-random.ts';
import { type QuorumClient, QuorumCluster, type QuorumFaults, REPLICA_IDS } from './index.ts';

const actor = { kind: 'user', key: 'a', shard: 1 };
const ts = (n: number): bigint => (1n << 52n) + BigInt(n);
const rows = (...seqs: readonly number[]): Commit => ({
  actor,
  rows: seqs.map((seq) => ({ seq, ts: ts(seq), value: Uint8Array.of(seq) })),
});
const mark = { shard: 1, epoch: 65_536, n: 1, kind: 'user', key: 'a' };

interface Scene {
  readonly clock: SimClock;
  readonly cluster: QuorumCluster;
  readonly client: QuorumClient;
  readonly store: Store;
  /** Lets time pass until the promise is settled. */
  readonly finish: <T>(promise: Promise<T>) => Promise<T>;
  readonly seqs: () => Promise<number[]>;
}

function scene(faults: Partial<QuorumFaults> = {}, seed = 1): Scene {
  const clock = new SimClock();
  const cluster = new QuorumCluster({ clock, random: new SimRandom(seed), faults });
  const client = cluster.client('n');
  const finish = async <T>(promise: Promise<T>): Promise<T> => {
    let open = true;
    const end = (): void => {
      open = false;
    };
    promise.then(end, end);
    for (let step = 0; open && step < 10_000; step += 1) await clock.advance(1);
    return promise;
  };
  const seqs = async (): Promise<number[]> =>
    (await finish(client.store.readRows(actor, { from: 1, rowsMax: 99 }))).map(({ seq }) => seq);
  return { clock, cluster, client, store: client.store, finish, seqs };
}

describe('faults of the simulated cluster', () => {
  test('the same seed and calls give the same answers at the same moments', async () => {
    const run = async (seed: number): Promise<string> => {
      const faults = { lostRequest: 0.1, lateWrite: 0.1, writeTimeout: 0.1, writeTimeoutMs: 100 };
      const { clock, cluster, client } = scene(faults, seed);
      const trace: string[] = [];
      const note = (name: string, promise: Promise<unknown>): void => {
        promise.then(
          (value) => trace.push(`${name} ${clock.monotonic()} ${JSON.stringify(value)}`),
          (error: { code: string }) => trace.push(`${name} ${clock.monotonic()} ${error.code}`),
        );
      };
      for (let at = 1; at <= 40; at += 1) {
        note(`row ${at}`, client.store.commit({ ...rows(at), mark }));
        note(`swap ${at}`, client.shards.swap(at % 3, undefined, { epoch: 65_536, owner: `${at}` }));
        note(`life ${at}`, client.shards.readLife('n'));
        if (at === 20) cluster.crashReplica(0);
        await clock.advance(20);
      }
      await clock.advance(10_000);
      return [...trace, JSON.stringify(cluster.stats())].join('\n');
    };
    equal(await run(1), await run(1));
    ok((await run(1)) !== (await run(2)));
  });
  test('of a killed node nothing settles, and what it had sent lands', async () => {
    const { clock, cluster, client, store } = scene();
    let settled = false;
    void store.commit(rows(1)).finally(() => {
      settled = true;
    });
    client.kill();
    void store.commit(rows(2)).finally(() => {
      settled = true;
    });
    await clock.advance(10_000);
    equal(settled, false);
    const next = cluster.client('n').store.readRows(actor, { from: 1, rowsMax: 9 });
    await clock.advance(100);
    deepEqual(
      (await next).map(({ seq }) => seq),
      [1],
    );
  });
  test('S4: a node paused after its mark was acknowledged sends the rows when it goes on', async () => {
    const { clock, cluster, finish, seqs } = scene();
    const held: (() => void)[] = [];
    const paused = cluster.client('p', { deliver: (reaction) => held.push(reaction) });
    const done = paused.store.commit({ ...rows(1), mark });
    await clock.advance(1_000);
    equal(held.length, 1);
    const other = cluster.client('q').store;
    deepEqual(await finish(other.readMarks(1, { marksMax: 9 })), [mark]);
    deepEqual(await seqs(), []);
    held.shift()?.();
    await clock.advance(1_000);
    deepEqual(await seqs(), [1]);
    held.shift()?.();
    await done;
  });
  test('with two replicas out of reach a write is refused as not done, or tried and unknown', async () => {
    const { cluster, store, finish, seqs } = scene({ refuse: 1 });
    cluster.cut('n', 0);
    cluster.cut('n', 1);
    await rejects(finish(store.commit(rows(1))), { code: 'OVERLOADED' });
    await rejects(finish(store.readHead(actor)), { code: 'OVERLOADED' });
    cluster.setFaults({ refuse: 0 });
    await rejects(finish(store.commit(rows(2))), { code: 'OUTCOME_UNKNOWN' });
    await rejects(finish(store.readHead(actor)), { code: 'OUTCOME_UNKNOWN' });
    cluster.heal('n');
    deepEqual(await seqs(), [2]);
    equal(cluster.stats().refused, 2);
  });
  test('a node that only hears nothing writes with unknown outcome, and its writes land', async () => {
    const { cluster, store, finish, seqs } = scene();
    cluster.cutOff('n', 'answers');
    await rejects(finish(store.commit(rows(1))), { code: 'OUTCOME_UNKNOWN' });
    await rejects(finish(cluster.client('n').shards.fence('x')), { code: 'OUTCOME_UNKNOWN' });
    cluster.heal('n');
    deepEqual(await seqs(), [1]);
  });
  test('planned fates: refused and lost leave nothing, applied is there, late comes in its time', async () => {
    const { clock, cluster, store, finish, seqs } = scene({ lateMsMin: 5_000, lateMsMax: 6_000 });
    for (const fate of ['refused', 'unknown_lost', 'unknown_applied', 'unknown_late'] as const)
      cluster.planCommit('n', fate);
    await rejects(finish(store.commit(rows(1))), { code: 'OVERLOADED' });
    await rejects(finish(store.commit(rows(2))), { code: 'OUTCOME_UNKNOWN' });
    await rejects(finish(store.commit(rows(3))), { code: 'OUTCOME_UNKNOWN' });
    await rejects(finish(store.commit(rows(4))), { code: 'OUTCOME_UNKNOWN' });
    await finish(store.commit(rows(5)));
    deepEqual(await seqs(), [3, 5]);
    await clock.advance(20_000);
    deepEqual(await seqs(), [3, 4, 5]);
    ok(cluster.stats().lateWrites >= 3);
  });
  test('a partial batch leaves one of its partitions, and its outcome is unknown', async () => {
    const { clock, cluster, store, finish, seqs } = scene();
    cluster.planCommit('n', 'partial', ({ rows: [first] = [] }) => first?.seq === 4_095);
    await rejects(finish(store.commit(rows(4_095, 4_096))), { code: 'OUTCOME_UNKNOWN' });
    await clock.advance(60_000);
    deepEqual(await seqs(), [4_095]);
    equal(cluster.stats().partialBatches, 1);
  });
  test('S6: a commit whose mark was written is never refused as not done', async () => {
    const { cluster, clock, finish } = scene({ refuse: 1 });
    const held: (() => void)[] = [];
    const { store } = cluster.client('p', { deliver: (reaction) => held.push(reaction) });
    const done = store.commit({ ...rows(1), mark });
    await clock.advance(1_000);
    cluster.cutOff('p');
    held.shift()?.();
    await settle();
    held.shift()?.();
    await rejects(done, { code: 'OUTCOME_UNKNOWN' });
    deepEqual(await finish(cluster.client('q').store.readMarks(1, { marksMax: 9 })), [mark]);
  });
  test('a replica that was down gets what it missed from hints, and reads need no repair then', async () => {
    const { clock, cluster, store, finish, seqs } = scene();
    cluster.crashReplica(2);
    await finish(store.commit(rows(1, 2)));
    await clock.advance(30_000);
    equal(cluster.stats().hintsReplayed, 0);
    cluster.restartReplica(2);
    await clock.advance(30_000);
    equal(cluster.stats().hintsReplayed, 1);
    cluster.crashReplica(1);
    for (let at = 0; at < 5; at += 1) deepEqual(await seqs(), [1, 2]);
    equal(cluster.stats().readRepairs, 0);
  });
  test('replicas that disagree for good are brought together by the reads that meet them', async () => {
    const { clock, cluster, store, finish, seqs } = scene({ lostHint: 1, digestRead: 1 });
    cluster.crashReplica(2);
    await finish(store.commit(rows(1)));
    await clock.advance(10_000);
    cluster.restartReplica(2);
    cluster.crashReplica(1);
    deepEqual(await seqs(), [1]);
    const after = cluster.stats();
    deepEqual([after.hintsLost > 0, after.digestMismatches, after.readRepairs], [true, 1, 1]);
    deepEqual(await seqs(), [1]);
    equal(cluster.stats().readRepairs, 1);
    cluster.restartReplica(1);
    cluster.crashReplica(0);
    deepEqual(await seqs(), [1]);
  });
  test('what a replica had taken and not synced is lost when it crashes, and nobody was told of it', async () => {
    let lost = 0;
    for (let seed = 0; seed < 60; seed += 1) {
      const { clock, cluster, store, seqs } = scene({ syncMsMax: 50, lostHint: 1 }, seed);
      let acknowledged = false;
      void store.commit(rows(1)).then(
        () => {
          acknowledged = true;
        },
        () => {},
      );
      await clock.advance(10);
      cluster.powerCut();
      for (const id of REPLICA_IDS) cluster.restartReplica(id);
      await clock.advance(10_000);
      if (acknowledged) deepEqual(await seqs(), [1]);
      else if ((await seqs()).length === 0) lost += 1;
    }
    ok(lost > 0 && lost < 60, `${lost} of 60 lost`);
  });
  test('a slow replica holds nobody up: the other two answer, or the third is asked', async () => {
    const { clock, cluster, store, finish, seqs } = scene();
    cluster.slow(0, 1_000);
    await finish(store.commit(rows(1)));
    for (let at = 0; at < 10; at += 1) deepEqual(await seqs(), [1]);
    ok(clock.monotonic() < 2_000);
    ok(cluster.stats().speculated > 0);
  });
  test('after faults have ended all that was deferred lands within a bounded time', async () => {
    const faults = { lateWrite: 0.5, lateMsMax: 3_600_000, hintDelayMsMax: 36_000_000, refuse: 0 };
    const { clock, cluster, store, seqs } = scene(faults);
    for (let seq = 1; seq <= 30; seq += 1) store.commit(rows(seq)).catch(() => {});
    cluster.crashReplica(1);
    cluster.cut('n', 0);
    await clock.advance(80_000);
    ok(cluster.deferred > 0);
    cluster.healAll();
    await clock.advance(200);
    equal(cluster.deferred, 0);
    equal((await seqs()).length, 30);
  });
});
