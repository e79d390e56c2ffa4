// Reads of an activation's own timeline and tables: what the store has, with what is still being written laid over it.

import type { Journal } from './journal.ts';
import type { ActorAddress, CellRange, Row, RowRange, Store, StoredCell } from './ports/store.ts';
import { decodeRow } from './stored.ts';

/** Records of the timeline in the range asked for, the unsettled ones included. */
export async function mergeRows(
  store: Store,
  actor: ActorAddress,
  journal: Journal,
  range: RowRange,
): Promise<Row[]> {
  const rows = await storedRows(store, actor, journal, range);
  return rows.map(({ seq, ts, value }) => ({ seq, ts, value: decodeRow(value).record }));
}

async function storedRows(
  store: Store,
  actor: ActorAddress,
  journal: Journal,
  range: RowRange,
): Promise<Row[]> {
  const unsettled = journal.unsettledRows();
  const firstUnsettled = unsettled[0]?.seq ?? journal.tail + 1;
  const to = Math.min(range.to ?? journal.tail, journal.tail);
  const from = Math.max(range.from, journal.floor);
  if (from > to || range.rowsMax <= 0) return [];
  const fresh = unsettled.filter((row) => row.seq >= from && row.seq <= to);
  const storedTo = Math.min(to, firstUnsettled - 1);
  const readStored = (rowsMax: number, bytesMax: number | undefined): Promise<Row[]> =>
    storedTo < from || rowsMax <= 0
      ? Promise.resolve([])
      : store.readRows(
          actor,
          {
            from,
            to: storedTo,
            rowsMax,
            descending: range.descending === true,
            ...(bytesMax === undefined ? {} : { bytesMax }),
          },
          journal.readerHead,
        );
  if (range.descending === true) {
    const taken = bounded(fresh.reverse(), range.rowsMax, range.bytesMax);
    if (taken.full) return taken.rows;
    const left = range.bytesMax === undefined ? undefined : range.bytesMax - taken.bytes;
    return [...taken.rows, ...(await readStored(range.rowsMax - taken.rows.length, left))];
  }
  const stored = await readStored(range.rowsMax, range.bytesMax);
  const last = stored.at(-1)?.seq ?? from - 1;
  // A page that the bounds cut short ends before the unsettled rows begin.
  if (last < storedTo) return stored;
  return bounded([...stored, ...fresh], range.rowsMax, range.bytesMax).rows;
}

function bounded(
  rows: readonly Row[],
  rowsMax: number,
  bytesMax: number | undefined,
): { rows: Row[]; bytes: number; full: boolean } {
  const taken: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (taken.length >= rowsMax || (bytesMax !== undefined && bytes >= bytesMax))
      return { rows: taken, bytes, full: true };
    taken.push(row);
    bytes += row.value.length;
  }
  const full = taken.length >= rowsMax || (bytesMax !== undefined && bytes >= bytesMax);
  return { rows: taken, bytes, full };
}

/** Cells of a table in the range asked for, the unsettled ones included. */
export async function mergeCells(
  store: Store,
  actor: ActorAddress,
  journal: Journal,
  table: string,
  range: CellRange,
): Promise<StoredCell[]> {
  const pending = [...(journal.pendingCells(table)?.values() ?? [])].filter((cell) =>
    inRange(cell.key, range),
  );
  if (pending.length === 0) return store.readCells(actor, table, range);
  // Each pending cell may hide or remove at most one stored one.
  const stored = await store.readCells(actor, table, { ...range, cellsMax: range.cellsMax + pending.length });
  const complete = stored.length < range.cellsMax + pending.length;
  const sign = range.descending === true ? -1 : 1;
  const merged = new Map<string, StoredCell>(stored.map((cell) => [cell.key, cell]));
  const end = stored.at(-1)?.key;
  for (const { key, value, ts } of pending) {
    if (!complete && end !== undefined && sign * compareKeys(key, end) > 0) continue;
    if (value === undefined) merged.delete(key);
    else merged.set(key, { key, value, ts });
  }
  return [...merged.values()].sort((a, b) => sign * compareKeys(a.key, b.key)).slice(0, range.cellsMax);
}

function inRange(key: string, range: CellRange): boolean {
  if (range.prefix !== undefined && !key.startsWith(range.prefix)) return false;
  if (range.after === undefined) return true;
  const order = compareKeys(key, range.after);
  return range.descending === true ? order < 0 : order > 0;
}

/** Bytewise order of the UTF-8 forms, as the store has it. */
function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
