import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { SimClock } from '../../runtime/testing/index.ts';
import { type Engine, openEngine } from './engine.ts';
import { openLmdbStore } from './index.ts';
import { factKey, tombstonesBelow } from './keys.ts';

const clock = new SimClock();
const actor = { kind: 'user', key: 'ann', shard: 1 };

async function parentOf(context: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'starling-open-'));
  context.after(() => rm(parent, { recursive: true }));
  return parent;
}

describe('opening a store', () => {
  test('a missing directory is made, with its parents, for its owner alone', async (context) => {
    const directory = join(await parentOf(context), 'a', 'b');
    const store = await openLmdbStore({ directory, clock });
    await store.close();
    equal((await stat(directory)).mode & 0o777, 0o700);
  });

  test('O2: the epoch begins at 65,536 and rises with each opening, one that wrote nothing too', async (context) => {
    const directory = await parentOf(context);
    const epochs: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const store = await openLmdbStore({ directory, clock });
      epochs.push(store.epoch);
      equal(store.ownership().claim(1)?.epoch, store.epoch);
      await store.close();
    }
    deepEqual(epochs, [65_536, 65_537, 65_538]);
  });

  test('a store of an unknown format is refused by name and left as it is', async (context) => {
    const directory = await parentOf(context);
    await (await openLmdbStore({ directory, clock })).close();
    const engine = openEngine(join(directory, 'store.mdb'), 1 << 30);
    await engine.write([[factKey('format'), Buffer.from([0, 0, 0, 9])]]);
    await engine.close();
    await rejects(
      openLmdbStore({ directory, clock }),
      /has format 9; this version of Starling reads format 1/,
    );
    // A refusal must not keep the lock.
    await rejects(openLmdbStore({ directory, clock }), /has format 9/);
  });

  test('X1: a second opening in this process is refused and names the process that holds it', async (context) => {
    const directory = await parentOf(context);
    const store = await openLmdbStore({ directory, clock });
    await rejects(openLmdbStore({ directory, clock }), {
      code: 'STORAGE_FAILED',
      message: new RegExp(`in use by process ${process.pid}:`),
    });
    await store.commit({ actor, rows: [{ seq: 1, ts: 1n, value: Buffer.of(1) }] });
    await store.close();
    const again = await openLmdbStore({ directory, clock });
    equal((await again.readRows(actor, { from: 1, rowsMax: 9 })).length, 1);
    await again.close();
  });

  test('deletes of ended epochs are purged at the next opening, those of this epoch are kept', async (context) => {
    const directory = await parentOf(context);
    let engine: Engine | undefined;
    const open = () =>
      openLmdbStore({
        directory,
        clock,
        wrapEngine: (real) => {
          engine = real;
          return real;
        },
      });
    const left = (): number => {
      let count = 0;
      engine?.scanKeys(tombstonesBelow(2n ** 63n), () => {
        count += 1;
        return true;
      });
      return count;
    };
    const cell = (key: string, value: Uint8Array | undefined, ts = 0n) => ({ table: 't', key, value, ts });
    const first = await open();
    const draw = first.ownership().claim(1);
    const ts = (): bigint => draw?.nextTimestamp() ?? 0n;
    const keys = Array.from({ length: 5_000 }, (_, at) => `k${at}`);
    await first.commit({ actor, cells: keys.map((key) => cell(key, undefined, ts())) });
    await first.commit({ actor, cells: [cell('k0', Buffer.of(1), ts())] });
    equal(left(), 4_999);
    await first.close();
    const second = await open();
    const now = second.ownership().claim(1)?.nextTimestamp() ?? 0n;
    await second.commit({ actor, cells: [cell('k1', undefined, now)] });
    await second.purgeTombstones();
    equal(left(), 1);
    await second.commit({
      actor,
      cells: [cell('k1', Buffer.of(9), now - 1n), cell('k2', Buffer.of(2), now)],
    });
    const page = await second.readCells(actor, 't', { cellsMax: 9 });
    deepEqual(
      page.map(({ key }) => key),
      ['k0', 'k2'],
    );
    await second.close();
  });

  test('a file that is not a store is refused in words and left as it is', async (context) => {
    const directory = await parentOf(context);
    const file = join(directory, 'store.mdb');
    await writeFile(file, Buffer.alloc(65_536, 'not a store '));
    await rejects(openLmdbStore({ directory, clock }), { code: 'CORRUPTION', message: /does not begin/ });
    equal((await stat(file)).size, 65_536);
  });

  test('a store whose file lost its end is refused in words', async (context) => {
    const directory = await parentOf(context);
    const store = await openLmdbStore({ directory, clock });
    const rows = Array.from({ length: 500 }, (_, at) => ({ seq: at + 1, ts: 1n, value: Buffer.alloc(500) }));
    await store.commit({ actor, rows });
    await store.close();
    await truncate(join(directory, 'store.mdb'), 2 * 4_096 + 100);
    await rejects(openLmdbStore({ directory, clock }), { code: 'CORRUPTION', message: /end is missing/ });
  });

  test('a file cut off while it was created is made anew', async (context) => {
    const directory = await parentOf(context);
    await writeFile(join(directory, 'store.mdb'), Buffer.alloc(4_096));
    const store = await openLmdbStore({ directory, clock });
    equal(store.epoch, 65_536);
    await store.close();
  });

  test('opening tells the log which epoch began', async (context) => {
    const lines: string[] = [];
    const directory = await parentOf(context);
    const store = await openLmdbStore({ directory, clock, onLog: (line) => lines.push(line) });
    await store.close();
    ok(lines.some((line) => line.includes('open in epoch 65536')));
  });
});
