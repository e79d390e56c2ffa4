// Child process of limit.lmdb.put_fsync: the bare library, 256 puts in flight, each answered once it is flushed. Every
// writer appends to a log of its own, as actors do, so that a commit touches as many pages as it does there.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';

const IN_FLIGHT = 256;
const ROW_BYTES = 200;

const forMs = Number(process.argv[2]);
const directory = await mkdtemp(join(tmpdir(), 'starling-limit-'));
try {
  const store = open<Buffer, [number, number]>({
    path: join(directory, 'data.mdb'),
    noSubdir: true,
    encoding: 'binary',
    separateFlushed: true,
    overlappingSync: false,
  });
  const row = Buffer.alloc(ROW_BYTES, 'x');
  const until = performance.now() + forMs;
  const startedAt = performance.now();
  const lane = async (writer: number): Promise<number> => {
    let seq = 0;
    while (performance.now() < until) {
      seq += 1;
      await (store.put([writer, seq], row) as Promise<boolean> & { flushed: Promise<boolean> }).flushed;
    }
    return seq;
  };
  const done = (await Promise.all(Array.from({ length: IN_FLIGHT }, (_, writer) => lane(writer)))).reduce(
    (sum, each) => sum + each,
    0,
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  if (store.getCount() !== done) throw new Error(`${store.getCount()} rows are stored, ${done} were put`);
  await store.close();
  console.log(JSON.stringify({ perSecond: done / seconds }));
} finally {
  await rm(directory, { recursive: true, force: true });
}
