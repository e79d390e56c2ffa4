// The store port over the simulated cluster: what the driver in a node does. Owns: order of commits (S5), marks before
// rows (S4), validity of rows (S3), paging. Does not own: replicas and their faults.
//
// Invariants:
// D1  Every step goes through `deliver`: a paused node neither hears nor sends, a killed one never again.
// D2  A commit that a step has left something of is never refused as not done (S6).

import { StarlingError } from '../../errors.ts';
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
} from '../../ports/store.ts';
import type { WriteOptions } from './coordinator.ts';
import {
  actorsPartition,
  bounds,
  dueKey,
  dueOf,
  duePartition,
  dueUntil,
  epochRange,
  headPartition,
  markKey,
  markOf,
  markPartition,
  marksBelow,
  marksOf,
  mutationsOf,
  notePartition,
  rowPartition,
  tablePartition,
  trimOf,
} from './layout.ts';
import { DATA_READ, DATA_WRITE } from './levels.ts';
import type { Page } from './merge.ts';
import type { NodeCalls } from './node-calls.ts';
import type { Mutation, Slice } from './partition.ts';
import { type CellKey, type Version, versionOf } from './version.ts';

/** Cells that one replica sends in one answer. */
const PAGE_CELLS_MAX = 1_000;
/** Rows of a page beyond those wanted, for rows that do not count. */
const PAGE_CELLS_MIN = 16;

export class QuorumStore implements Store {
  readonly #calls: NodeCalls;
  readonly #plan: (commit: Commit) => Partial<WriteOptions> | 'refused';
  readonly #markTs: (epoch: number) => bigint;
  /** The last commit of each actor that is under way (S5). */
  readonly #tails = new Map<string, Promise<void>>();
  #closed = false;

  /** `plan`: what a test wants to become of a commit; `markTs`: draws the write time of a wake mark. */
  constructor(options: {
    readonly calls: NodeCalls;
    readonly plan: (commit: Commit) => Partial<WriteOptions> | 'refused';
    readonly markTs: (epoch: number) => bigint;
  }) {
    this.#calls = options.calls;
    this.#plan = options.plan;
    this.#markTs = options.markTs;
  }

  async readHead(actor: ActorAddress): Promise<Head | undefined> {
    const page = await this.#read({ partition: headPartition(actor), cellsMax: 1 });
    const head = page.versions[0]?.head;
    return head && { ...head, state: new Uint8Array(head.state) };
  }

  async readRows(actor: ActorAddress, range: RowRange, head?: Head): Promise<Row[]> {
    // Rule 5: the head first, or rows that a later seal hides would be judged by an older one.
    const known = head ?? (await this.readHead(actor));
    const from = Math.max(range.from, known?.floor ?? 1);
    const { to, bytesMax = Number.POSITIVE_INFINITY, descending = false } = range;
    const rows: Row[] = [];
    if (range.rowsMax <= 0 || (to !== undefined && to < from)) return rows;
    let bytes = 0;
    const [start, end] = descending ? [to, from] : [from, to];
    const slice = {
      partition: rowPartition(actor),
      start,
      end,
      descending,
      cellsMax: pageCells(range.rowsMax),
    };
    await this.#scan(slice, (key, { ts, bytes: value }) => {
      const seq = Number(key);
      if (known !== undefined && seq > known.sealSeq && ts <= known.sealTs) return true;
      rows.push({ seq, ts, value: new Uint8Array(value) });
      bytes += value.length;
      return rows.length < range.rowsMax && bytes < bytesMax;
    });
    return rows;
  }

  async readCell(actor: ActorAddress, table: string, key: string): Promise<StoredCell | undefined> {
    const partition = tablePartition(actor, table);
    const { versions } = await this.#read({ partition, start: key, end: key, cellsMax: 1 });
    const [version] = versions;
    return version && { key, value: new Uint8Array(version.bytes), ts: version.ts };
  }

  async readCells(actor: ActorAddress, table: string, range: CellRange): Promise<StoredCell[]> {
    const { prefix = '', cellsMax, descending = false } = range;
    const partition = tablePartition(actor, table);
    const slice = { partition, ...bounds(prefix, range.after, descending), cellsMax: pageCells(cellsMax) };
    return this.#collect(slice, cellsMax, (key, { ts, bytes }) => ({
      key,
      value: new Uint8Array(bytes),
      ts,
    }));
  }

  commit(commit: Commit): Promise<void> {
    if (this.#closed) return closed();
    const marks = marksOf(commit, this.#markTs);
    const mutations = mutationsOf(commit);
    const plan = this.#plan(commit);
    const id = `${commit.actor.kind}/${commit.actor.key}`;
    const before = this.#tails.get(id);
    const run = (): Promise<void> => this.#commit(marks, mutations, plan);
    const done = before === undefined ? run() : before.then(run);
    const tail = done.then(ignore, ignore).then(() => {
      if (this.#tails.get(id) === tail) this.#tails.delete(id);
    });
    this.#tails.set(id, tail);
    return done;
  }

  trim(actor: ActorAddress, below: number, ts: bigint): Promise<void> {
    return this.#closed ? closed() : this.#write([trimOf(actor, below, ts)]);
  }

  async readMarks(
    shard: number,
    range: { readonly after?: WakeMark; readonly marksMax: number },
  ): Promise<WakeMark[]> {
    const slice = {
      partition: markPartition(shard),
      start: range.after && markKey(range.after),
      startOpen: true,
      cellsMax: pageCells(range.marksMax),
    };
    return this.#collect(slice, range.marksMax, (key) => markOf(shard, key));
  }

  /** Deletes what it finds and no more: a mark that comes later is a note of its own. */
  async dropMarks(shard: number, epoch: number): Promise<void> {
    if (this.#closed) return closed();
    const newest = new Map<number, bigint>();
    const partition = markPartition(shard);
    const slice = { partition, end: marksBelow(epoch), cellsMax: PAGE_CELLS_MAX };
    await this.#scan(slice, (key, { ts }) => {
      const found = markOf(shard, String(key)).epoch;
      if (ts > (newest.get(found) ?? -1n)) newest.set(found, ts);
      return true;
    });
    const ranges = [...newest].map(([old, ts]) => epochRange(old, ts));
    if (ranges.length > 0) await this.#write([{ partition, cells: [], ranges }]);
  }

  async readDue(
    shard: number,
    range: { readonly untilMs: number; readonly after?: DueMark; readonly marksMax: number },
  ): Promise<DueMark[]> {
    if (range.untilMs < 0) return [];
    const slice = {
      partition: duePartition(shard),
      start: range.after && dueKey(range.after),
      startOpen: true,
      end: dueUntil(range.untilMs),
      cellsMax: pageCells(range.marksMax),
    };
    return this.#collect(slice, range.marksMax, (key, { ts }) => dueOf(shard, key, ts));
  }

  async dropDue(marks: readonly DueMark[], ts: bigint): Promise<void> {
    if (this.#closed) return closed();
    const shards = new Map<number, (readonly [CellKey, Version])[]>();
    for (const mark of marks) {
      const cells = shards.get(mark.shard) ?? [];
      shards.set(mark.shard, cells);
      cells.push([dueKey(mark), versionOf(ts, undefined)]);
    }
    const mutations = [...shards].map(([shard, cells]) => ({
      partition: duePartition(shard),
      cells,
      ranges: [],
    }));
    await this.#write(mutations);
  }

  async readNotes(actor: ActorAddress, range: NoteRange): Promise<StoredNote[]> {
    const partition = notePartition(actor);
    const slice = { partition, start: range.after, startOpen: true, cellsMax: pageCells(range.notesMax) };
    return this.#collect(slice, range.notesMax, (note, { ts }) => ({ note, ts }));
  }

  async listActors(
    kind: string,
    range: { readonly after?: string; readonly actorsMax: number; readonly prefix?: string },
  ): Promise<string[]> {
    const slice = {
      partition: actorsPartition(kind),
      ...bounds(range.prefix ?? '', range.after, false),
      cellsMax: pageCells(range.actorsMax),
    };
    return this.#collect(slice, range.actorsMax, (key) => key);
  }

  health(): StoreHealth {
    return this.#closed ? { ok: false, detail: 'closed' } : { ok: true, detail: 'ok' };
  }

  /** A cluster of replicas never dies of a failed sync: a replica does, and the others go on. */
  onFatal(_listener: (error: Error) => void): void {}

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#tails.values());
  }

  // --- inside ------------------------------------------------------------------------------------------------------

  async #commit(
    marks: readonly Mutation[],
    mutations: readonly Mutation[],
    plan: Partial<WriteOptions> | 'refused',
  ): Promise<void> {
    if (plan === 'refused') throw new StarlingError('OVERLOADED', 'A planned fault: nothing was sent.');
    // S4: a mark that came after the rows could be missing when they are there.
    if (marks.length > 0) await this.#write(marks, plan);
    try {
      await this.#write(mutations, plan);
    } catch (error) {
      if (marks.length === 0) throw error;
      throw new StarlingError('OUTCOME_UNKNOWN', 'Its marks are written.', { cause: error });
    }
  }

  async #write(mutations: readonly Mutation[], plan: Partial<WriteOptions> = {}): Promise<void> {
    if (mutations.length === 0) return;
    await this.#calls.run<void>((coordinator, outcome) =>
      coordinator.write(mutations, { consistency: DATA_WRITE, ...plan }, outcome),
    );
  }

  #read(slice: Slice): Promise<Page> {
    if (this.#closed) return closed();
    return this.#calls.run<Page>((coordinator, outcome) => coordinator.read(slice, DATA_READ, outcome));
  }

  /** Gives `take` the live cells in order, page after page, until it answers false. */
  async #scan(slice: Slice, take: (key: CellKey, version: Version) => boolean): Promise<void> {
    for (let next: Slice | undefined = slice; next !== undefined; ) {
      const page: Page = await this.#read(next);
      for (const [at, version] of page.versions.entries()) {
        const key = page.keys[at];
        if (key !== undefined && !take(key, version)) return;
      }
      next = page.next === undefined ? undefined : { ...slice, start: page.next, startOpen: true };
    }
  }

  async #collect<T>(slice: Slice, max: number, take: (key: string, version: Version) => T): Promise<T[]> {
    const found: T[] = [];
    if (max <= 0) return found;
    await this.#scan(slice, (key, version) => {
      found.push(take(String(key), version));
      return found.length < max;
    });
    return found;
  }
}

/** A little more than is wanted, so that cells that do not count cost no further page. */
function pageCells(wanted: number): number {
  return Math.min(wanted + PAGE_CELLS_MIN, PAGE_CELLS_MAX);
}

function closed(): Promise<never> {
  return Promise.reject(new StarlingError('SHUTTING_DOWN', 'The store is closed.'));
}

function ignore(): void {
  // The caller of the commit hears of it.
}
