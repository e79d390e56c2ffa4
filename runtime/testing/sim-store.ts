// Longer than 300 lines because it is the port's every method with the faults of each.
// A simulated store. Owns: when a write is done, what of it survives a power cut, and the faults a test asks for.
// Does not own: which write of a cell wins (sim-cells.ts).
//
// Invariants:
// M1  A write is visible to readers no sooner than it is durable, and is acknowledged after both.
// M2  One group is in flight at a time; what is handed over meanwhile forms the next (S8), in order (S5).
// M3  After `crash()` or `die()` nothing of this store resolves any more, and no write of it lands.

import { StarlingError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
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
} from '../ports/store.ts';
import { type Part, partsOf, SimCells } from './sim-cells.ts';
import type { SimRandom } from './sim-random.ts';
import { applySome, type PendingWrite, survivors } from './sim-survivors.ts';

/** What happens to one commit instead of success. */
export type SimFault =
  /** Refused with STORAGE_FULL; nothing is written. */
  | { readonly type: 'not_done' }
  /** OUTCOME_UNKNOWN, and all of it is written. */
  | { readonly type: 'unknown_applied' }
  /** OUTCOME_UNKNOWN, and nothing of it is written. */
  | { readonly type: 'unknown_not_applied' }
  /** OUTCOME_UNKNOWN, and the parts that `keep` names are written; marks always are if a row or the head is (S4). */
  | { readonly type: 'partial'; readonly keep: (part: Part, index: number) => boolean }
  /** OUTCOME_UNKNOWN at once; all of it is written at the next `landLate()`, or `afterMs` later on the clock. */
  | { readonly type: 'late'; readonly afterMs?: number };

/** When writes are done. */
export type SimCompletion =
  /** When the test calls `flush()`. */
  | { readonly type: 'manual' }
  /** A group at the next microtask. */
  | { readonly type: 'immediate' }
  /** A group after a latency drawn for it, in milliseconds. */
  | {
      readonly type: 'latency';
      readonly clock: Clock;
      readonly random: SimRandom;
      /** Default 1. */
      readonly msMin?: number;
      /** Default 5. */
      readonly msMax?: number;
    };

interface Write extends PendingWrite {
  readonly resolve: () => void;
  readonly reject: (error: StarlingError) => void;
}

interface PlannedFault {
  readonly fault: SimFault;
  readonly match: (commit: Commit) => boolean;
}

type Life = 'open' | 'closed' | 'dead' | 'cut';

/** An in-memory store for tests and the simulator. */
export class SimStore implements Store {
  readonly #completion: SimCompletion;
  readonly #cells: SimCells;
  readonly #waiting: Write[] = [];
  readonly #faults: PlannedFault[] = [];
  readonly #late = new Set<readonly Part[]>();
  readonly #listeners: ((error: Error) => void)[] = [];
  #life: Life = 'open';
  #scheduled = false;
  #groups = 0;

  /** `completion`: default manual. */
  constructor(completion: SimCompletion = { type: 'manual' }, cells: SimCells = new SimCells()) {
    this.#completion = completion;
    this.#cells = cells;
  }

  // --- what a test does to the store -------------------------------------------------------------------------------

  /** Writes handed over and not yet done. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Groups written so far; one flush of any number of writes is one. */
  get groups(): number {
    return this.#groups;
  }

  /** Does the oldest `count` waiting writes as one group (default all). A no-op where none waits. */
  flush(count = this.#waiting.length): void {
    if (this.#life === 'dead' || this.#life === 'cut') return;
    const group = this.#waiting.splice(0, count);
    if (group.length === 0) return;
    this.#groups += 1;
    for (const write of group) this.#perform(write);
  }

  /** Plans a fault for the next commit done that matches (default any); plans are taken in order, one commit each. */
  failNext(fault: SimFault, match: (commit: Commit) => boolean = () => true): void {
    this.#faults.push({ fault, match });
  }

  /** Lets all late writes land now. */
  landLate(): void {
    for (const parts of this.#late) this.#land(parts);
  }

  /** A failed sync (S7): waiting and later calls reject with STORAGE_FAILED, listeners are told. */
  die(detail = 'The simulated disk failed.'): void {
    if (this.#life === 'dead' || this.#life === 'cut') return;
    this.#life = 'dead';
    this.#late.clear();
    for (const write of this.#waiting.splice(0)) write.reject(new StarlingError('STORAGE_FAILED', detail));
    for (const listener of this.#listeners) listener(new StarlingError('STORAGE_FAILED', detail));
  }

  /**
   * A power cut: this store falls silent for ever, its promises never settle. Returns the store found after it, over
   * what was durable. With `random`, of the writes that were under way some survive: for each actor those handed over
   * first, and a part of the next (S4, S5).
   */
  crash(options: { readonly completion?: SimCompletion; readonly random?: SimRandom } = {}): SimStore {
    const cells = this.#cells.clone();
    if (options.random !== undefined) survivors(this.#waiting, options.random, cells);
    this.#life = 'cut';
    this.#waiting.length = 0;
    this.#late.clear();
    return new SimStore(options.completion ?? this.#completion, cells);
  }

  // --- Store -------------------------------------------------------------------------------------------------------

  readHead(actor: ActorAddress): Promise<Head | undefined> {
    return this.#read(() => this.#cells.head(actor));
  }

  readRows(actor: ActorAddress, range: RowRange, head?: Head): Promise<Row[]> {
    return this.#read(() => this.#cells.rows(actor, range, head));
  }

  readCell(actor: ActorAddress, table: string, key: string): Promise<StoredCell | undefined> {
    return this.#read(() => this.#cells.cell(actor, table, key));
  }

  readCells(actor: ActorAddress, table: string, range: CellRange): Promise<StoredCell[]> {
    return this.#read(() => this.#cells.cells(actor, table, range));
  }

  readNotes(actor: ActorAddress, range: NoteRange): Promise<StoredNote[]> {
    return this.#read(() => this.#cells.notes(actor, range));
  }

  readMarks(shard: number, range: { readonly after?: WakeMark; readonly marksMax: number }) {
    return this.#read(() => this.#cells.marks(shard, range));
  }

  listActors(
    kind: string,
    range: { readonly after?: string; readonly actorsMax: number; readonly prefix?: string },
  ): Promise<string[]> {
    return this.#read(() => this.#cells.actors(kind, range));
  }

  commit(commit: Commit): Promise<void> {
    return this.#write(partsOf(commit), commit);
  }

  trim(actor: ActorAddress, below: number, ts: bigint): Promise<void> {
    return this.#write([{ type: 'trim', actor, below, ts }], undefined);
  }

  dropMarks(shard: number, epoch: number): Promise<void> {
    return this.#write([{ type: 'drop_marks', shard, epoch }], undefined);
  }

  readDue(
    shard: number,
    range: { readonly untilMs: number; readonly after?: DueMark; readonly marksMax: number },
  ): Promise<DueMark[]> {
    return this.#read(() => this.#cells.due.read(shard, range));
  }

  dropDue(marks: readonly DueMark[], ts: bigint): Promise<void> {
    const copies = marks.map((mark) => ({ ...mark }));
    return this.#write([{ type: 'drop_due', marks: copies, ts }], undefined);
  }

  health(): StoreHealth {
    if (this.#life === 'open') return { ok: true, detail: 'ok' };
    const detail = this.#life === 'closed' ? 'closed' : 'the store failed: restart the node';
    return { ok: false, detail };
  }

  onFatal(listener: (error: Error) => void): void {
    this.#listeners.push(listener);
  }

  close(): Promise<void> {
    if (this.#life === 'open') {
      this.flush();
      this.landLate();
      this.#life = 'closed';
    }
    return Promise.resolve();
  }

  // --- inside ------------------------------------------------------------------------------------------------------

  #read<T>(take: () => T): Promise<T> {
    if (this.#life === 'open') return Promise.resolve(take());
    return this.#refusal();
  }

  #write(parts: readonly Part[], commit: Commit | undefined): Promise<void> {
    if (this.#life !== 'open') return this.#refusal();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ parts, commit, resolve, reject });
      this.#schedule();
    });
  }

  #refusal(): Promise<never> {
    if (this.#life === 'cut') return new Promise(() => {});
    return Promise.reject(
      this.#life === 'closed'
        ? new StarlingError('SHUTTING_DOWN', 'The store is closed.')
        : new StarlingError('STORAGE_FAILED', 'The store failed earlier.'),
    );
  }

  #schedule(): void {
    const plan = this.#completion;
    if (plan.type === 'manual' || this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    if (plan.type === 'immediate') {
      queueMicrotask(() => this.#flushScheduled(this.#waiting.length));
      return;
    }
    const { msMin = 1, msMax = 5 } = plan;
    // The group starts with what waits now; what comes while it is in flight is the next group's.
    const delayMs = msMin + plan.random.float() * (msMax - msMin);
    queueMicrotask(() => {
      const count = this.#waiting.length;
      plan.clock.after(delayMs, () => this.#flushScheduled(count));
    });
  }

  #flushScheduled(count: number): void {
    this.#scheduled = false;
    this.flush(count);
    this.#schedule();
  }

  #perform(write: Write): void {
    const fault = this.#takeFault(write.commit);
    if (fault === undefined) {
      for (const part of write.parts) this.#cells.apply(part);
      write.resolve();
      return;
    }
    if (fault.type === 'not_done') {
      write.reject(new StarlingError('STORAGE_FULL', 'A simulated fault.'));
      return;
    }
    if (fault.type === 'unknown_applied') for (const part of write.parts) this.#cells.apply(part);
    if (fault.type === 'partial') applySome(write.parts, fault.keep, this.#cells);
    if (fault.type === 'late') {
      this.#late.add(write.parts);
      if (fault.afterMs !== undefined && this.#completion.type === 'latency') {
        this.#completion.clock.after(fault.afterMs, () => this.#land(write.parts));
      }
    }
    write.reject(new StarlingError('OUTCOME_UNKNOWN', 'A simulated fault.'));
  }

  #takeFault(commit: Commit | undefined): SimFault | undefined {
    if (commit === undefined) return undefined;
    const at = this.#faults.findIndex(({ match }) => match(commit));
    return at < 0 ? undefined : this.#faults.splice(at, 1)[0]?.fault;
  }

  #land(parts: readonly Part[]): void {
    if (!this.#late.delete(parts)) return;
    for (const part of parts) this.#cells.apply(part);
  }
}
