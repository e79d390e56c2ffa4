import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { Commit } from '../../runtime/ports/store.ts';
import { SimClock, settle } from '../../runtime/testing/index.ts';
import { type Engine, EngineError, type Writes } from './engine.ts';
import { type LmdbStore, openLmdbStore } from './index.ts';
import { queueCommitsMax } from './limits.ts';

const actor = { kind: 'user', key: 'ann', shard: 1 };
const commitOf = (seq: number, bytes = 10, key = 'ann'): Commit => ({
  actor: { ...actor, key },
  rows: [{ seq, ts: 2n ** 53n + BigInt(seq), value: Buffer.alloc(bytes, seq) }],
});
const bytesOf = (writes: Writes): number => writes.reduce((sum, [, value]) => sum + (value?.length ?? 0), 0);

type Write = (writes: Writes, real: () => Promise<void>) => Promise<void>;

/** Puts `write` in front of LMDB's own; it decides when and how a transaction ends. */
async function open(
  context: TestContext,
  options: { write?: Write; mapBytesMax?: number },
): Promise<LmdbStore> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-committer-'));
  const { write = (_, real) => real(), mapBytesMax } = options;
  let opened = false;
  const store = await openLmdbStore({
    directory,
    clock: new SimClock(),
    ...(mapBytesMax === undefined ? {} : { mapBytesMax }),
    wrapEngine: (engine: Engine): Engine => ({
      get: (key) => engine.get(key),
      peek: (key) => engine.peek(key),
      scan: (range, take) => engine.scan(range, take),
      scanKeys: (range, take) => engine.scanKeys(range, take),
      pages: () => engine.pages(),
      close: () => engine.close(),
      write: (writes) => (opened ? write(writes, () => engine.write(writes)) : engine.write(writes)),
    }),
  });
  opened = true;
  context.after(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  return store;
}

const seqs = async (store: LmdbStore, key = 'ann'): Promise<number[]> =>
  (await store.readRows({ ...actor, key }, { from: 1, rowsMax: 999 })).map(({ seq }) => seq);

describe('the committer', () => {
  test('I18: while the sync is held back nothing is acknowledged, though it is written', async (context) => {
    let release = (): void => {};
    const written = Promise.withResolvers<void>();
    const store = await open(context, {
      write: async (_, real) => {
        await real();
        written.resolve();
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      },
    });
    let acked = false;
    const done = store.commit(commitOf(1)).then(() => {
      acked = true;
    });
    await written.promise;
    await settle();
    equal(acked, false);
    release();
    await done;
    equal(acked, true);
  });

  test('W1: what is handed over during a transaction shares the next one', async (context) => {
    const sizes: number[] = [];
    const releases: (() => void)[] = [];
    let begun = Promise.withResolvers<void>();
    const store = await open(context, {
      write: async (writes, real) => {
        sizes.push(writes.length);
        begun.resolve();
        await new Promise<void>((resolve) => releases.push(resolve));
        await real();
      },
    });
    const first = store.commit(commitOf(1));
    await begun.promise;
    begun = Promise.withResolvers<void>();
    const rest = Array.from({ length: 20 }, (_, at) => store.commit(commitOf(at + 2)));
    releases[0]?.();
    await first;
    await begun.promise;
    releases[1]?.();
    await Promise.all(rest);
    deepEqual(sizes, [1, 20]);
  });

  test('S7: after a failed sync nothing resolves, listeners are told once and the claims end', async (context) => {
    const store = await open(context, {
      write: () => Promise.reject(new EngineError('failed', 'Input/output error')),
    });
    await store.purgeTombstones();
    const claim = store.ownership().claim(1);
    const told: string[] = [];
    store.onFatal((error) => told.push(error.message));
    const outcomes = await Promise.allSettled([1, 2, 3].map((seq) => store.commit(commitOf(seq))));
    deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    await rejects(store.commit(commitOf(4)), { code: 'STORAGE_FAILED' });
    await rejects(store.readHead(actor), { code: 'STORAGE_FAILED' });
    await rejects(store.trim(actor, 2, 1n), { code: 'STORAGE_FAILED' });
    equal(store.health().ok, false);
    ok(store.health().detail.includes('Input/output error'));
    equal(told.length, 1);
    equal(store.ownership().readFence(), 'fenced');
    equal(store.ownership().claim(1), undefined);
    await rejects(async () => claim?.nextTimestamp(), { code: 'NOT_OWNER' });
    store.onFatal((error) => told.push(error.message));
    equal(told.length, 2);
  });

  test('S7: what waited behind the failed transaction is rejected as well', async (context) => {
    const begun = Promise.withResolvers<void>();
    const fail = Promise.withResolvers<void>();
    const store = await open(context, {
      write: () => {
        begun.resolve();
        return fail.promise;
      },
    });
    const first = store.commit(commitOf(1));
    await begun.promise;
    const second = store.commit(commitOf(2));
    fail.reject(new EngineError('failed', 'Input/output error'));
    await rejects(first, { code: 'STORAGE_FAILED' });
    await rejects(second, { code: 'STORAGE_FAILED' });
  });

  test('W4: of a group that finds no room only the commit that is too large is refused', async (context) => {
    const store = await open(context, {
      write: (writes, real) =>
        bytesOf(writes) > 5_000 ? Promise.reject(new EngineError('full', 'No space left')) : real(),
    });
    const outcomes = await Promise.allSettled([
      store.commit(commitOf(1)),
      store.commit(commitOf(1, 6_000, 'bob')),
      store.commit(commitOf(2)),
      store.commit(commitOf(3)),
    ]);
    deepEqual(
      outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'done')),
      ['done', 'STORAGE_FULL', 'done', 'done'],
    );
    deepEqual(await seqs(store), [1, 2, 3]);
    deepEqual(await seqs(store, 'bob'), []);
    equal(store.health().ok, false);
    ok(store.health().detail.includes('full'));
  });

  test('W4: if the disk fails while a full group is halved, no half of it resolves later', async (context) => {
    let calls = 0;
    const store = await open(context, {
      write: () => {
        calls += 1;
        return Promise.reject(new EngineError(calls === 1 ? 'full' : 'failed', 'disk'));
      },
    });
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((seq) => store.commit(commitOf(seq))));
    for (const outcome of outcomes) {
      equal(outcome.status === 'rejected' && outcome.reason.code, 'STORAGE_FAILED');
    }
    equal(calls, 2);
  });

  test('a full map refuses commits with nothing written, goes on reading, and accepts again after a trim', async (context) => {
    const store = await open(context, { mapBytesMax: 2 * 1024 * 1024 });
    let last = 0;
    await rejects(
      async () => {
        for (;;) {
          await store.commit(commitOf(last + 1, 100_000));
          last += 1;
        }
      },
      { code: 'STORAGE_FULL' },
    );
    ok(last >= 5, `only ${last} rows fitted`);
    equal((await seqs(store)).length, last);
    equal(store.health().ok, false);
    await store.commit(commitOf(1, 10, 'small'));
    deepEqual(await seqs(store, 'small'), [1]);
    await store.trim(actor, last, 2n ** 60n);
    await store.commit(commitOf(last + 1, 100_000));
    deepEqual(await seqs(store), [last, last + 1]);
    equal(store.health().ok, true);
  });

  test('a queue that is full refuses as not done, and what it holds is still written', async (context) => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const store = await open(context, {
      write: async (_, real) => {
        begun.resolve();
        await go.promise;
        await real();
      },
    });
    const first = store.commit(commitOf(1));
    await begun.promise;
    const waiting = Array.from({ length: queueCommitsMax }, () => store.commit({ actor }));
    await rejects(store.commit(commitOf(2)), { code: 'OVERLOADED' });
    go.resolve();
    await first;
    await Promise.all(waiting);
    await store.commit(commitOf(2));
    deepEqual(await seqs(store), [1, 2]);
  });

  test('closing waits for what was handed over and refuses what comes after', async (context) => {
    const store = await open(context, {});
    const done = store.commit(commitOf(1));
    const closed = store.close();
    await rejects(store.commit(commitOf(2)), { code: 'SHUTTING_DOWN' });
    await done;
    await closed;
    equal(store.health().ok, false);
  });

  test('what breaks the contract is refused before anything is written', async (context) => {
    const store = await open(context, {});
    const cell = { table: 't', key: 'k', value: new Uint8Array(), ts: 1n };
    const bad: Commit[] = [
      { actor: { ...actor, kind: 'User' }, rows: commitOf(1).rows ?? [] },
      { actor: { ...actor, key: '' }, rows: commitOf(1).rows ?? [] },
      { actor: { ...actor, key: 'x'.repeat(257) }, rows: commitOf(1).rows ?? [] },
      { actor: { ...actor, key: 'a\0b' }, rows: commitOf(1).rows ?? [] },
      { actor, rows: commitOf(1).rows ?? [], cells: [{ ...cell, table: 'T' }] },
      { actor, rows: commitOf(1).rows ?? [], cells: [{ ...cell, key: '' }] },
      { actor, notes: [{ note: '', present: true, ts: 1n }] },
    ];
    for (const commit of bad) await rejects(store.commit(commit), { code: 'INVALID_REQUEST' });
    await rejects(store.commit(commitOf(1, 17 * 1024 * 1024)), { code: 'PAYLOAD_TOO_LARGE' });
    deepEqual(await seqs(store), []);
  });
});
