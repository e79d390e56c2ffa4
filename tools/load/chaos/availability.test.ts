import assert from 'node:assert/strict';
import test from 'node:test';
import { Availability } from './availability.ts';

function of(...acks: readonly (readonly [atMs: number, userId: string])[]): Availability {
  const availability = new Availability();
  for (const [atMs, userId] of acks) availability.acked(userId, atMs);
  return availability;
}

test('The longest time without an ack counts from the beginning, between acks, and to the end.', () => {
  const acks = of([5, 'a'], [12, 'b'], [40, 'a'], [45, 'b']);
  assert.equal(acks.longestGapMs(10, 50), 28);
  assert.equal(acks.longestGapMs(13, 41), 27);
  assert.equal(acks.longestGapMs(41, 60), 15);
});

test('Without any ack it is the whole time.', () => {
  assert.equal(of().longestGapMs(10, 30), 20);
});

test('Only acks of those who are named count, and nobody has no figure.', () => {
  const acks = of([10, 'a'], [20, 'b'], [30, 'a']);
  assert.equal(acks.longestGapMs(0, 30, new Set(['a'])), 20);
  assert.equal(acks.longestGapMs(0, 30, new Set()), undefined);
});
