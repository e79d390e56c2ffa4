// The faults that the checks must catch, each as a change of the product's source, and those that can't be put in, with
// the reason. Owns: the table of mutants of the safety protocol. Does not own: the putting in (mutate.ts).

import { CLUSTER_MUTANTS } from './cluster.ts';
import { KERNEL_MUTANTS } from './kernel.ts';
import type { Mutant } from './mutant.ts';
import { PRODUCT_MUTANTS } from './product.ts';
import { REMINDER_MUTANTS } from './reminders.ts';

export { applied, type Edit, type Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [
  ...KERNEL_MUTANTS,
  ...REMINDER_MUTANTS,
  ...CLUSTER_MUTANTS,
  ...PRODUCT_MUTANTS,
];

/** Faults of the table that have no code to be put into, and why. */
export const NOT_PUT_IN: readonly { readonly name: string; readonly why: string }[] = [
  {
    name: 'tombstone in place of the seal',
    why: 'the store port has no delete of rows but the trim below a floor',
  },
  { name: 'time to live on rows', why: 'no row of the store port has one' },
  { name: 'row as two cells', why: 'the store port has one cell a row' },
  {
    name: 'epoch or release taken from the board',
    why: 'the board has neither; ownership reads the table alone',
  },
  { name: 'relay hint moves the cursor', why: 'super groups and relays are not built' },
  {
    name: 'rank check off; writes flushed at turn end',
    why: 'no kind awaits a lower one; runtime tests show both',
  },
];
