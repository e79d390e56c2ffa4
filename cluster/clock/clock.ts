import type { Clock, Timer } from '../../runtime/ports/clock.ts';

/** Node fires a longer delay at once, so that one is waited for in legs. */
const legMsMax = 2_147_483_647;

/** The machine's clocks. Resolution of `after`: a millisecond, rounded up; timers of one millisecond share one wake-up. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (delayMs, task) => start(performance.now() + Math.max(0, delayMs), task),
  };
}

function start(dueMs: number, task: () => void): Timer {
  let handle: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = Math.ceil(dueMs - performance.now());
    handle = setTimeout(fire, Math.min(Math.max(leftMs, 1), legMsMax)).unref();
  };
  const fire = (): void => {
    // libuv's clock has whole milliseconds and may be a fraction early.
    if (performance.now() < dueMs) wait();
    else task();
  };
  wait();
  return { cancel: () => clearTimeout(handle) };
}
