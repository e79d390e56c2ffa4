// Longer than 300 lines because rows, cells and head of one activation go out by one rule of order.
// The write side of one durable activation: its timeline, head and tables. Pure bookkeeping around `Store.commit`.
//
// J1  One commit in flight per activation (rule 7); what is appended meanwhile goes with the next.
// J2  A checkpoint never runs ahead of durable rows, nor of the table cells of those rows (rules 4 and 7): its state is
//     frozen at `asOf` and written once both are durable.
// J3  A table cell is written only after its record is durable and fence-checked, with the record's write time (rule 7).
// J4  A commit that does not resolve ends the activation; an ended journal draws no write time and writes nothing.
// J5  A checkpoint repeats the seal of its activation (rule 6).
// J6  Rows are deleted only below a floor that is durable and fence-checked (rule 9).
// J7  Due marks go with the next commit, so they are durable no later than the row or checkpoint they are for (S4).
// J8  The first row of an activation that leaves work behind goes with a wake mark (rule 10). A mark stays until a later
//     epoch has dropped it, so one is enough, and an actor has one row for all its activations of an epoch.

import { invariant, StarlingError } from './errors.ts';
import type { FenceReader } from './fence.ts';
import type { RuntimeLimits } from './limits.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { type PendingRow, PendingRows } from './pending-rows.ts';
import type { Clock, Timer } from './ports/clock.ts';
import type { ShardClaim } from './ports/ownership.ts';
import type { ActorAddress, Cell, Commit, Head, Row, Store } from './ports/store.ts';
import { type TableWrite, TableWrites } from './table-writes.ts';

/** Number of a write that no output waits for. */
const UNAWAITED = Number.POSITIVE_INFINITY;

const EMPTY = new Uint8Array(0);

export interface JournalOptions {
  readonly address: ActorAddress;
  readonly store: Store;
  readonly claim: ShardClaim;
  readonly fence: FenceReader;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly metrics: RuntimeMetrics;
  readonly snapshot: () => Uint8Array;
  /** All writes up to this number are durable and fence-checked. */
  readonly onSettled: (settled: number) => void;
  /** Due marks of these minutes are in the store. */
  readonly onDueDurable?: (minutesMs: readonly number[]) => void;
  /** J4. */
  readonly onFailed: (error: StarlingError) => void;
}

/** Where an activation found its log. */
export interface JournalStart {
  readonly tail: number;
  readonly floor: number;
  readonly asOf: number;
  readonly sealSeq: number;
  readonly sealTs: bigint;
}

type MutableCommit = { -readonly [K in keyof Commit]: Commit[K] };

interface Checkpoint {
  readonly no: number;
  readonly asOf: number;
  readonly floor: number;
  readonly state: Uint8Array;
}

export class Journal {
  readonly #options: JournalOptions;
  #tail: number;
  #floor: number;
  #floorWritten: number;
  readonly #sealSeq: number;
  readonly #sealTs: bigint;
  #asOf: number;
  /** Number of the last write asked for; outputs wait for it. */
  #issued = 0;
  /** Rows up to here are durable and fence-checked. */
  #durable: number;
  readonly #rows = new PendingRows();
  #busy = false;
  readonly #cells = new TableWrites();
  #checkpoint: Checkpoint | undefined;
  /** A further checkpoint is wanted; outputs made since wait for it. */
  #again: number | undefined;
  #cellsDue = false;
  #cellTimer: Timer | undefined;
  /** The mark of this epoch is written. */
  #marked = false;
  /** Minutes whose due mark goes with the next commit (J7). */
  readonly #due = new Set<number>();
  #ended = false;

  constructor(options: JournalOptions, start: JournalStart) {
    this.#options = options;
    this.#tail = start.tail;
    this.#durable = start.tail;
    this.#floor = start.floor;
    this.#floorWritten = start.floor;
    this.#asOf = start.asOf;
    this.#sealSeq = start.sealSeq;
    this.#sealTs = start.sealTs;
  }

  get tail(): number {
    return this.#tail;
  }

  get floor(): number {
    return this.#floor;
  }

  /** What a reader of this activation's own rows needs to tell the valid ones (rule 4). */
  get readerHead(): Head {
    return {
      shard: this.#options.address.shard,
      floor: this.#floor,
      sealSeq: this.#sealSeq,
      sealTs: this.#sealTs,
      asOf: this.#asOf,
      state: EMPTY,
      ts: this.#sealTs,
    };
  }

  /** Number of the last write asked for. */
  get issued(): number {
    return this.#issued;
  }

  /** Nothing is under way or waits to be written. */
  get quiet(): boolean {
    return !this.#busy && this.#rows.count === 0 && this.#cells.count === 0 && this.#checkpoint === undefined;
  }

  /** Bytes of rows that are not known durable. */
  get pendingBytes(): number {
    return this.#rows.bytes;
  }

  /** Rows since the last checkpoint. */
  get rowsSinceCheckpoint(): number {
    return this.#tail - this.#asOf;
  }

  /** Takes the next position. The row goes out with the next `issue`. */
  append(value: Uint8Array, wake: boolean): Row {
    invariant(!this.#ended, 'an ended activation appends nothing');
    invariant(
      value.length <= this.#options.limits.rowBytesMax,
      `a row has at most rowBytesMax bytes, not ${value.length}`,
    );
    // Drawn first: where the claim has ended nothing may be left half done.
    const ts = this.#options.claim.nextTimestamp();
    const row = {
      seq: ++this.#tail,
      ts,
      value,
      no: ++this.#issued,
      wake,
    };
    this.#rows.push(row);
    return row;
  }

  /** Takes up a table change of a row that was appended or read back. */
  cell(
    row: { readonly seq: number; readonly ts: bigint },
    table: string,
    key: string,
    value: Uint8Array | undefined,
  ): void {
    this.#cells.add({ table, key, value, ts: row.ts, seq: row.seq });
  }

  pendingCells(table: string): ReadonlyMap<string, Cell> | undefined {
    return this.#cells.pending(table);
  }

  /** Rows that the store may not have yet, ascending. */
  unsettledRows(): readonly Row[] {
    return this.#rows.unsettled;
  }

  /** Writes the state to the head as soon as J2 allows. Outputs made from now on wait for it. */
  requestCheckpoint(): void {
    invariant(!this.#ended, 'an ended activation writes no checkpoint');
    this.#want(++this.#issued);
  }

  /** Has a due mark of this minute written, with what was appended or frozen in this turn. */
  markDue(minuteMs: number): void {
    this.#due.add(minuteMs);
  }

  /** Raises the floor: rows below it are deleted once the floor is safe (J6). */
  requestTrim(below: number): void {
    invariant(below <= this.#tail + 1, 'the floor is at most one above the tail');
    if (below <= this.#floor) return;
    this.#floor = below;
    this.#want(UNAWAITED);
  }

  #want(no: number): void {
    if (this.#checkpoint === undefined) this.#freeze(no);
    else this.#again = Math.min(this.#again ?? UNAWAITED, no);
  }

  #freeze(no: number): void {
    this.#checkpoint = { no, asOf: this.#tail, floor: this.#floor, state: this.#options.snapshot() };
  }

  /** Hands over what is due, unless a commit is under way. */
  issue(): void {
    if (this.#busy || this.#ended) return;
    try {
      this.#issue();
    } catch (error) {
      // The claim has ended, or the state can't be encoded: nobody who calls this could do anything about it.
      this.#failed(error);
    }
  }

  #issue(): void {
    const { limits } = this.#options;
    if (this.#checkpoint === undefined && this.rowsSinceCheckpoint >= limits.checkpointRows)
      this.#freeze(UNAWAITED);
    const rows = this.#rows.take(limits.batchRowsMax, limits.batchBytesMax);
    const ripe = this.#cells.firstSeq <= this.#durable;
    const cells =
      ripe &&
      (rows.length > 0 ||
        this.#cellsDue ||
        this.#checkpoint !== undefined ||
        this.#cells.count >= limits.batchRowsMax)
        ? this.#cells.take(this.#durable, limits.batchRowsMax)
        : [];
    const head = this.#takeHead(cells);
    if (rows.length === 0 && cells.length === 0 && head === undefined) {
      if (ripe)
        this.#cellTimer ??= this.#options.clock.after(limits.cellDelayMsMax, () => this.#cellTimerFired());
      return;
    }
    this.#commit(rows, cells, head);
  }

  /** Ends the journal: nothing is written any more (J4). */
  end(): void {
    this.#ended = true;
    this.#cellTimer?.cancel();
    this.#rows.clear();
    this.#cells.clear();
    this.#checkpoint = undefined;
  }

  #cellTimerFired(): void {
    this.#cellTimer = undefined;
    this.#cellsDue = true;
    this.issue();
  }

  /** J2: the frozen checkpoint, if its rows and their cells are durable by now. */
  #takeHead(cellsTaken: readonly TableWrite[]): (Head & { readonly no: number }) | undefined {
    const checkpoint = this.#checkpoint;
    if (checkpoint === undefined || checkpoint.asOf > this.#durable) return undefined;
    // Cells of later rows do not matter: those rows are folded again. So steady writing does not keep a checkpoint waiting.
    if (this.#cells.firstSeq <= checkpoint.asOf) return undefined;
    if (cellsTaken.some(({ seq }) => seq <= checkpoint.asOf)) return undefined;
    return {
      no: checkpoint.no,
      shard: this.#options.address.shard,
      floor: checkpoint.floor,
      sealSeq: this.#sealSeq,
      sealTs: this.#sealTs,
      asOf: checkpoint.asOf,
      state: checkpoint.state,
      ts: this.#options.claim.nextTimestamp(),
    };
  }

  #commit(rows: readonly PendingRow[], cells: readonly TableWrite[], head: Head | undefined): void {
    const { store, address, fence } = this.#options;
    const commit: MutableCommit = { actor: address };
    if (rows.length > 0) commit.rows = rows;
    if (cells.length > 0) commit.cells = cells;
    if (head !== undefined) commit.head = head;
    if (rows.some((row) => row.wake)) this.#mark(commit);
    const due = this.#takeDue(commit);
    this.#busy = true;
    this.#cellsDue = false;
    const begun = this.#count(rows, head);
    store
      .commit(commit)
      .then(() => {
        if (due.length > 0) this.#options.onDueDurable?.(due);
        // The fence read begins after the write is known durable, never with it.
        const live = this.#ended ? 'live' : fence.read();
        const settled = (): void => {
          this.#options.metrics.commits.record(this.#options.clock.monotonic() - begun);
          this.#settled(rows, cells, head);
        };
        return live === 'live' ? settled() : live.then(settled);
      })
      .catch((error: unknown) => this.#failed(error));
  }

  /** The write times are drawn now: later than that of any drop of such a mark (N2). */
  #takeDue(commit: MutableCommit): number[] {
    const minutes = [...this.#due];
    this.#due.clear();
    if (minutes.length === 0) return minutes;
    const { address, claim } = this.#options;
    const { shard, kind, key } = address;
    commit.due = minutes.map((dueMs) => ({ shard, dueMs, kind, key, ts: claim.nextTimestamp() }));
    return minutes;
  }

  /** J8. */
  #mark(commit: MutableCommit): void {
    if (this.#marked) return;
    this.#marked = true;
    const { claim, address } = this.#options;
    commit.mark = { shard: address.shard, epoch: claim.epoch, n: 0, kind: address.kind, key: address.key };
  }

  /** Counts a commit that begins; returns when that is, on the monotonic clock. */
  #count(rows: readonly PendingRow[], head: Head | undefined): number {
    const { metrics, clock } = this.#options;
    let bytes = head?.state.length ?? 0;
    for (const { value } of rows) bytes += value.length;
    metrics.commitRows += rows.length;
    metrics.commitBytes.record(bytes);
    return clock.monotonic();
  }

  #settled(rows: readonly PendingRow[], cells: readonly TableWrite[], head: Head | undefined): void {
    if (this.#ended) return;
    this.#busy = false;
    this.#rows.settled();
    const last = rows.at(-1);
    if (last !== undefined) this.#durable = last.seq;
    this.#cells.settled(cells);
    if (head !== undefined) this.#checkpointSettled(head);
    const next = Math.min(
      this.#rows.firstNo,
      this.#checkpoint?.no ?? UNAWAITED,
      this.#again ?? UNAWAITED,
      this.#issued + 1,
    );
    this.#options.onSettled(next - 1);
    this.issue();
  }

  #checkpointSettled(head: Head): void {
    this.#asOf = head.asOf;
    this.#checkpoint = undefined;
    if (head.floor > this.#floorWritten) {
      this.#floorWritten = head.floor;
      const { store, address, claim } = this.#options;
      // What is not deleted now is found below the floor and deleted by the next trim: a failure here loses nothing.
      store.trim(address, head.floor, claim.nextTimestamp()).catch(() => {});
    }
    if (this.#again !== undefined) {
      const no = this.#again;
      this.#again = undefined;
      this.#freeze(no);
    }
  }

  #failed(error: unknown): void {
    if (this.#ended) return;
    this.end();
    this.#options.onFailed(
      error instanceof StarlingError
        ? error
        : new StarlingError('STORAGE_FAILED', undefined, { cause: error }),
    );
  }
}
