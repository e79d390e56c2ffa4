// A node on its own: LMDB in its data directory.

import { openLmdbStore } from '../../../cluster/lmdb/index.ts';
import { DEFAULT_SHARDS } from '../../../runtime/index.ts';
import type { LogLevel } from '../log.ts';
import type { Backing, BackingOptions } from './backing.ts';

/** @throws StarlingError STORAGE_FAILED where the directory is in use or its data can't be read */
export async function openEmbedded({ config, clock, log }: BackingOptions): Promise<Backing> {
  // What a store has to say once it is open is out of the ordinary: full, failed, or well again.
  let level: LogLevel = 'info';
  const store = await openLmdbStore({
    directory: config.data,
    mapBytesMax: config['store.map_bytes_max'],
    clock,
    onLog: (line) => log({ level, message: line, fields: { part: 'store' } }),
  });
  level = 'warn';
  return {
    store,
    ownership: store.ownership(),
    shards: DEFAULT_SHARDS,
    health: () => store.health(),
    dependencies: () => [{ name: 'lmdb', ...store.health() }],
    onStopAsked: () => {},
    addressOf: () => undefined,
    onEnd: (listener) => store.onFatal((error) => listener('broken', error)),
    join: async () => {},
    drain: async () => {},
    close: () => store.close(),
  };
}
