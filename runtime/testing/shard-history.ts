// Histories of one shard's row and whether they could have come from a row that changes at single moments (O3).
// Owns: recording calls in the order in which they begin and end, and the search for an order that explains them.
// Does not own: what is called.
//
// Invariants:
// H1  A swap of unknown outcome may take effect at any moment from its call on, or never; but not after the end of a read
//     that began after the swap was answered.

import { StarlingError } from '../errors.ts';
import type { ShardOwner, ShardTable } from '../ports/shard-table.ts';

/** What a call found: `from` the row it needs or saw, `to` the row it leaves. */
interface Entry {
  readonly type: 'applied' | 'found' | 'unknown';
  /** Moments are numbers of events, not times. */
  readonly begun: number;
  readonly ended: number;
  readonly from: string;
  readonly to: string;
}

const NONE = '';

const nameOf = (row: ShardOwner | undefined): string =>
  row === undefined ? NONE : `${row.epoch}@${row.owner}`;

/** Calls of any number of clients on one shard. */
export class ShardHistory {
  readonly #shard: number;
  readonly #entries: Entry[] = [];
  #moment = 0;

  constructor(shard: number) {
    this.#shard = shard;
  }

  /** Calls that ended so far, those that were refused as not done left out. */
  get length(): number {
    return this.#entries.length;
  }

  /** Swaps of unknown outcome. */
  get unknown(): number {
    return this.#entries.filter(({ type }) => type === 'unknown').length;
  }

  /** Returns the row, or undefined where it could not be read. */
  async read(table: ShardTable): Promise<{ readonly row: ShardOwner | undefined } | undefined> {
    const begun = this.#tick();
    try {
      const row = await table.readOwner(this.#shard);
      this.#note('found', begun, row, row);
      return { row };
    } catch (error) {
      codeOf(error);
      return undefined;
    }
  }

  /** Returns what became of it; a refusal counts as if it had not been called. */
  async swap(
    table: ShardTable,
    from: ShardOwner | undefined,
    to: ShardOwner,
  ): Promise<'applied' | 'found' | 'unknown' | 'refused'> {
    const begun = this.#tick();
    try {
      const result = await table.swap(this.#shard, from, to);
      if (result.applied) this.#note('applied', begun, from, to);
      else {
        if (nameOf(result.found) === nameOf(from)) throw new Error('a swap found its own row and left it');
        this.#note('found', begun, result.found, result.found);
      }
      return result.applied ? 'applied' : 'found';
    } catch (error) {
      if (codeOf(error) === 'OVERLOADED') return 'refused';
      this.#note('unknown', begun, from, to);
      return 'unknown';
    }
  }

  /** Undefined if some order of single moments explains the history; else the history, one call a line. */
  contradiction(): string | undefined {
    return explained(this.#entries)
      ? undefined
      : this.#entries
          .map(({ type, begun, ended, from, to }) => `${begun}-${ended} ${type} ${from}>${to}`)
          .join('\n');
  }

  #tick(): number {
    this.#moment += 1;
    return this.#moment;
  }

  #note(type: Entry['type'], begun: number, from: ShardOwner | undefined, to: ShardOwner | undefined): void {
    this.#entries.push({ type, begun, ended: this.#tick(), from: nameOf(from), to: nameOf(to) });
  }
}

function codeOf(error: unknown): 'OVERLOADED' | 'OUTCOME_UNKNOWN' {
  const code = error instanceof StarlingError ? error.code : undefined;
  if (code === 'OVERLOADED' || code === 'OUTCOME_UNKNOWN') return code;
  throw error;
}

/** Searches all orders; fit for some 20 calls at once. */
function explained(entries: readonly Entry[]): boolean {
  const sure = entries.filter(({ type }) => type !== 'unknown');
  const maybe = entries
    .filter(({ type }) => type === 'unknown')
    .map((entry) => ({ entry, until: lastMoment(entry, sure) }));
  const failed = new Set<string>();
  const search = (done: ReadonlySet<Entry>, row: string, latest: number): boolean => {
    const left = sure.filter((entry) => !done.has(entry));
    if (left.length === 0) return true;
    const id = `${row}|${latest}|${entries.map((entry) => (done.has(entry) ? '1' : '0')).join('')}`;
    if (failed.has(id)) return false;
    // Nothing can come before a call that ended before it began.
    const bound = Math.min(...left.map(({ ended }) => ended));
    const next = left.filter(({ begun }) => begun < bound);
    for (const { entry, until } of maybe) {
      if (!done.has(entry) && entry.begun < bound && latest < until) next.push(entry);
    }
    for (const entry of next) {
      if (entry.from !== row) continue;
      if (search(new Set(done).add(entry), entry.to, Math.max(latest, entry.begun))) return true;
    }
    failed.add(id);
    return false;
  };
  return search(new Set(), NONE, 0);
}

/** H1. */
function lastMoment(swap: Entry, sure: readonly Entry[]): number {
  const reads = sure.filter(
    ({ type, begun, from, to }) => type === 'found' && from === to && begun > swap.ended,
  );
  return Math.min(Number.POSITIVE_INFINITY, ...reads.map(({ ended }) => ended));
}
