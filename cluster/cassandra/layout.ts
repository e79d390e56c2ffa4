// What a commit writes, as statements. Owns: values of every write. Does not own: when they are sent.
//
// Invariants:
// L1  Everything is copied here, before `commit` returns (S9).

import { invalidRequest, StarlingError } from '../../runtime/errors.ts';
import type { ActorAddress, Commit, DueMark, WakeMark } from '../../runtime/ports/store.ts';
import { encodeHead } from './head.ts';
import { valueBytesMax } from './limits.ts';
import {
  bucketOf,
  type Partition,
  Partitions,
  shardPartition,
  stripeOf,
  stripePartition,
} from './partition.ts';
import { Slab } from './slab.ts';
import type { Statements } from './statements.ts';
import type { Op } from './writer.ts';

/** What the server counts for a row beside its value and texts, rounded up. */
const opBytes = 64;

const none: readonly never[] = [];

const name = /^[a-z0-9-]{1,32}$/;

/** The two steps of a commit: marks are durable before the rest is sent (S4). */
export interface Steps {
  readonly marks: readonly Op[];
  readonly rest: readonly Op[];
}

export class Layout {
  readonly statements: Statements;
  readonly stripes: number;
  readonly #partitions = new Partitions();
  readonly #slab = new Slab();

  constructor(statements: Statements, stripes: number) {
    this.statements = statements;
    this.stripes = stripes;
  }

  /** The first four values that name an actor's place in a statement. */
  place(actor: ActorAddress, bucket: number): readonly [number, number, string, string] {
    return [stripeOf(actor, this.stripes), bucket, actor.kind, actor.key];
  }

  /**
   * Both steps of a commit. `wakeTs`: write time of the wake mark.
   * @throws StarlingError INVALID_REQUEST, PAYLOAD_TOO_LARGE
   */
  steps(commit: Commit, wakeTs: () => bigint): Steps {
    const { actor, mark, due = [] } = commit;
    checkActor(actor);
    if (mark === undefined && commit.due === undefined) return { marks: none, rest: this.#rest(commit) };
    const marks = due.map((one) => this.#due(one));
    if (mark !== undefined) marks.push(this.#wake(mark, wakeTs()));
    return { marks, rest: this.#rest(commit) };
  }

  /** Deletes the rows of a bucket below a position. */
  trim(actor: ActorAddress, bucket: number, below: number, ts: bigint): Op {
    const partition = stripePartition(stripeOf(actor, this.stripes), bucket);
    const params = [ts, ...this.place(actor, bucket), BigInt(below)];
    return { query: this.statements.trimRows, params, partition, bytes: opBytes };
  }

  dropDue({ shard, dueMs, kind, key }: DueMark, ts: bigint): Op {
    const params = [ts, shard, BigInt(dueMs), kind, key];
    return { query: this.statements.dropDue, params, partition: shardPartition(shard), bytes: opBytes };
  }

  dropWake(shard: number, epoch: number, ts: bigint): Op {
    const params = [ts, shard, epoch];
    return { query: this.statements.dropWake, params, partition: shardPartition(shard), bytes: opBytes };
  }

  #rest({ actor, head, rows = none, cells = none, notes = none }: Commit): Op[] {
    const stripe = stripeOf(actor, this.stripes);
    const first = this.#partitions.of(stripe, 0);
    const { kind, key } = actor;
    const nameBytes = opBytes + kind.length + key.length;
    const { writeHead, writeRow, writeCell, deleteCell, writeNote, deleteNote } = this.statements;
    const ops: Op[] = [];
    const add = (query: string, params: unknown[], partition: Partition, bytes: number): void => {
      if (bytes > valueBytesMax) throw new StarlingError('PAYLOAD_TOO_LARGE');
      ops.push({ query, params, partition, bytes: nameBytes + bytes });
    };
    if (head !== undefined) {
      const value = encodeHead(head);
      add(writeHead, [head.ts, value, stripe, 0, kind, key], first, value.length);
    }
    let own = { bucket: 0, partition: first };
    for (const { seq, ts, value } of rows) {
      const bucket = bucketOf(seq);
      if (bucket !== own.bucket) own = { bucket, partition: this.#partitions.of(stripe, bucket) };
      const params = [ts, this.#slab.copy(value), stripe, bucket, kind, key, BigInt(seq)];
      add(writeRow, params, own.partition, value.length);
    }
    for (const { table, key: cell, value, ts } of cells) {
      checkTable(table);
      checkKey('cell key', cell);
      const at = [stripe, 0, kind, key, table, cell];
      if (value === undefined) add(deleteCell, [ts, ...at], first, cell.length);
      else add(writeCell, [ts, this.#slab.copy(value), ...at], first, value.length + cell.length);
    }
    for (const { note, present, ts } of notes) {
      checkKey('note', note);
      add(present ? writeNote : deleteNote, [ts, stripe, 0, kind, key, note], first, note.length);
    }
    return ops;
  }

  #due({ shard, dueMs, kind, key, ts }: DueMark): Op {
    const params = [ts, shard, BigInt(dueMs), kind, key];
    return {
      query: this.statements.writeDue,
      params,
      partition: shardPartition(shard),
      bytes: opBytes + key.length,
    };
  }

  #wake({ shard, epoch, n, kind, key }: WakeMark, ts: bigint): Op {
    const params = [ts, shard, epoch, n, kind, key];
    return {
      query: this.statements.writeWake,
      params,
      partition: shardPartition(shard),
      bytes: opBytes + key.length,
    };
  }
}

/** @throws StarlingError INVALID_REQUEST */
export function checkActor({ kind, key }: ActorAddress): void {
  if (!name.test(kind)) throw invalidRequest('kind', 'must be 1 to 32 of a-z, 0-9 and dash');
  checkKey('key', key);
}

/** @throws StarlingError INVALID_REQUEST */
export function checkTable(table: string): void {
  if (!name.test(table)) throw invalidRequest('table', 'must be 1 to 32 of a-z, 0-9 and dash');
}

function checkKey(what: string, key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes < 1 || bytes > 256) throw invalidRequest(what, 'must be 1 to 256 bytes');
  // An unpaired surrogate has no bytes of its own: two such keys would be one.
  if (!key.isWellFormed()) throw invalidRequest(what, 'must be well-formed Unicode');
}
