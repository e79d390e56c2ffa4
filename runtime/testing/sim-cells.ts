// Longer than 300 lines because what a cell is and what a reader of each kind of cell is given stand together.
// The cells of a simulated store. Owns: which write of a cell wins and what a reader is given. Does not own: when a write
// happens or is durable (sim-store.ts).
//
// Invariants:
// K1  Of two writes of a cell the one with the higher time stays; of equal times a delete, else the greater value.
// K2  No array in here is known to anybody else: values are copied in and out.

import type {
  ActorAddress,
  Cell,
  CellRange,
  Commit,
  DueMark,
  Head,
  NoteRange,
  Row,
  RowRange,
  StoredCell,
  StoredNote,
  WakeMark,
} from '../ports/store.ts';
import { SimDue } from './sim-due.ts';
import { compareUtf8 } from './sim-text.ts';

interface ActorCells {
  head: Head | undefined;
  readonly rows: Map<number, Row>;
  /** Sequence numbers of `rows`, ascending. */
  readonly seqs: number[];
  readonly tables: Map<string, TableCells>;
}

interface TableCells {
  readonly cells: Map<string, Cell>;
  /** Keys in bytewise order; undefined after a new key came. */
  sorted: string[] | undefined;
}

/** The order of wake marks within a shard. */
export function compareMarks(a: WakeMark, b: WakeMark): number {
  return a.epoch - b.epoch || a.n - b.n || compareUtf8(a.kind, b.kind) || compareUtf8(a.key, b.key);
}

/** No table of an actor can have this name. */
const NOTES = '!notes';
const NOTHING = new Uint8Array(0);

/** One thing a write consists of; parts of a commit can exist apart (S4). */
export type Part =
  | { readonly type: 'mark'; readonly mark: WakeMark }
  | { readonly type: 'due'; readonly mark: DueMark }
  | { readonly type: 'head'; readonly actor: ActorAddress; readonly head: Head }
  | { readonly type: 'row'; readonly actor: ActorAddress; readonly row: Row }
  | { readonly type: 'cell'; readonly actor: ActorAddress; readonly cell: Cell }
  | { readonly type: 'trim'; readonly actor: ActorAddress; readonly below: number; readonly ts: bigint }
  | { readonly type: 'drop_marks'; readonly shard: number; readonly epoch: number }
  | { readonly type: 'drop_due'; readonly marks: readonly DueMark[]; readonly ts: bigint };

/** The parts of a commit, the marks first, with copies of all values. */
export function partsOf(commit: Commit): Part[] {
  const { actor } = commit;
  const parts: Part[] = [];
  if (commit.mark !== undefined) parts.push({ type: 'mark', mark: { ...commit.mark } });
  for (const mark of commit.due ?? []) parts.push({ type: 'due', mark: { ...mark } });
  if (commit.head !== undefined) {
    parts.push({ type: 'head', actor, head: { ...commit.head, state: copy(commit.head.state) } });
  }
  for (const row of commit.rows ?? []) {
    parts.push({ type: 'row', actor, row: { ...row, value: copy(row.value) } });
  }
  for (const cell of commit.cells ?? []) {
    parts.push({ type: 'cell', actor, cell: { ...cell, value: cell.value && copy(cell.value) } });
  }
  for (const { note: key, present, ts } of commit.notes ?? [])
    parts.push({
      type: 'cell',
      actor,
      cell: { table: NOTES, key, value: present ? NOTHING : undefined, ts },
    });
  return parts;
}

/** All cells of one store. */
export class SimCells {
  readonly #actors = new Map<string, ActorCells>();
  readonly #marks = new Map<number, Map<string, WakeMark>>();
  #due = new SimDue();

  /** A store's contents that share nothing changeable with this one. */
  clone(): SimCells {
    const copy = new SimCells();
    for (const [id, actor] of this.#actors) {
      copy.#actors.set(id, {
        head: actor.head,
        rows: new Map(actor.rows),
        seqs: [...actor.seqs],
        tables: new Map(
          [...actor.tables].map(([name, t]) => [name, { cells: new Map(t.cells), sorted: undefined }]),
        ),
      });
    }
    for (const [shard, marks] of this.#marks) copy.#marks.set(shard, new Map(marks));
    copy.#due = this.#due.clone();
    return copy;
  }

  apply(part: Part): void {
    switch (part.type) {
      case 'mark':
        this.#putMark(part.mark);
        break;
      case 'head':
        this.#putHead(part.actor, part.head);
        break;
      case 'row':
        this.#putRow(part.actor, part.row);
        break;
      case 'cell':
        this.#putCell(part.actor, part.cell);
        break;
      case 'trim':
        this.#trim(part.actor, part.below, part.ts);
        break;
      case 'drop_marks':
        this.#dropMarks(part.shard, part.epoch);
        break;
      case 'due':
        this.#due.put(part.mark);
        break;
      case 'drop_due':
        this.#due.drop(part.marks, part.ts);
        break;
      default:
        part satisfies never;
    }
  }

  head(actor: ActorAddress): Head | undefined {
    const head = this.#actors.get(idOf(actor))?.head;
    return head && { ...head, state: copy(head.state) };
  }

  rows(actor: ActorAddress, range: RowRange, given?: Head): Row[] {
    const found = this.#actors.get(idOf(actor));
    if (found === undefined) return [];
    const head = given ?? found.head;
    const from = Math.max(range.from, head?.floor ?? 1);
    const to = range.to ?? Number.MAX_SAFE_INTEGER;
    const rows: Row[] = [];
    let bytes = 0;
    const { seqs } = found;
    const step = range.descending === true ? -1 : 1;
    for (let at = step > 0 ? lowerBound(seqs, from) : lowerBound(seqs, to + 1) - 1; ; at += step) {
      const seq = seqs[at];
      if (seq === undefined || seq < from || seq > to || rows.length >= range.rowsMax) return rows;
      const row = found.rows.get(seq);
      if (row === undefined || (head !== undefined && seq > head.sealSeq && row.ts <= head.sealTs)) continue;
      rows.push({ ...row, value: copy(row.value) });
      bytes += row.value.length;
      if (range.bytesMax !== undefined && bytes >= range.bytesMax) return rows;
    }
  }

  cell(actor: ActorAddress, table: string, key: string): StoredCell | undefined {
    const cell = this.#actors.get(idOf(actor))?.tables.get(table)?.cells.get(key);
    return cell?.value && { key, value: copy(cell.value), ts: cell.ts };
  }

  cells(actor: ActorAddress, table: string, range: CellRange): StoredCell[] {
    const found = this.#actors.get(idOf(actor))?.tables.get(table);
    if (found === undefined) return [];
    found.sorted ??= [...found.cells.keys()].sort(compareUtf8);
    const keys = range.descending === true ? [...found.sorted].reverse() : found.sorted;
    const sign = range.descending === true ? -1 : 1;
    const page: StoredCell[] = [];
    for (const key of keys) {
      if (page.length >= range.cellsMax) break;
      if (range.prefix !== undefined && !key.startsWith(range.prefix)) continue;
      if (range.after !== undefined && compareUtf8(key, range.after) * sign <= 0) continue;
      const cell = found.cells.get(key);
      if (cell?.value !== undefined) page.push({ key, value: copy(cell.value), ts: cell.ts });
    }
    return page;
  }

  notes(actor: ActorAddress, { after, notesMax }: NoteRange): StoredNote[] {
    const range = { cellsMax: notesMax, ...(after === undefined ? {} : { after }) };
    return this.cells(actor, NOTES, range).map(({ key, ts }) => ({ note: key, ts }));
  }

  marks(shard: number, range: { readonly after?: WakeMark; readonly marksMax: number }): WakeMark[] {
    const { after } = range;
    return [...(this.#marks.get(shard)?.values() ?? [])]
      .filter((mark) => after === undefined || compareMarks(mark, after) > 0)
      .sort(compareMarks)
      .slice(0, range.marksMax);
  }

  /** Due notes of a shard. */
  get due(): SimDue {
    return this.#due;
  }

  actors(kind: string, range: { readonly after?: string; actorsMax: number; prefix?: string }): string[] {
    const keys: string[] = [];
    for (const [id, { head }] of this.#actors) {
      if (head === undefined || !id.startsWith(`${kind}/`)) continue;
      const key = id.slice(kind.length + 1);
      if (range.prefix !== undefined && !key.startsWith(range.prefix)) continue;
      if (range.after === undefined || compareUtf8(key, range.after) > 0) keys.push(key);
    }
    return keys.sort(compareUtf8).slice(0, range.actorsMax);
  }

  #actor(address: ActorAddress): ActorCells {
    const id = idOf(address);
    let found = this.#actors.get(id);
    if (found === undefined) {
      found = { head: undefined, rows: new Map(), seqs: [], tables: new Map() };
      this.#actors.set(id, found);
    }
    return found;
  }

  #putMark(mark: WakeMark): void {
    const marks = this.#marks.get(mark.shard) ?? new Map<string, WakeMark>();
    this.#marks.set(mark.shard, marks);
    marks.set(`${mark.epoch}/${mark.n}/${mark.kind}/${mark.key}`, mark);
  }

  #dropMarks(shard: number, epoch: number): void {
    const marks = this.#marks.get(shard);
    for (const [id, mark] of marks ?? []) if (mark.epoch < epoch) marks?.delete(id);
  }

  #putHead(actor: ActorAddress, head: Head): void {
    const cells = this.#actor(actor);
    if (cells.head === undefined || compareHeads(head, cells.head) > 0) cells.head = head;
  }

  #putRow(actor: ActorAddress, row: Row): void {
    const { rows, seqs } = this.#actor(actor);
    const old = rows.get(row.seq);
    if (old !== undefined && !wins(row, old)) return;
    rows.set(row.seq, row);
    if (old === undefined) seqs.splice(lowerBound(seqs, row.seq), 0, row.seq);
  }

  #putCell(actor: ActorAddress, cell: Cell): void {
    const { tables } = this.#actor(actor);
    const table = tables.get(cell.table) ?? { cells: new Map<string, Cell>(), sorted: undefined };
    tables.set(cell.table, table);
    const old = table.cells.get(cell.key);
    if (old !== undefined && !wins(cell, old)) return;
    table.cells.set(cell.key, cell);
    if (old === undefined) table.sorted = undefined;
  }

  #trim(actor: ActorAddress, below: number, ts: bigint): void {
    const { rows, seqs } = this.#actor(actor);
    const gone = seqs.slice(0, lowerBound(seqs, below)).filter((seq) => (rows.get(seq)?.ts ?? 0n) <= ts);
    for (const seq of gone) rows.delete(seq);
    if (gone.length > 0) seqs.splice(0, seqs.length, ...seqs.filter((seq) => rows.has(seq)));
  }
}

/** Not `slice`, which shares memory if the bytes are a Buffer. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

interface Written {
  readonly ts: bigint;
  readonly value: Uint8Array | undefined;
}

function wins(a: Written, b: Written): boolean {
  if (a.ts !== b.ts) return a.ts > b.ts;
  if (b.value === undefined) return false;
  return a.value === undefined || Buffer.compare(a.value, b.value) > 0;
}

function compareHeads(a: Head, b: Head): number {
  if (a.ts !== b.ts) return a.ts > b.ts ? 1 : -1;
  const fields = a.shard - b.shard || a.floor - b.floor || a.sealSeq - b.sealSeq;
  if (fields !== 0) return fields;
  if (a.sealTs !== b.sealTs) return a.sealTs > b.sealTs ? 1 : -1;
  return a.asOf - b.asOf || Buffer.compare(a.state, b.state);
}

function idOf(actor: ActorAddress): string {
  return `${actor.kind}/${actor.key}`;
}

/** Index of the first element >= `value` of an ascending array. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if ((sorted[mid] ?? value) < value) low = mid + 1;
    else high = mid;
  }
  return low;
}
