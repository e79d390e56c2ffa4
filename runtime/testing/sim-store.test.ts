import { deepEqual, equal, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Commit } from '../ports/store.ts';
import { SimClock, settle } from './sim-clock.ts';
import { SimRandom } from './sim-random.ts';
import { SimStore } from './sim-store.ts';
import { storeConformance } from './store-conformance.ts';

storeConformance('the simulated store', async () => {
  let store = new SimStore({ type: 'immediate' });
  return {
    store,
    reopen: async () => {
      store = store.crash();
      return store;
    },
    groups: () => store.groups,
    dispose: () => store.close(),
  };
});

const actor = { kind: 'user', key: 'a', shard: 1 };
const one = (seq: number): Commit => ({
  actor,
  rows: [{ seq, ts: 2n ** 52n + BigInt(seq), value: Uint8Array.of(seq) }],
});
const seqs = async (store: SimStore): Promise<number[]> =>
  (await store.readRows(actor, { from: 1, rowsMax: 99 })).map(({ seq }) => seq);

async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = 'pending';
  promise.then(
    () => {
      state = 'resolved';
    },
    (error: { code: string }) => {
      state = error.code;
    },
  );
  await settle();
  return state;
}

describe('the simulated store', () => {
  test('a commit is neither visible nor acknowledged until the test flushes', async () => {
    const store = new SimStore();
    const done = store.commit(one(1));
    equal(await stateOf(done), 'pending');
    deepEqual(await seqs(store), []);
    store.flush();
    equal(await stateOf(done), 'resolved');
    deepEqual(await seqs(store), [1]);
  });
  test('on a clock a group is done after its latency and what came meanwhile is the next group', async () => {
    const clock = new SimClock();
    const store = new SimStore({ type: 'latency', clock, random: new SimRandom(1), msMin: 10, msMax: 10 });
    const first = store.commit(one(1));
    await settle();
    const second = store.commit(one(2));
    await clock.advance(10);
    equal(await stateOf(first), 'resolved');
    equal(await stateOf(second), 'pending');
    await clock.advance(10);
    equal(await stateOf(second), 'resolved');
    equal(store.groups, 2);
  });
  test('a refused commit leaves nothing', async () => {
    const store = new SimStore({ type: 'immediate' });
    store.failNext({ type: 'not_done' });
    await rejects(store.commit(one(1)), { code: 'STORAGE_FULL' });
    deepEqual(await seqs(store), []);
  });
  test('a commit of unknown outcome may or may not be there', async () => {
    const store = new SimStore({ type: 'immediate' });
    store.failNext({ type: 'unknown_applied' });
    store.failNext({ type: 'unknown_not_applied' });
    await rejects(store.commit(one(1)), { code: 'OUTCOME_UNKNOWN' });
    await rejects(store.commit(one(2)), { code: 'OUTCOME_UNKNOWN' });
    deepEqual(await seqs(store), [1]);
  });
  test('a late write lands after its time-out, when told or when the clock says', async () => {
    const clock = new SimClock();
    const store = new SimStore({ type: 'latency', clock, random: new SimRandom(1) });
    store.failNext({ type: 'late' });
    store.failNext({ type: 'late', afterMs: 1_000 });
    const outcomes = Promise.allSettled([store.commit(one(1)), store.commit(one(2))]);
    await clock.advance(5);
    deepEqual(
      (await outcomes).map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    deepEqual(await seqs(store), []);
    await clock.advance(1_000);
    deepEqual(await seqs(store), [2]);
    store.landLate();
    deepEqual(await seqs(store), [1, 2]);
  });
  test('S4: parts of a commit may exist apart, but never a row without its marks', async () => {
    const store = new SimStore({ type: 'immediate' });
    const mark = { shard: 1, epoch: 65_536, n: 0, kind: 'user', key: 'a' };
    const due = [{ shard: 1, dueMs: 60_000, kind: 'user', key: 'a', ts: 2n ** 52n }];
    const rows = [...(one(1).rows ?? []), ...(one(2).rows ?? [])];
    store.failNext({ type: 'partial', keep: (part) => part.type === 'row' && part.row.seq === 2 });
    await rejects(store.commit({ actor, rows, mark, due }), { code: 'OUTCOME_UNKNOWN' });
    deepEqual(await seqs(store), [2]);
    deepEqual(await store.readMarks(1, { marksMax: 9 }), [mark]);
    deepEqual(await store.readDue(1, { untilMs: 60_000, marksMax: 9 }), due);
  });
  test('a planned fault waits for the commit that it is meant for', async () => {
    const store = new SimStore({ type: 'immediate' });
    store.failNext({ type: 'not_done' }, (commit) => commit.rows?.[0]?.seq === 2);
    await store.commit(one(1));
    await rejects(store.commit(one(2)), { code: 'STORAGE_FULL' });
    await store.commit(one(3));
    deepEqual(await seqs(store), [1, 3]);
  });
  test('S7: a dead store resolves nothing, says so, and has told its listeners once', async () => {
    const store = new SimStore();
    const told: Error[] = [];
    store.onFatal((error) => told.push(error));
    const waiting = store.commit(one(1));
    store.die();
    store.die();
    equal(await stateOf(waiting), 'STORAGE_FAILED');
    await rejects(store.commit(one(2)), { code: 'STORAGE_FAILED' });
    await rejects(store.readHead(actor), { code: 'STORAGE_FAILED' });
    equal(store.health().ok, false);
    equal(told.length, 1);
  });
  test('I18: after a power cut every acknowledged row is there and the old store is silent', async () => {
    const store = new SimStore();
    const acked = store.commit(one(1));
    store.flush();
    await acked;
    const waiting = store.commit(one(2));
    const next = store.crash();
    deepEqual(await seqs(next), [1]);
    equal(await stateOf(waiting), 'pending');
    equal(await stateOf(store.commit(one(3))), 'pending');
    store.flush();
    deepEqual(await seqs(next), [1]);
  });
  test('S5: a power cut leaves of the writes under way a beginning, for each actor', async () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 40; seed += 1) {
      const store = new SimStore();
      for (let seq = 1; seq <= 4; seq += 1) void store.commit(one(seq));
      const left = await seqs(store.crash({ random: new SimRandom(seed) }));
      deepEqual(left, [1, 2, 3, 4].slice(0, left.length));
      lengths.add(left.length);
    }
    deepEqual([...lengths].sort(), [0, 1, 2, 3, 4]);
  });
  test('the same seed draws the same numbers and near seeds do not', () => {
    const draw = (seed: number): number[] => {
      const random = new SimRandom(seed);
      return Array.from({ length: 5 }, () => random.float());
    };
    deepEqual(draw(7), draw(7));
    equal(new Set([...draw(7), ...draw(8)]).size, 10);
  });
  test('timers fire in order of due time, then of setting, and see exactly their time', async () => {
    const clock = new SimClock(1_000);
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name}@${clock.monotonic()}`);
    clock.after(5, note('b'));
    clock.after(5, note('c'));
    clock.after(1, () => {
      fired.push(`a@${clock.monotonic()}`);
      clock.after(2, note('nested'));
    });
    clock.after(3, note('cancelled')).cancel();
    await clock.advance(10);
    deepEqual(fired, ['a@1', 'nested@3', 'b@5', 'c@5']);
    equal(clock.now(), 1_010);
    equal(clock.pending, 0);
  });
});
