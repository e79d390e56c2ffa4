import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeFormat } from './time.ts';

const time = new TimeFormat({ locale: 'en-GB', timeZone: 'Asia/Shanghai' });
const now = Date.UTC(2026, 10, 22, 4); // Sunday noon in Shanghai.
const hour = 3_600_000;

test('the list shows the clock time of a message of today', () => {
  assert.equal(time.listed(now - 2 * hour, now), '10:00');
});

test('days are counted by the calendar of the time zone, not by 24 hours', () => {
  assert.equal(time.listed(now - 13 * hour, now), 'Yesterday');
  assert.equal(time.day(now - 11 * hour, now), 'Today');
});

test('the list shows the weekday within a week, then the date, then the date with its year', () => {
  assert.equal(time.listed(now - 48 * hour, now), 'Fri');
  assert.equal(time.listed(now - 14 * 24 * hour, now), '8 Nov');
  assert.equal(time.listed(Date.UTC(2025, 0, 5), now), '05/01/25');
});

test('the list shows nothing for a conversation without a message', () => {
  assert.equal(time.listed(0, now), '');
});

test('a clock that is ahead of this one does not make a date of the future', () => {
  assert.equal(time.listed(now + hour, now), '13:00');
});

test('the line between days names the year only of another year', () => {
  assert.match(time.day(Date.UTC(2026, 2, 3), now), /^Tuesday,? 3 March$/u);
  assert.match(time.day(Date.UTC(2025, 2, 3), now), /^Monday,? 3 March 2025$/u);
});
