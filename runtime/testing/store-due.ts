// Conformance: due notes, which wake actors whose reminders have come (S2, S4).

import { deepEqual } from 'node:assert/strict';
import type { DueMark, Store } from '../ports/store.ts';
import { ann, row, tsOf } from './store-basics.ts';
import type { WithStore } from './store-conformance.ts';

const minuteMs = 60_000;
const far = Number.MAX_SAFE_INTEGER;

const dueOf = (minute: number, key: string, ts = tsOf(1, 1), shard = 3): DueMark => ({
  shard,
  dueMs: minute * minuteMs,
  kind: 'user',
  key,
  ts,
});

async function put(store: Store, ...due: readonly DueMark[]): Promise<void> {
  await store.commit({ actor: ann, due });
}

export function registerDue(withStore: WithStore): void {
  withStore('S1: due notes are there after the store is opened again', async ({ store, reopen }) => {
    const due = [dueOf(1, 'a'), dueOf(29_000_000, 'b', tsOf(2, 3))];
    await store.commit({ actor: ann, rows: [row(1, 'r')], due });
    const next = reopen === undefined ? store : await reopen();
    deepEqual(await next.readDue(3, { untilMs: far, marksMax: 9 }), due);
  });
  withStore('due notes come in order of minute, kind and key, in pages', async ({ store }) => {
    const due = [
      dueOf(1, 'a'),
      dueOf(1, 'ab'),
      dueOf(1, '～'),
      dueOf(1, '🙂'),
      { ...dueOf(1, 'a'), kind: 'usher' },
      dueOf(2, 'a'),
      dueOf(10, 'a'),
      dueOf(256, 'a'),
    ];
    for (const mark of [...due].reverse()) await put(store, mark);
    await put(store, dueOf(1, 'other', tsOf(1, 1), 4));
    deepEqual(await store.readDue(3, { untilMs: far, marksMax: 99 }), due);
    const paged: DueMark[] = [];
    for (;;) {
      const after = paged.at(-1);
      const range = { untilMs: far, marksMax: 3 };
      const page = await store.readDue(3, after === undefined ? range : { ...range, after });
      if (page.length === 0) break;
      paged.push(...page);
    }
    deepEqual(paged, due);
    deepEqual(await store.readDue(3, { untilMs: far, marksMax: 0 }), []);
  });
  withStore('only due notes of a minute up to the bound are read', async ({ store }) => {
    await put(store, dueOf(1, 'a'), dueOf(2, 'a'), dueOf(3, 'a'));
    const keysUntil = async (untilMs: number): Promise<number[]> =>
      (await store.readDue(3, { untilMs, marksMax: 9 })).map(({ dueMs }) => dueMs / minuteMs);
    deepEqual(await keysUntil(0), []);
    deepEqual(await keysUntil(2 * minuteMs - 1), [1]);
    deepEqual(await keysUntil(2 * minuteMs), [1, 2]);
    deepEqual(await keysUntil(2.5 * minuteMs), [1, 2]);
    const after = dueOf(3, 'a');
    deepEqual(await store.readDue(3, { untilMs: 2 * minuteMs, marksMax: 9, after }), []);
  });
  withStore('a due note written twice is one, with the later time', async ({ store }) => {
    await put(store, dueOf(1, 'a', tsOf(1, 5)));
    await put(store, dueOf(1, 'a', tsOf(1, 3)));
    deepEqual(await store.readDue(3, { untilMs: far, marksMax: 9 }), [dueOf(1, 'a', tsOf(1, 5))]);
  });
  withStore('S2: a dropped due note stays away until it is written with a later time', async ({ store }) => {
    const other = [dueOf(1, 'ab'), dueOf(2, 'a'), dueOf(1, 'a', tsOf(1, 1), 4)];
    await put(store, dueOf(1, 'a', tsOf(1, 1)), ...other);
    await store.dropDue([dueOf(1, 'a', tsOf(1, 1))], tsOf(1, 5));
    const left = async (): Promise<DueMark[]> => [
      ...(await store.readDue(3, { untilMs: far, marksMax: 9 })),
      ...(await store.readDue(4, { untilMs: far, marksMax: 9 })),
    ];
    deepEqual(await left(), other);
    await put(store, dueOf(1, 'a', tsOf(1, 4)));
    await put(store, dueOf(1, 'a', tsOf(1, 5)));
    deepEqual(await left(), other);
    const later = dueOf(1, 'a', tsOf(1, 6));
    await put(store, later);
    deepEqual(await left(), [later, ...other]);
    await store.dropDue([later], tsOf(1, 5));
    deepEqual(await left(), [later, ...other]);
  });
  withStore('S2: dropping a due note that never was hides an earlier one', async ({ store, reopen }) => {
    await store.dropDue([dueOf(1, 'a'), dueOf(2, 'a')], tsOf(1, 5));
    const next = reopen === undefined ? store : await reopen();
    await put(next, dueOf(1, 'a', tsOf(1, 4)), dueOf(2, 'a', tsOf(1, 6)));
    deepEqual(await next.readDue(3, { untilMs: far, marksMax: 9 }), [dueOf(2, 'a', tsOf(1, 6))]);
    await next.dropDue([], tsOf(1, 7));
  });
}
