import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, outgoing, text, textContent } from '../testing/index.ts';
import { type BubbleRow, buildRows, type Row, type RowsInput } from './rows.ts';
import { TimeFormat } from './time.ts';

const noon = Date.UTC(2026, 10, 1, 12);
const base: RowsInput = {
  entries: [],
  outgoing: [],
  me: 'me',
  nameOf: (id) => id,
  time: new TimeFormat({ locale: 'en-GB', timeZone: 'UTC' }),
  nowMs: noon,
  unreadFromSeq: 0n,
};
const rows = (input: Partial<RowsInput>) => buildRows({ ...base, ...input });
const bubbles = (list: readonly Row[]): BubbleRow[] => list.filter((row) => row.kind === 'bubble');

test('a line stands between two days', () => {
  const entries = [text(1, 'bob', 'a', { timeMs: noon - 86_400_000 }), text(2, 'bob', 'b', { timeMs: noon })];
  assert.deepEqual(
    rows({ entries }).map((row) => (row.kind === 'day' ? row.text : row.kind)),
    ['Yesterday', 'bubble', 'Today', 'bubble'],
  );
});

test('messages of one sender within five minutes are one block', () => {
  const at = (seq: number, sender: string, minutes: number) =>
    text(seq, sender, 'x', { timeMs: noon + minutes * 60_000 });
  const entries = [at(1, 'bob', 0), at(2, 'bob', 4), at(3, 'bob', 10), at(4, 'me', 10)];
  assert.deepEqual(
    bubbles(rows({ entries })).map(({ first, last }) => [first, last]),
    [
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ],
  );
});

test('an entry about members ends a block', () => {
  const entries = [text(1, 'bob', 'a'), control(2, { joinedUserIds: ['x'] }), text(3, 'bob', 'b')];
  assert.ok(bubbles(rows({ entries })).every((row) => row.first && row.last));
});

test('a message on its way stands at the end, and is shown once when the log holds it', () => {
  const on = outgoing({ clientMessageId: 'me-2', content: textContent('hello') });
  const before = bubbles(rows({ entries: [text(1, 'bob', 'a')], outgoing: [on] }));
  assert.deepEqual([before[1]?.text, before[1]?.state], ['hello', 'sending']);
  const after = bubbles(rows({ entries: [text(1, 'bob', 'a'), text(2, 'me', 'hello')], outgoing: [on] }));
  assert.deepEqual([after.length, after[1]?.state], [2, 'sent']);
});

test('a message of one’s own keeps its key when it gets its place', () => {
  const on = bubbles(rows({ outgoing: [outgoing({ clientMessageId: 'me-2' })] }))[0];
  const placed = bubbles(rows({ entries: [text(2, 'me', 'x')] }))[0];
  assert.equal(on?.key, placed?.key);
});

test('somebody else’s message with the same client message id is another message', () => {
  const entries = [text(1, 'bob', 'a', { clientMessageId: 'same' })];
  assert.equal(bubbles(rows({ entries, outgoing: [outgoing({ clientMessageId: 'same' })] })).length, 2);
});

test('a message that failed says why, and does not open an earlier day again', () => {
  const failed = outgoing({
    clientMessageId: 'f',
    state: 'failed',
    error: 'NOT_A_MEMBER',
    createdAtMs: noon - 86_400_000,
  });
  const list = rows({ entries: [text(1, 'bob', 'a', { timeMs: noon })], outgoing: [failed] });
  assert.equal(list.filter((row) => row.kind === 'day').length, 1);
  assert.equal(bubbles(list)[1]?.error, 'NOT_A_MEMBER');
});

test('the unread line stands above the entry that it is for', () => {
  const list = rows({ entries: [text(1, 'bob', 'a'), text(2, 'bob', 'b')], unreadFromSeq: 2n });
  assert.deepEqual(
    list.map((row) => row.kind),
    ['day', 'bubble', 'unread', 'bubble'],
  );
});

test('all keys differ', () => {
  const entries = [
    text(1, 'bob', 'a'),
    text(2, 'me', 'b'),
    control(3, {}),
    text(4, 'bob', 'c', { clientMessageId: '' }),
  ];
  const keys = rows({ entries, outgoing: [outgoing({ clientMessageId: 'q' })], unreadFromSeq: 4n }).map(
    (row) => row.key,
  );
  assert.equal(new Set(keys).size, keys.length);
});
