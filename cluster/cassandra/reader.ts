// Reading timelines. Owns: going through buckets and pages, validity of rows (S3), finding what a trim deletes.
//
// Invariants:
// R1  Reading upwards goes on to the next bucket as long as that begins within `readAheadRows` of the seal or of the last row
//     seen, and stops otherwise: nothing tells the server's highest bucket, and no activation has more rows in flight.
// R2  A row counts by the head that the caller passed or that was read before the first row, never by a later one (rule 5 of
//     the safety protocol).

import type { ActorAddress, Head, Row, RowRange } from '../../runtime/ports/store.ts';
import type { Layout } from './layout.ts';
import { bucketRows, pageRowsMax, pageRowsSpare, readAheadRows } from './limits.ts';
import { bucketOf } from './partition.ts';
import type { Answer, Bound, CassandraSession } from './session.ts';

/** What rows are judged by. */
export type Seal = Pick<Head, 'floor' | 'sealSeq' | 'sealTs' | 'asOf'>;

/** An actor without a head has no rows by the protocol; where it has some they are looked for in its first two buckets. */
const unsealed: Seal = { floor: 1, sealSeq: 0, sealTs: -1n, asOf: bucketRows };

/** Gives `take` the rows of an answer, page after page, until it answers false; true where the end was reached. */
export async function scan(
  session: CassandraSession,
  bound: Bound,
  wanted: number,
  take: (row: Answer) => boolean,
): Promise<boolean> {
  const fetchSize = Math.min(wanted + pageRowsSpare, pageRowsMax);
  for (let state: string | undefined, first = true; first || state !== undefined; first = false) {
    const page = await session.page(bound, fetchSize, state);
    for (const row of page.rows) if (!take(row)) return false;
    state = page.next;
  }
  return true;
}

export class Reader {
  readonly #session: CassandraSession;
  readonly #layout: Layout;

  constructor(session: CassandraSession, layout: Layout) {
    this.#session = session;
    this.#layout = layout;
  }

  async rows(actor: ActorAddress, range: RowRange, seal: Seal = unsealed): Promise<Row[]> {
    const from = Math.max(range.from, seal.floor);
    const to = Math.min(range.to ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    const { rowsMax, bytesMax = Number.POSITIVE_INFINITY, descending = false } = range;
    const rows: Row[] = [];
    if (rowsMax <= 0 || to < from) return rows;
    let bytes = 0;
    let lastSeen = from - 1;
    const take = (answer: Answer): boolean => {
      const seq = Number(answer['seq']);
      const ts = answer['ts'] as bigint;
      lastSeen = seq;
      if (seq > seal.sealSeq && ts <= seal.sealTs) return true;
      const value = new Uint8Array(answer['v'] as Buffer);
      rows.push({ seq, ts, value });
      bytes += value.length;
      return rows.length < rowsMax && bytes < bytesMax;
    };
    const bucketScan = (bucket: number): Promise<boolean> =>
      this.#bucket({ actor, bucket, from, to, descending, wanted: rowsMax - rows.length }, take);
    if (descending) {
      for (let bucket = await this.#topBucket(actor, from, to, seal); bucket >= bucketOf(from); bucket -= 1) {
        if (!(await bucketScan(bucket))) break;
      }
      return rows;
    }
    for (let bucket = bucketOf(from); bucket <= bucketOf(to); bucket += 1) {
      if (!(await bucketScan(bucket)) || !goesOn(bucket, lastSeen, seal)) break;
    }
    return rows;
  }

  /** Buckets in which rows below `below` may lie, lowest first. */
  async bucketsBelow(actor: ActorAddress, below: number): Promise<number[]> {
    const last = bucketOf(below - 1);
    const found = [last];
    // Trims take the lowest bucket first, so an empty one has no full one below it.
    for (let bucket = last - 1; bucket >= 0; bucket -= 1) {
      const params = this.#layout.place(actor, bucket);
      if ((await this.#session.one({ query: this.#layout.statements.anyRow, params })) === undefined) break;
      found.unshift(bucket);
    }
    return found;
  }

  /** The highest bucket that a reader going upwards would reach (R1). */
  async #topBucket(actor: ActorAddress, from: number, to: number, seal: Seal): Promise<number> {
    const last = bucketOf(to);
    let bucket = Math.min(last, bucketOf(Math.max(from, seal.sealSeq)));
    for (; bucket < last; bucket += 1) {
      const params = [
        ...this.#layout.place(actor, bucket),
        BigInt(Math.min(to, (bucket + 1) * bucketRows - 1)),
      ];
      const found = await this.#session.one({ query: this.#layout.statements.lastRow, params });
      const lastSeen = Math.max(found === undefined ? 0 : Number(found['seq']), from - 1);
      if (!goesOn(bucket, lastSeen, seal)) break;
    }
    return bucket;
  }

  #bucket(
    part: {
      readonly actor: ActorAddress;
      readonly bucket: number;
      readonly from: number;
      readonly to: number;
      readonly descending: boolean;
      readonly wanted: number;
    },
    take: (row: Answer) => boolean,
  ): Promise<boolean> {
    const { actor, bucket, from, to, descending, wanted } = part;
    const first = Math.max(from, bucket * bucketRows);
    const last = Math.min(to, (bucket + 1) * bucketRows - 1);
    const { readRows, readRowsDown } = this.#layout.statements;
    const params = [...this.#layout.place(actor, bucket), BigInt(first), BigInt(last)];
    return scan(this.#session, { query: descending ? readRowsDown : readRows, params }, wanted, take);
  }
}

/** R1. */
function goesOn(bucket: number, lastSeen: number, seal: Seal): boolean {
  return (bucket + 1) * bucketRows <= Math.max(lastSeen, seal.sealSeq, seal.asOf) + readAheadRows;
}
