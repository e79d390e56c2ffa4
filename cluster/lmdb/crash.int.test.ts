import { equal, ok, rejects } from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../clock/index.ts';
import { type LmdbStore, openLmdbStore } from './index.ts';

const fixture = join(import.meta.dirname, 'crash.fixture.ts');

type Writer = ChildProcessByStdio<null, Readable, null>;

function startWriter(context: TestContext, directory: string, first: number): Writer {
  const child = spawn(process.execPath, [fixture, directory, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

/** Collects acknowledgements, kills the writer after `acksMin` of them, and returns the last one of each key. */
async function killAfter(child: Writer, acksMin: number, last: Map<string, number>): Promise<void> {
  let acks = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, key = '', seq] = line.split(' ');
    if (word !== 'ack') continue;
    last.set(key, Number(seq));
    acks += 1;
    if (acks === acksMin) child.kill('SIGKILL');
  }
}

async function checkAll(store: LmdbStore, last: Map<string, number>): Promise<number> {
  let highest = 0;
  for (const [key, acked] of last) {
    const rows = await store.readRows({ kind: 'user', key, shard: 0 }, { from: 1, rowsMax: 1_000_000 });
    ok(rows.length >= acked, `${key}: ${acked} acknowledged, ${rows.length} found`);
    for (const [at, row] of rows.entries()) {
      equal(row.seq, at + 1);
      equal(Buffer.from(row.value).toString(), `${key} ${row.seq}`);
    }
    highest = Math.max(highest, rows.length);
  }
  return highest;
}

test('S1: every acknowledged commit is there after SIGKILL, and the lock of the killed process blocks nobody', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'starling-crash-'));
  context.after(() => rm(directory, { recursive: true }));
  const last = new Map<string, number>();
  let epoch = 65_535;
  for (let round = 0; round < 3; round += 1) {
    // All keys go on from the same position, so that timelines stay contiguous over the rounds.
    const first = await evenOut(directory, last);
    epoch += first === 1 ? 0 : 1;
    const child = startWriter(context, directory, first);
    await killAfter(child, 700 + 333 * round, last);
    epoch += 1;
    const store = await openLmdbStore({ directory, clock: systemClock() });
    epoch += 1;
    equal(store.epoch, epoch);
    await checkAll(store, last);
    await store.close();
  }
});

/** Fills every timeline up to the longest and returns the position after it. */
async function evenOut(directory: string, last: Map<string, number>): Promise<number> {
  if (last.size === 0) return 1;
  const store = await openLmdbStore({ directory, clock: systemClock() });
  const highest = await checkAll(store, last);
  const claim = store.ownership().claim(0);
  for (const key of last.keys()) {
    const actor = { kind: 'user', key, shard: 0 };
    const have = (await store.readRows(actor, { from: 1, rowsMax: 1_000_000 })).length;
    const rows = Array.from({ length: highest - have }, (_, at) => {
      const seq = have + at + 1;
      return { seq, ts: claim?.nextTimestamp() ?? 0n, value: Buffer.from(`${key} ${seq}`) };
    });
    await store.commit({ actor, rows });
  }
  await store.close();
  return highest + 1;
}

test('X1: a store that another process has open is refused, naming that process', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'starling-lock-'));
  context.after(() => rm(directory, { recursive: true }));
  const child = startWriter(context, directory, 1);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  equal(line, `open ${child.pid}`);
  await rejects(openLmdbStore({ directory, clock: systemClock() }), {
    code: 'STORAGE_FAILED',
    message: new RegExp(`in use by process ${child.pid}:`),
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await openLmdbStore({ directory, clock: systemClock() });
  equal(store.epoch, 65_537);
  await store.close();
});
