// What a fault leaves of writes under way. Owns: which parts exist afterwards (S4, S5). Does not own: when faults happen.

import type { Commit } from '../ports/store.ts';
import type { Part, SimCells } from './sim-cells.ts';
import type { SimRandom } from './sim-random.ts';

/** A write handed over; `commit` is undefined for a trim and for dropping marks and notes. */
export interface PendingWrite {
  readonly parts: readonly Part[];
  readonly commit: Commit | undefined;
}

/** Applies the parts that `keep` names, and the marks if a row or the head is among them (S4). */
export function applySome(
  parts: readonly Part[],
  keep: (part: Part, index: number) => boolean,
  to: SimCells,
): void {
  const kept = new Set(parts.filter(keep));
  const needed = [...kept].some(({ type }) => type === 'row' || type === 'head');
  for (const part of parts) {
    if (kept.has(part) || (needed && (part.type === 'mark' || part.type === 'due'))) to.apply(part);
  }
}

/** Applies to `cells` what a power cut leaves of writes under way. */
export function survivors(writes: readonly PendingWrite[], random: SimRandom, cells: SimCells): void {
  const broken = new Set<string>();
  for (const { parts, commit } of writes) {
    if (commit === undefined) continue;
    const id = `${commit.actor.kind}/${commit.actor.key}`;
    if (broken.has(id)) continue;
    if (random.float() < 0.5) {
      for (const part of parts) cells.apply(part);
      continue;
    }
    broken.add(id);
    applySome(parts, () => random.float() < 0.5, cells);
  }
}
