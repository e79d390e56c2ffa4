// The reference that drivers are compared with. Owns: what the promises S2 and S3 mean, in the plainest words: all writes
// are kept, and each read looks through all of them.

import type {
  Cell,
  CellRange,
  Commit,
  DueMark,
  Head,
  Row,
  RowRange,
  StoredCell,
  StoredNote,
  WakeMark,
} from '../ports/store.ts';
import { compareMarks } from './sim-cells.ts';
import { compareDue } from './sim-due.ts';
import { compareUtf8 } from './sim-text.ts';

interface Written {
  readonly ts: bigint;
  readonly value: Uint8Array | undefined;
}

/** Everything that was written, by actor; answers what any driver must. */
export class StoreModel {
  readonly #commits: Commit[] = [];
  readonly #dropped: DueMark[] = [];

  write(commit: Commit): void {
    this.#commits.push(commit);
  }

  dropMarks(shard: number, epoch: number): void {
    const kept = this.#commits.map((commit) =>
      commit.mark?.shard === shard && commit.mark.epoch < epoch ? withoutMark(commit) : commit,
    );
    this.#commits.splice(0, this.#commits.length, ...kept);
  }

  head(kind: string, key: string): Head | undefined {
    const heads = this.#of(kind, key).flatMap((commit) => (commit.head === undefined ? [] : [commit.head]));
    return winner(heads.map((head) => ({ ts: head.ts, value: head.state, head })))?.head;
  }

  rows(kind: string, key: string, range: RowRange): Row[] {
    const head = this.head(kind, key);
    const all = this.#of(kind, key).flatMap((commit) => commit.rows ?? []);
    const seqs = [...new Set(all.map((row) => row.seq))].sort((a, b) => a - b);
    const valid = seqs
      .flatMap((seq) => winner(all.filter((row) => row.seq === seq)) ?? [])
      .filter((row) => head === undefined || row.seq <= head.sealSeq || row.ts > head.sealTs)
      .filter((row) => row.seq >= Math.max(range.from, head?.floor ?? 1))
      .filter((row) => row.seq <= (range.to ?? Number.MAX_SAFE_INTEGER));
    const ordered = range.descending === true ? valid.reverse() : valid;
    const page: Row[] = [];
    let bytes = 0;
    for (const row of ordered) {
      if (page.length >= range.rowsMax || bytes >= (range.bytesMax ?? Number.POSITIVE_INFINITY)) break;
      page.push(row);
      bytes += row.value.length;
    }
    return page;
  }

  cells(kind: string, key: string, table: string, range: CellRange): StoredCell[] {
    const all = this.#of(kind, key).flatMap((commit) =>
      (commit.cells ?? []).filter((c) => c.table === table),
    );
    const sign = range.descending === true ? -1 : 1;
    const { prefix = '', after } = range;
    return [...new Set(all.map((cell) => cell.key))]
      .filter((name) => name.startsWith(prefix))
      .filter((name) => after === undefined || compareUtf8(name, after) * sign > 0)
      .sort((a, b) => compareUtf8(a, b) * sign)
      .flatMap((name) => stored(winner(all.filter((cell) => cell.key === name))))
      .slice(0, range.cellsMax);
  }

  notes(kind: string, key: string): StoredNote[] {
    const all = this.#of(kind, key).flatMap((commit) => commit.notes ?? []);
    return [...new Set(all.map(({ note }) => note))].sort(compareUtf8).flatMap((name) => {
      const latest = winner(
        all
          .filter(({ note }) => note === name)
          .map(({ ts, present }) => ({ ts, value: present ? new Uint8Array(0) : undefined })),
      );
      return latest?.value === undefined ? [] : [{ note: name, ts: latest.ts }];
    });
  }

  marks(shard: number): WakeMark[] {
    const marks = this.#commits.flatMap(({ mark }) => (mark?.shard === shard ? [mark] : []));
    const unlike = (mark: WakeMark, at: number): boolean =>
      marks.findIndex((other) => compareMarks(other, mark) === 0) === at;
    return marks.filter(unlike).sort(compareMarks);
  }

  dropDue(marks: readonly DueMark[], ts: bigint): void {
    for (const mark of marks) this.#dropped.push({ ...mark, ts });
  }

  /** Where a drop and a note have the same time the drop wins (S2). */
  due(shard: number, untilMs: number): DueMark[] {
    const all = this.#commits.flatMap(({ due = [] }) => due.filter((mark) => mark.shard === shard));
    const hidden = (mark: DueMark): boolean =>
      this.#dropped.some((drop) => compareDue(drop, mark) === 0 && drop.ts >= mark.ts);
    const newest = (mark: DueMark, at: number): boolean =>
      !all.some(
        (other, i) =>
          compareDue(other, mark) === 0 && (other.ts > mark.ts || (other.ts === mark.ts && i < at)),
      );
    return all
      .filter((mark, at) => mark.dueMs <= untilMs && newest(mark, at) && !hidden(mark))
      .sort(compareDue);
  }

  actors(kind: string): string[] {
    const written = this.#commits.filter(({ actor, head }) => actor.kind === kind && head !== undefined);
    return [...new Set(written.map(({ actor }) => actor.key))].sort(compareUtf8);
  }

  #of(kind: string, key: string): Commit[] {
    return this.#commits.filter(({ actor }) => actor.kind === kind && actor.key === key);
  }
}

function withoutMark({ mark: _, ...rest }: Commit): Commit {
  return rest;
}

/** The write that S2 lets stand: the latest; of equal times a delete, else the greater value. */
function winner<W extends Written>(writes: readonly W[]): W | undefined {
  return writes.reduce<W | undefined>((best, next) => {
    if (best === undefined || next.ts > best.ts) return next;
    if (next.ts < best.ts || best.value === undefined) return best;
    return next.value === undefined || Buffer.compare(next.value, best.value) > 0 ? next : best;
  }, undefined);
}

function stored(cell: Cell | undefined): StoredCell[] {
  return cell?.value === undefined ? [] : [{ key: cell.key, value: cell.value, ts: cell.ts }];
}
