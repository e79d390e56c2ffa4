// A process that writes until it is killed, and says on its standard output what was acknowledged. Used by the crash test.

import { writeSync } from 'node:fs';
import { systemClock } from '../clock/index.ts';
import { openLmdbStore } from './index.ts';

const [, , directory = '', firstText = '1'] = process.argv;
const store = await openLmdbStore({ directory, clock: systemClock() });
writeSync(1, `open ${process.pid}\n`);
const claim = store.ownership().claim(0);

async function writeAll(key: string): Promise<never> {
  for (let seq = Number(firstText); ; seq += 1) {
    const ts = claim?.nextTimestamp() ?? 0n;
    const value = Buffer.from(`${key} ${seq}`);
    await store.commit({
      actor: { kind: 'user', key, shard: 0 },
      rows: [{ seq, ts, value }],
      mark: { shard: 0, epoch: store.epoch, n: seq, kind: 'user', key },
    });
    writeSync(1, `ack ${key} ${seq}\n`);
  }
}

await Promise.all(Array.from({ length: 20 }, (_, at) => writeAll(`k${at}`)));
