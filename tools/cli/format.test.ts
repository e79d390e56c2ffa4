import assert from 'node:assert/strict';
import test from 'node:test';
import { count, fit, moment, pairs, span, table, textWidth } from './format.ts';

test('Chinese and emoji take two columns, combining marks none', () => {
  assert.equal(textWidth('abc'), 3);
  assert.equal(textWidth('陈晨'), 4);
  assert.equal(textWidth('👋'), 2);
  assert.equal(textWidth('👨‍👩‍👧'), 2);
  assert.equal(textWidth('e\u0301'), 1);
  assert.equal(textWidth('فاطمة'), 5);
});

test('a table is aligned by what is seen, and lines have no spaces at their end', () => {
  const text = table(
    [{ title: 'name' }, { title: 'unread', align: 'right' }, { title: 'note' }],
    [
      ['陈晨', '7', ''],
      ['bob', '1,200', 'x'],
    ],
  );
  assert.equal(text, 'NAME  UNREAD  NOTE\n陈晨       7\nbob    1,200  x');
});

test('names and values stand in two columns', () => {
  assert.equal(
    pairs([
      ['a', '1'],
      ['long', ''],
    ]),
    'a     1\nlong',
  );
});

test('a text is cut to the columns there are, and control characters cannot reach the terminal', () => {
  assert.equal(fit('hello', 5), 'hello');
  assert.equal(fit('hello!', 5), 'hell…');
  assert.equal(fit('陈晨陈晨', 5), '陈晨…');
  assert.equal(fit('a\u001b[31m\nb', 20), 'a [31m b');
});

test('counts have groups of thousands', () => {
  assert.equal(count(0), '0');
  assert.equal(count(1_234_567), '1,234,567');
  assert.equal(count(12_345n), '12,345');
});

test('a span is shown in its two largest units', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0ms'],
    [999, '999ms'],
    [1_250, '1.2s'],
    [59_999, '59s'],
    [61_000, '1m 1s'],
    [3_600_000, '1h'],
    [90_061_000, '1d 1h'],
  ];
  for (const [ms, text] of cases) assert.equal(span(ms), text);
});

test('a moment is shown absolutely and relatively, in the past and in the future', () => {
  const now = Date.UTC(2026, 10, 22, 16, 14, 11);
  assert.equal(moment(now - 184_000, now), '2026-11-22 16:11:07Z (3m 4s ago)');
  assert.equal(moment(BigInt(now + 60_000), now), '2026-11-22 16:15:11Z (in 1m)');
  assert.equal(moment(0n, now), 'never');
});
