// Longer than 300 lines because it is the port's every method, each in a few lines.
// The LMDB driver of the store port. Owns: what heads, rows, cells, marks and notes mean in keys and values. Does not own: the
// order and durability of writes (committer.ts), nor opening and locking (open.ts).

import { StarlingError } from '../../runtime/errors.ts';
import type { Ownership } from '../../runtime/ports/ownership.ts';
import type {
  ActorAddress,
  CellRange,
  Commit,
  DueMark,
  Head,
  NoteRange,
  Row,
  RowRange,
  Store,
  StoredCell,
  StoredNote,
  StoreHealth,
  WakeMark,
} from '../../runtime/ports/store.ts';
import { firstTimestamp } from '../../runtime/timestamp.ts';
import {
  decodeCell,
  decodeHead,
  decodeRow,
  decodeSeal,
  encodeCell,
  encodeDue,
  encodeHead,
  encodeRow,
  isTombstone,
  type Seal,
  timeOf,
} from './cells.ts';
import { Committer } from './committer.ts';
import type { Engine, KeyRange } from './engine.ts';
import {
  cellKey,
  dueFrom,
  dueKey,
  dueOf,
  headKey,
  headPrefix,
  markKey,
  markOf,
  marksFrom,
  marksPrefix,
  noteKey,
  notePrefix,
  prefixEnd,
  rowKey,
  rowPrefix,
  rowSeqMax,
  seqOf,
  tablePrefix,
} from './keys.ts';
import { valueBytesMax } from './limits.ts';
import { LmdbOwnership } from './ownership.ts';
import { pageRange } from './pages.ts';
import type { Put } from './plan.ts';
import { deleting, purging } from './sweeps.ts';

const present = Buffer.from([1]);
const unsealed: Seal = { floor: 1, sealSeq: 0, sealTs: -1n };

export interface LmdbStoreOptions {
  readonly engine: Engine;
  readonly epoch: number;
  readonly mapBytesMax: number;
  readonly onLog: (line: string) => void;
  /** Called after everything else is released. */
  readonly onClosed: () => void;
}

/** A store in one LMDB file, of one process. */
export class LmdbStore implements Store {
  /** Raised durably at each open; the first is 65,536. */
  readonly epoch: number;
  readonly #engine: Engine;
  readonly #committer: Committer;
  readonly #ownership: LmdbOwnership;
  readonly #listeners: ((error: Error) => void)[] = [];
  readonly #onClosed: () => void;
  #fatal: Error | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: LmdbStoreOptions) {
    this.epoch = options.epoch;
    this.#engine = options.engine;
    this.#onClosed = options.onClosed;
    this.#ownership = new LmdbOwnership(options.epoch);
    this.#committer = new Committer({ ...options, onDead: (error) => this.#die(error) });
  }

  /** The right to serve every shard, which ends with the store. */
  ownership(): Ownership {
    return this.#ownership;
  }

  /** Transactions written since the store was opened; many commits share one (S8). */
  get transactions(): number {
    return this.#committer.transactions;
  }

  readHead(actor: ActorAddress): Promise<Head | undefined> {
    return this.#read(() => {
      const bytes = this.#engine.get(headKey(actor));
      return bytes && decodeHead(bytes);
    });
  }

  readRows(actor: ActorAddress, range: RowRange, head?: Head): Promise<Row[]> {
    return this.#read(() => {
      const seal = head ?? this.#seal(actor);
      const prefix = rowPrefix(actor);
      const from = Math.max(range.from, seal.floor);
      const to = Math.min(range.to ?? rowSeqMax, rowSeqMax);
      const rows: Row[] = [];
      if (from > to || range.rowsMax <= 0) return rows;
      const { rowsMax, bytesMax = Number.POSITIVE_INFINITY, descending = false } = range;
      let bytes = 0;
      const keys: KeyRange = {
        start: rowKey(prefix, from),
        end: to === rowSeqMax ? prefixEnd(prefix) : rowKey(prefix, to + 1),
        descending,
      };
      this.#engine.scan(keys, (key, value) => {
        const row = decodeRow(seqOf(key, prefix.length), value);
        if (row.seq > seal.sealSeq && row.ts <= seal.sealTs) return true;
        rows.push(row);
        bytes += row.value.length;
        return rows.length < rowsMax && bytes < bytesMax;
      });
      return rows;
    });
  }

  readCell(actor: ActorAddress, table: string, key: string): Promise<StoredCell | undefined> {
    return this.#read(() => {
      const bytes = this.#engine.get(cellKey(actor, table, key));
      return bytes && decodeCell(key, bytes);
    });
  }

  readCells(actor: ActorAddress, table: string, range: CellRange): Promise<StoredCell[]> {
    return this.#read(() => {
      const prefix = tablePrefix(actor, table);
      const cells: StoredCell[] = [];
      if (range.cellsMax <= 0) return cells;
      this.#engine.scan(pageRange(prefix, range), (key, value) => {
        const cell = decodeCell(key.toString('utf8', prefix.length), value);
        if (cell !== undefined) cells.push(cell);
        return cells.length < range.cellsMax;
      });
      return cells;
    });
  }

  commit(commit: Commit): Promise<void> {
    let puts: Put[];
    try {
      puts = putsOf(commit);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#committer.commit(puts);
  }

  trim(actor: ActorAddress, below: number, _ts: bigint): Promise<void> {
    // Everything below the floor goes, whatever its time: no reader is given it, and the next trim would take it.
    const prefix = rowPrefix(actor);
    const range = { start: rowKey(prefix, 0), end: rowKey(prefix, Math.min(below, rowSeqMax)) };
    return this.#committer.sweep(deleting(range));
  }

  readMarks(shard: number, range: { readonly after?: WakeMark; readonly marksMax: number }) {
    return this.#read(() => {
      const marks: WakeMark[] = [];
      if (range.marksMax <= 0) return marks;
      const prefix = marksPrefix(shard);
      const start = range.after === undefined ? prefix : markKey({ ...range.after, shard });
      this.#engine.scanKeys(
        { start, end: prefixEnd(prefix), afterStart: range.after !== undefined },
        (key) => {
          marks.push(markOf(key));
          return marks.length < range.marksMax;
        },
      );
      return marks;
    });
  }

  dropMarks(shard: number, epoch: number): Promise<void> {
    return this.#committer.sweep(deleting({ start: marksPrefix(shard), end: marksFrom(shard, epoch) }));
  }

  readDue(
    shard: number,
    range: { readonly untilMs: number; readonly after?: DueMark; readonly marksMax: number },
  ): Promise<DueMark[]> {
    return this.#read(() => {
      const marks: DueMark[] = [];
      const { after, untilMs, marksMax } = range;
      if (marksMax <= 0 || untilMs < 0) return marks;
      const keys: KeyRange = {
        start: after === undefined ? dueFrom(shard, 0) : dueKey({ ...after, shard }),
        end: dueFrom(shard, Math.min(Math.floor(untilMs) + 1, rowSeqMax)),
        afterStart: after !== undefined,
      };
      if (Buffer.compare(keys.start, keys.end) >= 0) return marks;
      this.#engine.scan(keys, (key, value) => {
        if (!isTombstone(value)) marks.push(dueOf(key, timeOf(value)));
        return marks.length < marksMax;
      });
      return marks;
    });
  }

  dropDue(marks: readonly DueMark[], ts: bigint): Promise<void> {
    const value = encodeDue(ts, true);
    return this.#committer.commit(marks.map((mark) => ({ key: dueKey(mark), value, listed: true })));
  }

  readNotes(actor: ActorAddress, { after, notesMax }: NoteRange): Promise<StoredNote[]> {
    return this.#read(() => {
      const notes: StoredNote[] = [];
      if (notesMax <= 0) return notes;
      const prefix = notePrefix(actor);
      this.#engine.scan(pageRange(prefix, after === undefined ? {} : { after }), (key, value) => {
        if (!isTombstone(value)) notes.push({ note: key.toString('utf8', prefix.length), ts: timeOf(value) });
        return notes.length < notesMax;
      });
      return notes;
    });
  }

  /** Deletes the tombstones of earlier epochs, whose writers are gone: step by step, between commits. */
  purgeTombstones(): Promise<void> {
    return this.#committer.sweep(purging(firstTimestamp(this.epoch)));
  }

  listActors(
    kind: string,
    range: { readonly after?: string; readonly actorsMax: number; readonly prefix?: string },
  ): Promise<string[]> {
    return this.#read(() => {
      const keys: string[] = [];
      if (range.actorsMax <= 0) return keys;
      const prefix = headPrefix(kind);
      this.#engine.scanKeys(pageRange(prefix, range), (key) => {
        keys.push(key.toString('utf8', prefix.length));
        return keys.length < range.actorsMax;
      });
      return keys;
    });
  }

  health(): StoreHealth {
    return this.#committer.health();
  }

  onFatal(listener: (error: Error) => void): void {
    if (this.#fatal === undefined) this.#listeners.push(listener);
    else listener(this.#fatal);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#committer.close();
    this.#ownership.end();
    await this.#engine.close();
    this.#onClosed();
  }

  #seal(actor: ActorAddress): Seal {
    const bytes = this.#engine.get(headKey(actor));
    return bytes === undefined ? unsealed : decodeSeal(bytes);
  }

  #die(error: StarlingError): void {
    this.#fatal = error;
    this.#ownership.end();
    for (const listener of this.#listeners.splice(0)) listener(error);
  }

  async #read<T>(take: () => T): Promise<T> {
    const refusal = this.#committer.refusal();
    if (refusal !== undefined) throw refusal;
    return take();
  }
}

/** All cells of a commit, encoded; the marks first (S4). Copies everything (S9). */
function putsOf({ actor, rows, head, cells, mark, due, notes }: Commit): Put[] {
  const puts: Put[] = [];
  const add = (key: Buffer, value: Buffer, listed: boolean): void => {
    if (value.length > valueBytesMax) throw new StarlingError('PAYLOAD_TOO_LARGE');
    puts.push({ key, value, listed });
  };
  if (mark !== undefined) add(markKey(mark), present, false);
  for (const note of due ?? []) add(dueKey(note), encodeDue(note.ts, false), true);
  if (head !== undefined) add(headKey(actor), encodeHead(head), false);
  if (rows !== undefined && rows.length > 0) {
    const prefix = rowPrefix(actor);
    for (const row of rows) add(rowKey(prefix, row.seq), encodeRow(row), false);
  }
  for (const cell of cells ?? []) add(cellKey(actor, cell.table, cell.key), encodeCell(cell), true);
  for (const { note, present, ts } of notes ?? []) add(noteKey(actor, note), encodeDue(ts, !present), true);
  return puts;
}
