import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../runtime/ports/clock.ts';
import { TimerWheel } from './wheel.ts';

/** A clock that the test moves; it runs what is due step by step. */
class TestClock implements Clock {
  nowMs = 1_000_003;
  readonly tasks: { dueMs: number; task: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  after(delayMs: number, task: () => void) {
    this.tasks.push({ dueMs: this.nowMs + delayMs, task });
    return { cancel: () => undefined };
  }

  advance(ms: number, stepMs = 1): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, this.nowMs + stepMs);
      for (const { task } of this.#take()) task();
    }
  }

  #take() {
    const due = this.tasks.filter(({ dueMs }) => dueMs <= this.nowMs);
    for (const one of due) this.tasks.splice(this.tasks.indexOf(one), 1);
    return due;
  }
}

test('A task runs once, not before its delay and at most two steps after it.', () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock, 20);
  const lateness: number[] = [];
  const delays = [0, 1, 19, 20, 21, 999, 10_239, 10_240, 10_241, 55_555];
  for (const delay of delays) {
    const dueMs = clock.nowMs + delay;
    wheel.schedule(delay, () => lateness.push(clock.nowMs - dueMs));
  }
  clock.advance(60_000);
  assert.equal(lateness.length, delays.length);
  for (const late of lateness) assert.ok(late >= 0 && late <= 40, String(late));
});

test('A cancelled task does not run, and cancelling again does no harm.', () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock, 20);
  let runs = 0;
  const entry = wheel.schedule(100, () => runs++);
  const other = wheel.schedule(100, () => runs++);
  entry.cancel();
  entry.cancel();
  clock.advance(1000);
  assert.equal(runs, 1);
  other.cancel();
});

test('A wheel without tasks sets no timer.', () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock, 20);
  assert.equal(clock.tasks.length, 0);
  wheel.schedule(50, () => undefined);
  clock.advance(200);
  assert.equal(clock.tasks.length, 0);
});

test('A task that a task schedules runs too, even after a long pause.', () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock, 20);
  const ran: string[] = [];
  wheel.schedule(10, () => {
    ran.push('first');
    wheel.schedule(0, () => ran.push('second'));
  });
  clock.advance(60_000, 60_000);
  clock.advance(100);
  assert.deepEqual(ran, ['first', 'second']);
});
