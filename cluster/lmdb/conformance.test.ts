import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance } from '../../runtime/testing/index.ts';
import { systemClock } from '../clock/index.ts';
import { openLmdbStore } from './index.ts';

storeConformance('LMDB', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'starling-lmdb-'));
  const open = () => openLmdbStore({ directory, clock: systemClock() });
  let store = await open();
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await open();
      return store;
    },
    groups: () => store.transactions,
    dispose: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});
