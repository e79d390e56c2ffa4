// The Cassandra driver of the store port. Owns: pages of cells, marks and notes; write times of wake marks. Does not own:
// order of commits (commits.ts), requests (session.ts), groups (writer.ts), timelines (reader.ts).

import { StarlingError } from '../../runtime/errors.ts';
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
import { Commits } from './commits.ts';
import { toError } from './failures.ts';
import { decodeHead } from './head.ts';
import { checkActor, checkTable, type Layout, type Steps } from './layout.ts';
import { listRequestsMax } from './limits.ts';
import { compareBytes, textRange } from './order.ts';
import { Reader, scan } from './reader.ts';
import type { CassandraSession } from './session.ts';
import { type Op, Writer } from './writer.ts';

export class CassandraStore implements Store {
  readonly #session: CassandraSession;
  readonly #layout: Layout;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #commits: Commits;
  #wakeTs = 0n;
  #closed = false;

  constructor(session: CassandraSession, layout: Layout) {
    this.#session = session;
    this.#layout = layout;
    this.#reader = new Reader(session, layout);
    this.#writer = new Writer(
      (ops, partition) => session.group(ops, partition),
      () => session.nodes,
    );
    this.#commits = new Commits(this.#writer);
  }

  async readHead(actor: ActorAddress): Promise<Head | undefined> {
    this.#check(actor);
    const params = this.#layout.place(actor, 0);
    const found = await this.#session.one({ query: this.#layout.statements.readHead, params });
    return found && decodeHead(found['v'] as Buffer, found['ts'] as bigint);
  }

  async readRows(actor: ActorAddress, range: RowRange, head?: Head): Promise<Row[]> {
    this.#check(actor);
    // Rule 5: the head first, or rows that a later seal hides would be judged by an older one.
    return this.#reader.rows(actor, range, head ?? (await this.readHead(actor)));
  }

  async readCell(actor: ActorAddress, table: string, key: string): Promise<StoredCell | undefined> {
    this.#check(actor);
    checkTable(table);
    const params = [...this.#layout.place(actor, 0), table, key];
    const found = await this.#session.one({ query: this.#layout.statements.readCell, params });
    return found && cellOf(key, found);
  }

  async readCells(actor: ActorAddress, table: string, range: CellRange): Promise<StoredCell[]> {
    this.#check(actor);
    checkTable(table);
    const cells: StoredCell[] = [];
    const { prefix = '', after, cellsMax, descending = false } = range;
    const { from, to } = textRange(prefix, after, descending);
    if (cellsMax <= 0 || compareBytes(from, to) >= 0) return cells;
    const { readCells, readCellsDown } = this.#layout.statements;
    const params = [...this.#layout.place(actor, 0), table, from, to];
    await scan(
      this.#session,
      { query: descending ? readCellsDown : readCells, params },
      cellsMax,
      (found) => {
        cells.push(cellOf(String(found['cell']), found));
        return cells.length < cellsMax;
      },
    );
    return cells;
  }

  commit(commit: Commit): Promise<void> {
    if (this.#closed) return Promise.reject(closed());
    let steps: Steps;
    try {
      steps = this.#layout.steps(commit, () => this.#nextWakeTs());
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#commits.run(commit.actor, steps);
  }

  async trim(actor: ActorAddress, below: number, ts: bigint): Promise<void> {
    this.#check(actor);
    if (below <= 1) return;
    // One after the other, lowest first: what is left after a failure is found again (Reader.bucketsBelow).
    for (const bucket of await this.#reader.bucketsBelow(actor, below)) {
      await this.#write([this.#layout.trim(actor, bucket, below, ts)]);
    }
  }

  async readMarks(
    shard: number,
    range: { readonly after?: WakeMark; readonly marksMax: number },
  ): Promise<WakeMark[]> {
    this.#check();
    const marks: WakeMark[] = [];
    const { after, marksMax } = range;
    if (marksMax <= 0) return marks;
    const params = [shard, after?.epoch ?? -1, after?.n ?? -1, after?.kind ?? '', after?.key ?? ''];
    await scan(this.#session, { query: this.#layout.statements.readWake, params }, marksMax, (found) => {
      const { epoch, n, kind, key } = found as unknown as WakeMark;
      marks.push({ shard, epoch, n, kind, key });
      return marks.length < marksMax;
    });
    return marks;
  }

  /**
   * Deletes what it finds and no more: a mark that comes later is a note of its own. The time of a mark is a clock's, which
   * may be wrong: it decides only whether a delete by an owner of a later epoch takes it, and that owner has re-marked.
   */
  async dropMarks(shard: number, epoch: number): Promise<void> {
    this.#check();
    const newest = new Map<number, bigint>();
    const query = this.#layout.statements.readWakeBelow;
    await scan(this.#session, { query, params: [shard, epoch] }, Number.MAX_SAFE_INTEGER, (found) => {
      const old = Number(found['epoch']);
      const ts = found['ts'] as bigint;
      if (ts > (newest.get(old) ?? -1n)) newest.set(old, ts);
      return true;
    });
    await this.#write([...newest].map(([old, ts]) => this.#layout.dropWake(shard, old, ts)));
  }

  async readDue(
    shard: number,
    range: { readonly untilMs: number; readonly after?: DueMark; readonly marksMax: number },
  ): Promise<DueMark[]> {
    this.#check();
    const marks: DueMark[] = [];
    const { after, untilMs, marksMax } = range;
    if (marksMax <= 0 || untilMs < 0 || (after !== undefined && after.dueMs > untilMs)) return marks;
    const from = [BigInt(after?.dueMs ?? -1), after?.kind ?? '', after?.key ?? ''];
    const params = [shard, ...from, BigInt(Math.floor(untilMs))];
    await scan(this.#session, { query: this.#layout.statements.readDue, params }, marksMax, (found) => {
      const dueMs = Number(found['due_ms']);
      marks.push({ shard, dueMs, kind: found['kind'], key: found['key'], ts: found['ts'] });
      return marks.length < marksMax;
    });
    return marks;
  }

  async dropDue(marks: readonly DueMark[], ts: bigint): Promise<void> {
    this.#check();
    await this.#write(marks.map((mark) => this.#layout.dropDue(mark, ts)));
  }

  async readNotes(actor: ActorAddress, { after = '', notesMax }: NoteRange): Promise<StoredNote[]> {
    this.#check(actor);
    const notes: StoredNote[] = [];
    if (notesMax <= 0) return notes;
    const params = [...this.#layout.place(actor, 0), after];
    await scan(this.#session, { query: this.#layout.statements.readNotes, params }, notesMax, (found) => {
      notes.push({ note: String(found['note']), ts: found['ts'] as bigint });
      return notes.length < notesMax;
    });
    return notes;
  }

  /** Asks every stripe: for operators. */
  async listActors(
    kind: string,
    range: { readonly after?: string; readonly actorsMax: number; readonly prefix?: string },
  ): Promise<string[]> {
    this.#check();
    const { prefix = '', after, actorsMax } = range;
    const { from, to } = textRange(prefix, after, false);
    if (actorsMax <= 0 || compareBytes(from, to) >= 0) return [];
    const keys: string[] = [];
    let stripe = 0;
    const worker = async (): Promise<void> => {
      while (stripe < this.#layout.stripes) {
        const params = [stripe, kind, from, to, actorsMax];
        stripe += 1;
        await scan(
          this.#session,
          { query: this.#layout.statements.listActors, params },
          actorsMax,
          (found) => {
            keys.push(String(found['key']));
            return true;
          },
        );
      }
    };
    await Promise.all(Array.from({ length: listRequestsMax }, worker));
    return keys.sort(compareBytes).slice(0, actorsMax);
  }

  health(): StoreHealth {
    return this.#closed ? { ok: false, detail: 'closed' } : this.#session.health();
  }

  /** Never calls it: no failure of Cassandra takes back what was acknowledged (session.ts, C4). */
  onFatal(_listener: (error: Error) => void): void {}

  /** Waits for the commits under way. The session stays open: it is its maker's. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#commits.idle();
  }

  #write(ops: readonly Op[]): Promise<void> {
    if (ops.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#writer.write(ops, (failure) => (failure === undefined ? resolve() : reject(toError(failure))));
    });
  }

  #check(actor?: ActorAddress): void {
    if (this.#closed) throw closed();
    if (actor !== undefined) checkActor(actor);
  }

  /** Microseconds of the clock, rising. */
  #nextWakeTs(): bigint {
    const now = BigInt(Math.floor(this.#session.clock.now())) * 1_000n;
    this.#wakeTs = now > this.#wakeTs ? now : this.#wakeTs + 1n;
    return this.#wakeTs;
  }
}

function cellOf(key: string, found: { readonly [name: string]: unknown }): StoredCell {
  return { key, value: new Uint8Array(found['v'] as Buffer), ts: found['ts'] as bigint };
}

function closed(): StarlingError {
  return new StarlingError('SHUTTING_DOWN', 'The store is closed.');
}
