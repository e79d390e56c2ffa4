import { equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock, systemRandom } from './index.ts';

describe('the system clock', () => {
  test('T1: a timer does not fire before its delay has passed', async () => {
    const clock = systemClock();
    const begun = clock.monotonic();
    await new Promise<void>((resolve) => {
      clock.after(2.5, resolve);
      holdOpen(clock.monotonic() + 2.5, clock);
    });
    ok(clock.monotonic() - begun >= 2.5);
  });
  test('a cancelled timer does not fire and may be cancelled again', async () => {
    const clock = systemClock();
    let fired = false;
    const timer = clock.after(0, () => {
      fired = true;
    });
    timer.cancel();
    timer.cancel();
    await new Promise<void>((resolve) => {
      clock.after(3, resolve);
      holdOpen(clock.monotonic() + 3, clock);
    });
    equal(fired, false);
  });
  test('now is in milliseconds since 1970', () => {
    ok(Math.abs(systemClock().now() - Date.now()) < 1_000);
  });
});

describe('system randomness', () => {
  test('bits64 gives 64-bit numbers that do not repeat, beyond one block of the pool', () => {
    const random = systemRandom();
    const draws = new Set(Array.from({ length: 2_000 }, () => random.bits64()));
    equal(draws.size, 2_000);
    ok([...draws].every((draw) => draw >= 0n && draw < 2n ** 64n));
    ok([...draws].some((draw) => draw >= 2n ** 63n));
  });
  test('float lies in [0, 1)', () => {
    const random = systemRandom();
    for (let draw = 0; draw < 1_000; draw += 1) {
      const value = random.float();
      ok(value >= 0 && value < 1);
    }
  });
});

/** The clock's timers keep no process alive; something must while a test waits for one. */
function holdOpen(untilMs: number, clock: { monotonic(): number }): void {
  if (clock.monotonic() <= untilMs + 5) setImmediate(() => holdOpen(untilMs, clock));
}
