// Deletes of unknown size, as bounded steps. Owns: which keys a trim, a drop of marks and a purge of tombstones delete.
// Each step looks at what is stored then, so that it may be repeated after a failure.

import { isTombstone, timeOf } from './cells.ts';
import type { SweepStep } from './committer.ts';
import type { KeyRange } from './engine.ts';
import { cellOfTombstone, tombstonesBelow } from './keys.ts';
import { sweepKeysMax } from './limits.ts';
import type { Plan } from './plan.ts';

/** Deletes all keys of a range. */
export function deleting(range: KeyRange): SweepStep {
  return (plan) => {
    const keys = keysOf(plan, range);
    for (const key of keys) plan.remove(key);
    return keys.length < sweepKeysMax;
  };
}

/** Deletes all tombstones written before a time. */
export function purging(before: bigint): SweepStep {
  return (plan) => {
    const entries = keysOf(plan, tombstonesBelow(before));
    for (const entry of entries) {
      const { ts, cell } = cellOfTombstone(entry);
      const current = plan.current(cell);
      if (current !== undefined && isTombstone(current) && timeOf(current) === ts) plan.remove(cell);
      plan.remove(entry);
    }
    return entries.length < sweepKeysMax;
  };
}

function keysOf(plan: Plan, range: KeyRange): Buffer[] {
  const keys: Buffer[] = [];
  plan.engine.scanKeys(range, (key) => {
    // The engine's key may lie in memory that it uses again.
    keys.push(Buffer.from(key));
    return keys.length < sweepKeysMax;
  });
  return keys;
}
