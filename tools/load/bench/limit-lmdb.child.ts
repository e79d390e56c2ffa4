// Child process of limit.lmdb.put_fsync: the bare library, 256 puts in flight, each answered once it is flushed.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';

const IN_FLIGHT = 256;
const ROW_BYTES = 200;

const forMs = Number(process.argv[2]);
const directory = await mkdtemp(join(tmpdir(), 'starling-limit-'));
try {
  const store = open<Buffer, number>({
    path: join(directory, 'data.mdb'),
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'uint32',
    separateFlushed: true,
    overlappingSync: false,
  });
  const row = Buffer.alloc(ROW_BYTES, 'x');
  let key = 0;
  const until = performance.now() + forMs;
  const startedAt = performance.now();
  const lane = async (): Promise<number> => {
    let done = 0;
    while (performance.now() < until) {
      key += 1;
      await (store.put(key, row) as Promise<boolean> & { flushed: Promise<boolean> }).flushed;
      done += 1;
    }
    return done;
  };
  const done = (await Promise.all(Array.from({ length: IN_FLIGHT }, lane))).reduce(
    (sum, each) => sum + each,
    0,
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  if (store.getCount() !== key) throw new Error(`${store.getCount()} rows are stored, ${key} were put`);
  await store.close();
  console.log(JSON.stringify({ perSecond: done / seconds }));
} finally {
  await rm(directory, { recursive: true, force: true });
}
