// The one committer. Owns: the queue of writes, which of them share a transaction, and what a failure means for each.
// Does not own: encodings, and how a transaction reaches the disk (engine.ts).
//
// Invariants:
// W1  One transaction is under way at a time; what is handed over meanwhile shares the next (S8), in order (S5).
// W2  A promise resolves only after the engine said that its transaction is on disk (S1).
// W3  After a failure that is not want of room nothing resolves any more (S7).
// W4  A transaction that finds no room is halved until the commit that is too large stands alone; only that is refused.

import { StarlingError } from '../../runtime/errors.ts';
import type { StoreHealth } from '../../runtime/ports/store.ts';
import { type Engine, EngineError } from './engine.ts';
import { groupBytesMax, groupOpsMax, queueBytesMax, queueCommitsMax, reservePagesMin } from './limits.ts';
import { Plan, type Put } from './plan.ts';

/** Plans one bounded step of deletes; true when none is left. */
export type SweepStep = (plan: Plan) => boolean;

interface Settle {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

type Work =
  | (Settle & { readonly type: 'commit'; readonly puts: readonly Put[]; readonly bytes: number })
  | (Settle & { readonly type: 'sweep'; readonly step: SweepStep });

type State =
  | { readonly type: 'open' }
  | { readonly type: 'closing' }
  | { readonly type: 'dead'; readonly error: StarlingError };

export interface CommitterOptions {
  readonly engine: Engine;
  /** Bytes the data may take. */
  readonly mapBytesMax: number;
  /** Called once, when the store dies. */
  readonly onDead: (error: StarlingError) => void;
  readonly onLog: (line: string) => void;
}

const overheadBytes = 16;
const pageBytesMin = 4_096;

/** Turns commits into durable transactions. */
export class Committer {
  readonly #options: CommitterOptions;
  #queue: Work[] = [];
  #queueBytes = 0;
  #running = false;
  #state: State = { type: 'open' };
  #idle: (() => void)[] = [];
  #refusedBytes: number | undefined;
  #transactions = 0;
  /** Pages that may be added before the engine is asked again how many it holds. */
  #pagesSure = 0;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Transactions written so far. */
  get transactions(): number {
    return this.#transactions;
  }

  /** Resolves once the cells are on disk. */
  commit(puts: readonly Put[]): Promise<void> {
    let bytes = 0;
    for (const put of puts) bytes += put.key.length + put.value.length + overheadBytes;
    if (this.#queue.length >= queueCommitsMax || this.#queueBytes + bytes > queueBytesMax) {
      return Promise.reject(new StarlingError('OVERLOADED', 'Too many writes wait for the disk.'));
    }
    return this.#add((settle) => ({ type: 'commit', puts, bytes, ...settle }), bytes);
  }

  /** Runs a delete of unknown size step by step, between commits; resolves once all of it is on disk. */
  sweep(step: SweepStep): Promise<void> {
    return this.#add((settle) => ({ type: 'sweep', step, ...settle }), 0);
  }

  /** Refuses what comes, waits for what came. */
  async close(): Promise<void> {
    if (this.#state.type === 'open') this.#state = { type: 'closing' };
    if (!this.#running && this.#queue.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** Why no call may be served, or undefined. */
  refusal(): StarlingError | undefined {
    if (this.#state.type === 'dead') {
      return new StarlingError('STORAGE_FAILED', 'It failed earlier.', { cause: this.#state.error });
    }
    return this.#state.type === 'closing'
      ? new StarlingError('SHUTTING_DOWN', 'The store is closed.')
      : undefined;
  }

  health(): StoreHealth {
    if (this.#state.type === 'dead') return { ok: false, detail: this.#state.error.message };
    if (this.#state.type === 'closing') return { ok: false, detail: 'closed' };
    if (this.#refusedBytes !== undefined) {
      return { ok: false, detail: 'The store is full: give it more room (disk or map size).' };
    }
    return { ok: true, detail: 'ok' };
  }

  #death(): StarlingError | undefined {
    return this.#state.type === 'dead' ? this.#state.error : undefined;
  }

  #add(make: (settle: Settle) => Work, bytes: number): Promise<void> {
    const refusal = this.refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#queue.push(make({ resolve, reject }));
      this.#queueBytes += bytes;
      if (this.#running) return;
      this.#running = true;
      // What this turn of the event loop still hands over shares the first transaction.
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && this.#death() === undefined) await this.#writeGroup(this.#takeGroup());
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #takeGroup(): Work[] {
    let ops = 0;
    let bytes = 0;
    let count = 0;
    for (const work of this.#queue) {
      if (work.type === 'commit') {
        if (count > 0 && (ops + work.puts.length > groupOpsMax || bytes + work.bytes > groupBytesMax)) break;
        ops += work.puts.length;
        bytes += work.bytes;
      }
      count += 1;
    }
    this.#queueBytes -= bytes;
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return group;
  }

  async #writeGroup(group: readonly Work[]): Promise<void> {
    const failure = this.#room(group) ? await this.#write(group) : 'full';
    if (failure === undefined) return;
    const [only] = group;
    if (group.length === 1 && only !== undefined) {
      this.#refuse(only);
      return;
    }
    const half = group.length >> 1;
    await this.#writeGroup(group.slice(0, half));
    const dead = this.#death();
    if (dead === undefined) await this.#writeGroup(group.slice(half));
    else for (const work of group.slice(half)) work.reject(dead);
  }

  async #write(group: readonly Work[]): Promise<'full' | undefined> {
    const { engine } = this.#options;
    const unfinished = new Set<Work>();
    try {
      const plan = new Plan(engine);
      for (const work of group) {
        if (work.type === 'commit') for (const put of work.puts) plan.put(put);
        else if (plan.writes.length >= groupOpsMax || !work.step(plan)) unfinished.add(work);
      }
      if (plan.writes.length > 0) {
        await engine.write(plan.writes);
        this.#transactions += 1;
      }
    } catch (error) {
      if (error instanceof EngineError && error.failure === 'full') return 'full';
      this.#die(error, group);
      return undefined;
    }
    this.#succeeded(group);
    for (const work of group) {
      if (unfinished.has(work)) this.#queue.push(work);
      else work.resolve();
    }
    return undefined;
  }

  /** Whether the group fits below the bound that the owner of the disk has set. */
  #room(group: readonly Work[]): boolean {
    const need = pagesOf(group);
    if (need === 0) return true;
    if (need > this.#pagesSure) this.#pagesSure = this.#pagesLeft();
    if (need > this.#pagesSure) return false;
    this.#pagesSure -= need;
    return true;
  }

  #pagesLeft(): number {
    const { pageBytes, used } = this.#options.engine.pages();
    const pagesMax = Math.floor(this.#options.mapBytesMax / pageBytes);
    return pagesMax - Math.min(reservePagesMin, pagesMax >> 3) - used;
  }

  #refuse(work: Work): void {
    if (this.#refusedBytes === undefined) this.#options.onLog('store full: writes are refused');
    this.#refusedBytes = Math.min(this.#refusedBytes ?? Number.POSITIVE_INFINITY, largestOf([work]));
    work.reject(new StarlingError('STORAGE_FULL'));
  }

  #succeeded(group: readonly Work[]): void {
    // The store is full until a commit at least as large as one it refused has been written.
    if (this.#refusedBytes === undefined || largestOf(group) < this.#refusedBytes) return;
    this.#refusedBytes = undefined;
    this.#options.onLog('store no longer full: writes are accepted');
  }

  #die(cause: unknown, group: readonly Work[]): void {
    const detail = cause instanceof Error ? cause.message : String(cause);
    const error = new StarlingError('STORAGE_FAILED', detail, { cause });
    this.#state = { type: 'dead', error };
    this.#options.onLog(`store failed, nothing is acknowledged any more: ${detail}`);
    for (const work of [...group, ...this.#queue.splice(0)]) work.reject(error);
    this.#options.onDead(error);
  }
}

/** The most pages that writing these can add, with room for splits; larger pages than the least only need fewer. */
function pagesOf(group: readonly Work[]): number {
  let pages = 0;
  for (const work of group) {
    if (work.type !== 'commit') continue;
    for (const put of work.puts) pages += 2 + Math.ceil((put.key.length + put.value.length) / pageBytesMin);
  }
  return pages;
}

/** Bytes of the largest commit of a group. */
function largestOf(group: readonly Work[]): number {
  return group.reduce((most, work) => Math.max(most, work.type === 'commit' ? work.bytes : 0), 0);
}
