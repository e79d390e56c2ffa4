import { equal } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BURST_LIMITS, burstDue, membersChanged, QUIET } from './index.ts';

describe('a burst of membership changes', () => {
  const cases = [
    { changes: [], now: 99_999, due: false, says: 'nothing changed' },
    { changes: [0], now: 999, due: false, says: 'it is not quiet yet' },
    { changes: [0], now: 1_000, due: true, says: 'it was quiet for a second' },
    { changes: [0, 900], now: 1_800, due: false, says: 'the later change began the wait anew' },
    { changes: [0, 900], now: 1_900, due: true, says: 'it was quiet after the later change' },
    { changes: [0, 5_000, 9_500], now: 10_000, due: true, says: 'Q1: it never waits beyond ten seconds' },
  ];
  for (const { changes, now, due, says } of cases) {
    test(`is ${due ? '' : 'not '}planned for when ${says}`, () => {
      equal(burstDue(changes.reduce(membersChanged, QUIET), now, BURST_LIMITS), due);
    });
  }
});
