// The due notes of a simulated store. Owns: which write of a note wins and the order in which a reader gets them.

import type { DueMark } from '../ports/store.ts';
import { compareUtf8 } from './sim-text.ts';

interface DueCell {
  readonly mark: DueMark;
  readonly dropped: boolean;
}

/** The order of due notes within a shard. */
export function compareDue(a: DueMark, b: DueMark): number {
  return a.dueMs - b.dueMs || compareUtf8(a.kind, b.kind) || compareUtf8(a.key, b.key);
}

/** All due notes of one store; K1 holds for them as for every cell. */
export class SimDue {
  readonly #shards = new Map<number, Map<string, DueCell>>();

  clone(): SimDue {
    const copy = new SimDue();
    for (const [shard, cells] of this.#shards) copy.#shards.set(shard, new Map(cells));
    return copy;
  }

  put(mark: DueMark): void {
    this.#write({ mark: { ...mark }, dropped: false });
  }

  drop(marks: readonly DueMark[], ts: bigint): void {
    for (const mark of marks) this.#write({ mark: { ...mark, ts }, dropped: true });
  }

  read(
    shard: number,
    range: { readonly untilMs: number; readonly after?: DueMark; readonly marksMax: number },
  ): DueMark[] {
    const { after, untilMs, marksMax } = range;
    return [...(this.#shards.get(shard)?.values() ?? [])]
      .filter(({ dropped, mark }) => !dropped && mark.dueMs <= untilMs)
      .map(({ mark }) => ({ ...mark }))
      .filter((mark) => after === undefined || compareDue(mark, after) > 0)
      .sort(compareDue)
      .slice(0, marksMax);
  }

  #write(cell: DueCell): void {
    const { shard, dueMs, kind, key, ts } = cell.mark;
    const cells = this.#shards.get(shard) ?? new Map<string, DueCell>();
    this.#shards.set(shard, cells);
    const id = `${dueMs}/${kind}/${key}`;
    const old = cells.get(id);
    if (old !== undefined && (old.mark.ts > ts || (old.mark.ts === ts && old.dropped))) return;
    cells.set(id, cell);
  }
}
