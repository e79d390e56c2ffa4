// Conformance: order, groups and durability of commits (S1, S5, S8), wake marks and lists.

import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ActorAddress, WakeMark } from '../ports/store.ts';
import { ann, bytes, headOf, row, text, tsOf } from './store-basics.ts';
import type { WithStore } from './store-conformance.ts';

const markOf = (shard: number, epoch: number, n: number, key: string): WakeMark => ({
  shard,
  epoch,
  n,
  kind: 'user',
  key,
});

export function registerOrder(withStore: WithStore): void {
  withStore('S1: what resolved is there after the store is opened again', async ({ store, reopen }) => {
    const mark = markOf(3, 65_536, 1, 'ann');
    const head = headOf({ sealSeq: 1, state: bytes('s') });
    const cells = [
      { table: 't', key: 'k', value: bytes('c'), ts: tsOf(1, 2) },
      { table: 't', key: 'gone', value: undefined, ts: tsOf(1, 2) },
    ];
    await store.commit({ actor: ann, head, mark, rows: [row(1, 'r')], cells });
    const next = reopen === undefined ? store : await reopen();
    equal(text((await next.readHead(ann))?.state ?? bytes('')), 's');
    deepEqual(
      (await next.readRows(ann, { from: 1, rowsMax: 9 })).map((r) => text(r.value)),
      ['r'],
    );
    equal(text((await next.readCell(ann, 't', 'k'))?.value ?? bytes('')), 'c');
    equal(await next.readCell(ann, 't', 'gone'), undefined);
    deepEqual(await next.readMarks(3, { marksMax: 9 }), [mark]);
    deepEqual(await next.listActors('user', { actorsMax: 9 }), ['ann']);
  });
  withStore('S5: commits of one actor resolve in the order they were handed over', async ({ store }) => {
    const resolved: number[] = [];
    const commits = Array.from({ length: 50 }, (_, at) =>
      store.commit({ actor: ann, rows: [row(at + 1, `${at}`)] }).then(() => resolved.push(at)),
    );
    await Promise.all(commits);
    deepEqual(
      resolved,
      Array.from({ length: 50 }, (_, at) => at),
    );
    equal((await store.readRows(ann, { from: 1, rowsMax: 99 })).length, 50);
  });
  withStore('S8: commits handed over together share writes', async ({ store, groups }) => {
    const before = groups?.() ?? 0;
    await Promise.all(
      Array.from({ length: 500 }, (_, at) =>
        store.commit({ actor: { ...ann, key: `k${at}` }, rows: [row(1, 'x')] }),
      ),
    );
    const used = (groups?.() ?? 0) - before;
    ok(used <= 10, `500 commits took ${used} writes`);
    const read = await store.readRows({ ...ann, key: 'k499' }, { from: 1, rowsMax: 1 });
    equal(read.length, 1);
  });
  withStore('a commit of nothing resolves', async ({ store }) => {
    await store.commit({ actor: ann });
    equal(await store.readHead(ann), undefined);
  });
  withStore('marks come in order of epoch, interval, kind and key, in pages', async ({ store }) => {
    const marks = [
      markOf(3, 65_536, 1, 'a'),
      markOf(3, 65_536, 1, 'b'),
      markOf(3, 65_536, 2, 'a'),
      markOf(3, 65_536, 10, 'a'),
      markOf(3, 65_537, 1, 'a'),
    ];
    for (const mark of [...marks].reverse()) await store.commit({ actor: ann, mark });
    await store.commit({ actor: ann, mark: markOf(4, 65_536, 1, 'other') });
    const first = marks[0] ?? markOf(0, 0, 0, '');
    await store.commit({ actor: ann, mark: first });
    deepEqual(await store.readMarks(3, { marksMax: 99 }), marks);
    const paged: WakeMark[] = [];
    for (;;) {
      const after = paged.at(-1);
      const page = await store.readMarks(3, after === undefined ? { marksMax: 2 } : { marksMax: 2, after });
      if (page.length === 0) break;
      paged.push(...page);
    }
    deepEqual(paged, marks);
  });
  withStore('dropping marks takes those of lower epochs of that shard and no other', async ({ store }) => {
    const kept = [markOf(3, 65_538, 0, 'a'), markOf(4, 65_536, 0, 'a')];
    for (const mark of [markOf(3, 65_536, 5, 'a'), markOf(3, 65_537, 5, 'a'), ...kept]) {
      await store.commit({ actor: ann, mark });
    }
    await store.dropMarks(3, 65_538);
    deepEqual(await store.readMarks(3, { marksMax: 9 }), [kept[0]]);
    deepEqual(await store.readMarks(4, { marksMax: 9 }), [kept[1]]);
  });
  withStore(
    'actors of a kind are listed once, in bytewise order, by prefix and in pages',
    async ({ store }) => {
      // U+FF5E comes before an emoji in bytes and after it in UTF-16 units.
      const keys = ['a', 'ab', 'abc', 'b', '用', '～', '🙂'];
      for (const key of [...keys].reverse()) {
        const actor: ActorAddress = { kind: 'user', key, shard: 1 };
        await store.commit({ actor, head: headOf({}) });
        await store.commit({ actor, head: headOf({ ts: tsOf(2, 0) }) });
      }
      await store.commit({ actor: { kind: 'group', key: 'g', shard: 1 }, head: headOf({}) });
      await store.commit({ actor: { kind: 'user', key: 'rows-only', shard: 1 }, rows: [row(1, 'x')] });
      deepEqual(await store.listActors('user', { actorsMax: 99 }), keys);
      deepEqual(await store.listActors('user', { actorsMax: 99, prefix: 'ab' }), ['ab', 'abc']);
      deepEqual(await store.listActors('user', { actorsMax: 1, prefix: 'ab', after: 'ab' }), ['abc']);
      deepEqual(await store.listActors('user', { actorsMax: 99, prefix: 'ab', after: 'b' }), []);
      deepEqual(await store.listActors('user', { actorsMax: 99, prefix: 'b', after: 'a' }), ['b']);
      const paged: string[] = [];
      for (;;) {
        const after = paged.at(-1);
        const page = await store.listActors(
          'user',
          after === undefined ? { actorsMax: 3 } : { actorsMax: 3, after },
        );
        if (page.length === 0) break;
        paged.push(...page);
      }
      deepEqual(paged, keys);
    },
  );
}
