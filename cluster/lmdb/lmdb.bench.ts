// Commits a second of the driver beside the bare library in the same run. `node cluster/lmdb/lmdb.bench.ts [seconds]`
//
// Each of N writers awaits one row of 200 bytes at a time. `put` is the library's own put with its promise that the row is
// flushed: `classic` in the mode that the driver uses, `overlapping` in the mode that it does not (E1).

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { systemClock } from '../clock/index.ts';
import { openLmdbStore } from './index.ts';

interface Target {
  readonly name: string;
  readonly write: (writer: number, seq: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

const value = Buffer.alloc(200, 7);

async function driver(directory: string): Promise<Target> {
  const store = await openLmdbStore({ directory: join(directory, 'driver'), clock: systemClock() });
  const claim = store.ownership().claim(0);
  return {
    name: 'driver',
    write: (writer, seq) => {
      const row = { seq, ts: claim?.nextTimestamp() ?? 0n, value };
      return store.commit({ actor: { kind: 'user', key: `user-${writer}`, shard: 0 }, rows: [row] });
    },
    close: () => store.close(),
  };
}

function raw(directory: string, overlappingSync: boolean): Target {
  const name = overlappingSync ? 'put overlapping' : 'put classic';
  const database = open<Buffer, Buffer>({
    path: join(directory, `${name}.mdb`),
    noSubdir: true,
    mapSize: 64 * 1024 ** 3,
    encoding: 'binary',
    keyEncoding: 'binary',
    separateFlushed: true,
    overlappingSync,
  });
  return {
    name,
    write: (writer, seq) => {
      const key = Buffer.from(`Ruser\0user-${writer}\0------`, 'latin1');
      key.writeUIntBE(seq, key.length - 6, 6);
      const put = database.put(key, value) as Promise<boolean> & { flushed: Promise<boolean> };
      return put.flushed;
    },
    close: async () => {
      await database.close();
    },
  };
}

interface Figure {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function measure(target: Target, writers: number, seconds: number, firstSeq: number): Promise<Figure> {
  const latencies: number[] = [];
  const begun = performance.now();
  const untilMs = begun + seconds * 1_000;
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let seq = firstSeq; performance.now() < untilMs; seq += 1) {
        const from = performance.now();
        await target.write(writer, seq);
        latencies.push(performance.now() - from);
      }
    }),
  );
  const elapsedS = (performance.now() - begun) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { perSecond: latencies.length / elapsedS, p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function reads(directory: string): Promise<number> {
  const store = await openLmdbStore({ directory: join(directory, 'reads'), clock: systemClock() });
  const actor = { kind: 'user', key: 'reader', shard: 0 };
  const count = 100_000;
  for (let from = 1; from <= count; from += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, at) => ({ seq: from + at, ts: 1n, value }));
    await store.commit({ actor, rows });
  }
  const begun = performance.now();
  for (let from = 1; from <= count; from += 500) await store.readRows(actor, { from, rowsMax: 500 });
  const perSecond = count / ((performance.now() - begun) / 1_000);
  await store.close();
  return perSecond;
}

async function main(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 2);
  const directory = await mkdtemp(join(tmpdir(), 'starling-bench-'));
  const targets = [await driver(directory), raw(directory, false), raw(directory, true)];
  console.log('writers  target             commits/s    p50 ms    p99 ms');
  let firstSeq = 1;
  for (const writers of [1, 50, 256, 400]) {
    for (const target of targets) {
      const { perSecond, p50Ms, p99Ms } = await measure(target, writers, seconds, firstSeq);
      const cells = [
        perSecond.toFixed(0).padStart(9),
        p50Ms.toFixed(2).padStart(9),
        p99Ms.toFixed(2).padStart(9),
      ];
      console.log(`${String(writers).padStart(7)}  ${target.name.padEnd(16)} ${cells.join(' ')}`);
    }
    firstSeq += 1_000_000;
  }
  for (const target of targets) await target.close();
  console.log(`rows read in order, pages of 500: ${(await reads(directory)).toFixed(0)}/s`);
  await rm(directory, { recursive: true });
}

await main();
