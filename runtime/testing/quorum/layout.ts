// How the words of the ports lie in partitions. Owns: names of partitions, keys of cells, what a commit writes where.
// Does not own: how a mutation reaches the replicas.
//
// Invariants:
// L1  A value handed over is copied once, here (S9).
// L2  Rows of different buckets are different mutations: they can land apart.

import type { ActorAddress, Cell, Commit, DueMark, Row, WakeMark } from '../../ports/store.ts';
import type { Mutation, Slice } from './partition.ts';
import { afterPrefix, compareKeys, type RangeDelete, versionOf, versionOfHead } from './version.ts';

/** Rows of one partition of the server: seq / 4,096. */
const BUCKET_ROWS = 4_096;

/** Key of the only cell of a head and of a life mark. */
export const ONLY = 0;

const NO_BYTES = new Uint8Array(0);

export const headPartition = ({ kind, key }: ActorAddress): string => `head/${kind}/${key}`;
/** One name for all buckets: reading goes through them in order, and only writes tell them apart (L2). */
export const rowPartition = ({ kind, key }: ActorAddress): string => `rows/${kind}/${key}`;
/** A name of a table has no slash and comes before the key, so no two tables share a partition. */
export const tablePartition = ({ kind, key }: ActorAddress, table: string): string =>
  `table/${kind}/${table}/${key}`;
export const notePartition = ({ kind, key }: ActorAddress): string => `notes/${kind}/${key}`;
export const markPartition = (shard: number): string => `marks/${shard}`;
export const duePartition = (shard: number): string => `due/${shard}`;
export const lifePartition = (incarnation: string): string => `life/${incarnation}`;
export const actorsPartition = (kind: string): string => `actors/${kind}`;

/** Whose head a partition holds; undefined for any other partition. */
export function headOwner(partition: string): { readonly kind: string; readonly key: string } | undefined {
  if (!partition.startsWith('head/')) return undefined;
  const slash = partition.indexOf('/', 5);
  return { kind: partition.slice(5, slash), key: partition.slice(slash + 1) };
}

/** Digits enough that text order is number order. */
const digits = (n: number): string => String(n).padStart(16, '0');

export const markKey = ({ epoch, n, kind, key }: WakeMark): string =>
  `${digits(epoch)}\0${digits(n)}\0${kind}\0${key}`;
export const dueKey = ({ dueMs, kind, key }: DueMark): string => `${digits(dueMs)}\0${kind}\0${key}`;
/** Above every key of a mark of this minute or before. */
export const dueUntil = (untilMs: number): string => afterPrefix(`${digits(Math.floor(untilMs))}\0`);

export function markOf(shard: number, cell: string): WakeMark {
  const [epoch = '', n = '', kind = '', key = ''] = cell.split('\0');
  return { shard, epoch: Number(epoch), n: Number(n), kind, key };
}

export function dueOf(shard: number, cell: string, ts: bigint): DueMark {
  const [dueMs = '', kind = '', key = ''] = cell.split('\0');
  return { shard, dueMs: Number(dueMs), kind, key, ts };
}

/** The marks of a commit, which go first (S4). `markTs`: write time of the wake mark. */
export function marksOf(commit: Commit, markTs: (epoch: number) => bigint): Mutation[] {
  const { mark, due = [] } = commit;
  const marks: Mutation[] = due.map((one) => ({
    partition: duePartition(one.shard),
    cells: [[dueKey(one), versionOf(one.ts, NO_BYTES)]],
    ranges: [],
  }));
  if (mark !== undefined) {
    const cells = [[markKey(mark), versionOf(markTs(mark.epoch), NO_BYTES)] as const];
    marks.push({ partition: markPartition(mark.shard), cells, ranges: [] });
  }
  return marks;
}

/** Head, rows, cells and notes of a commit. */
export function mutationsOf(commit: Commit): Mutation[] {
  const { actor, head, rows = [], cells = [], notes = [] } = commit;
  const mutations: Mutation[] = [];
  if (head !== undefined) {
    mutations.push({ partition: headPartition(actor), cells: [[ONLY, versionOfHead(head)]], ranges: [] });
  }
  for (const bucket of buckets(rows)) {
    mutations.push({ partition: rowPartition(actor), cells: bucket.map(rowCell), ranges: [] });
  }
  for (const [table, ofTable] of byTable(cells)) {
    mutations.push({
      partition: tablePartition(actor, table),
      cells: ofTable.map(({ key, value, ts }) => [key, versionOf(ts, value)] as const),
      ranges: [],
    });
  }
  if (notes.length > 0) {
    mutations.push({
      partition: notePartition(actor),
      cells: notes.map(
        ({ note, present, ts }) => [note, versionOf(ts, present ? NO_BYTES : undefined)] as const,
      ),
      ranges: [],
    });
  }
  return mutations;
}

const rowCell = ({ seq, ts, value }: Row) => [seq, versionOf(ts, value)] as const;

function buckets(rows: readonly Row[]): Row[][] {
  const found: Row[][] = [];
  let last = -1;
  for (const row of rows) {
    const bucket = Math.floor(row.seq / BUCKET_ROWS);
    if (bucket === last) found.at(-1)?.push(row);
    else found.push([row]);
    last = bucket;
  }
  return found;
}

function byTable(cells: readonly Cell[]): Map<string, Cell[]> {
  const tables = new Map<string, Cell[]>();
  for (const cell of cells) {
    const known = tables.get(cell.table);
    if (known === undefined) tables.set(cell.table, [cell]);
    else known.push(cell);
  }
  return tables;
}

/** Deletes the rows below a seq. */
export function trimOf(actor: ActorAddress, below: number, ts: bigint): Mutation {
  return { partition: rowPartition(actor), cells: [], ranges: [{ from: undefined, to: below, ts }] };
}

/** Deletes the marks of one epoch written at `ts` or before. */
export function epochRange(epoch: number, ts: bigint): RangeDelete {
  return { from: digits(epoch), to: digits(epoch + 1), ts };
}

/** Where the marks of lower epochs end. */
export const marksBelow = (epoch: number): string => digits(epoch);

/** The slice of the keys that begin with `prefix` and come after `after` in the direction of reading. */
export function bounds(
  prefix: string,
  after: string | undefined,
  descending: boolean,
): Pick<Slice, 'start' | 'startOpen' | 'end' | 'descending'> {
  const end = prefix === '' ? undefined : afterPrefix(prefix);
  const [first, last] = descending ? [end, prefix] : [prefix, end];
  const step = descending ? -1 : 1;
  const beyond = after !== undefined && (first === undefined || compareKeys(after, first) * step > 0);
  // A key equal to the bound of a prefix cannot be: it would not be text.
  return { start: beyond ? after : first, startOpen: beyond || after === first, end: last, descending };
}
