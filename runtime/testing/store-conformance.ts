// The suite that every driver of the store port passes. Owns: a test for each promise S1 … S9 that can be seen from
// outside, and the comparison of random histories with a model. Does not own: promises that need a broken disk; those a
// driver tests beside itself.

import { rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Store } from '../ports/store.ts';
import { registerBasics } from './store-basics.ts';
import { registerDue } from './store-due.ts';
import { registerNotes } from './store-notes.ts';
import { registerOrder } from './store-order.ts';
import { registerProperties } from './store-properties.ts';

/** One store under test. */
export interface OpenedStore {
  readonly store: Store;
  /** Ends the store as a kill would or by closing it, and opens what is durable; absent where nothing outlives it. */
  readonly reopen?: () => Promise<Store>;
  /** Transactions or other units of a group commit written so far; absent where a driver cannot say. */
  readonly groups?: () => number;
  /** Releases everything, the reopened store too. */
  readonly dispose: () => Promise<void>;
}

/** Opens an empty store for one test. */
export type OpenStore = () => Promise<OpenedStore>;

/** Registers the suite with node:test under `name`. */
export function storeConformance(name: string, open: OpenStore): void {
  describe(`store conformance of ${name}`, () => {
    const withStore = (title: string, body: (opened: OpenedStore) => Promise<void>): void => {
      test(title, async () => {
        const opened = await open();
        try {
          await body(opened);
        } finally {
          await opened.dispose();
        }
      });
    };
    registerBasics(withStore);
    registerOrder(withStore);
    registerDue(withStore);
    registerNotes(withStore);
    registerProperties(open);
    withStore('a closed store refuses commits as not done and says so in its health', async ({ store }) => {
      await store.close();
      await rejects(store.commit({ actor: { kind: 'user', key: 'a', shard: 0 } }), { code: 'SHUTTING_DOWN' });
      if (store.health().ok) throw new Error('a closed store calls itself healthy');
    });
  });
}

/** Registers one test with a fresh store. */
export type WithStore = (title: string, body: (opened: OpenedStore) => Promise<void>) => void;
