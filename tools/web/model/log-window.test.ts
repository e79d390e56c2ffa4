import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { control, text } from '../testing/index.ts';
import { emptyWindow, entriesMax, firstUnread, merge, withNewer, withNews, withOlder } from './log-window.ts';

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => text(from + at, 'bob', `message ${from + at}`));
const seqs = (entries: readonly { readonly conversationSeq: bigint }[]) =>
  entries.map((entry) => Number(entry.conversationSeq));

test('any two lists merge to an ascending one with each entry once', () => {
  const some = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });
  fc.assert(
    fc.property(some, some, (a, b) => {
      const ascending = (list: number[]) =>
        [...list].sort((x, y) => x - y).map((seq) => text(seq, 'bob', 'x'));
      const merged = seqs(merge(ascending(a), ascending(b)));
      assert.deepEqual(
        merged,
        [...new Set([...a, ...b])].sort((x, y) => x - y),
      );
    }),
  );
});

test('news that was also in the page just read is not shown twice', () => {
  const window = withNews(withNews(emptyWindow, range(1, 5)), range(4, 6));
  assert.deepEqual(seqs(window.entries), [1, 2, 3, 4, 5, 6]);
});

test('news beyond the bound drops the oldest entries', () => {
  const window = withNews(withNews(emptyWindow, range(1, entriesMax)), range(entriesMax + 1, entriesMax + 3));
  assert.equal(window.entries.length, entriesMax);
  assert.equal(window.entries[0]?.conversationSeq, 4n);
  assert.ok(!window.detached);
});

test('older entries beyond the bound drop the newest ones, and news no longer joins', () => {
  const full = withNews(emptyWindow, range(101, 100 + entriesMax));
  const window = withOlder(full, range(51, 100));
  assert.ok(window.detached);
  assert.equal(window.entries.at(-1)?.conversationSeq, BigInt(50 + entriesMax));
  assert.equal(withNews(window, range(9_000, 9_001)), window);
});

test('a detached window joins the end again once it holds the last entry', () => {
  const detached = { entries: range(1, 50), detached: true };
  const nearer = withNewer(detached, range(51, 100), 120n);
  assert.ok(nearer.detached);
  assert.ok(!withNewer(nearer, range(101, 120), 120n).detached);
});

test('the first unread entry is content, by somebody else, after the position read', () => {
  const entries = [
    text(1, 'bob', 'a'),
    control(2, { leftUserIds: ['x'] }),
    text(3, 'me', 'b'),
    text(4, 'bob', 'c'),
  ];
  assert.equal(firstUnread(entries, 1n, 'me'), 4n);
  assert.equal(firstUnread(entries, 0n, 'me'), 1n);
  assert.equal(firstUnread(entries, 4n, 'me'), 0n);
});
