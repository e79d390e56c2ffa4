import { deepEqual, equal } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ended, NO_RESTARTS, RESTART_LIMITS, type Restarts } from './restarts.ts';

/** The pauses after ends, in order; each by how long the worker had served. */
function pausesOf(served: readonly (number | undefined)[]): (number | 'give-up')[] {
  let state: Restarts = NO_RESTARTS;
  return served.map((servedMs) => {
    const next = ended(state, servedMs, RESTART_LIMITS);
    if (next.kind === 'give-up') return 'give-up';
    state = next.state;
    return next.pauseMs;
  });
}

describe('when a worker is started again', () => {
  test('one that served steadily is started at once, every time', () => {
    deepEqual(pausesOf([60_000, 30_000, 90_000]), [0, 0, 0]);
  });

  test('one that keeps ending soon after it is a member is started after longer and longer pauses, without end', () => {
    const pauses = pausesOf(Array.from({ length: 20 }, () => 1_000));
    deepEqual(pauses.slice(0, 5), [0, 200, 400, 800, 1_600]);
    equal(pauses.at(-1), RESTART_LIMITS.pauseMsMax);
  });

  test('one that ends five times in a row while it starts is given up', () => {
    deepEqual(pausesOf([undefined, undefined, undefined, undefined, undefined]), [
      0,
      200,
      400,
      800,
      'give-up',
    ]);
  });

  test('one that was a member in between is not', () => {
    const failing = [
      undefined,
      undefined,
      undefined,
      undefined,
      10,
      undefined,
      undefined,
      undefined,
      undefined,
    ];
    equal(pausesOf(failing).includes('give-up'), false);
    equal(pausesOf([...failing, undefined]).at(-1), 'give-up');
  });
});
