// Where things lie. Owns: which partition of the server holds what of an actor. Does not own: the statements.
//
// Actors share partitions: a stripe is a fixed share of all actors, and one partition holds one bucket of all its actors,
// in order of (kind, key, seq). With `commitlog_sync: group` the server pays for a mutation, not for its rows, and one
// partition of one batch is one mutation: rows of many actors of a stripe cost little more than one.
//
// Invariants:
// P1  The stripe comes from kind and key alone, never from the shard: an actor that is placed differently still finds its
//     head, and the mismatch is noticed (rule 12 of the safety protocol).
// P2  The number of stripes never changes in the life of a keyspace: it is written there and read at open.

import type { ActorAddress } from '../../runtime/ports/store.ts';
import { bucketRows, knownPartitionsMax } from './limits.ts';

/** One partition of the server, as it is named in statements and in routing. */
export interface Partition {
  /** Unlike for unlike partitions. */
  readonly id: string;
  /** The partition key as the server hashes it. */
  readonly routingKey: Buffer;
}

/** FNV-1a over UTF-16 units, low byte and high byte. The result is written into places of data: it never changes. */
export function stripeOf({ kind, key }: ActorAddress, stripes: number): number {
  let hash = 0x811c9dc5;
  for (const text of [kind, '\0', key]) {
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
      hash = Math.imul(hash ^ (unit >> 8), 0x01000193);
    }
  }
  // FNV mixes the low bits of short texts badly.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) % stripes;
}

/** The bucket in which a row lies. */
export function bucketOf(seq: number): number {
  return Math.floor(seq / bucketRows);
}

/** The partition of a bucket of a stripe; heads, cells and notes lie in bucket 0. */
export function stripePartition(stripe: number, bucket: number): Partition {
  // A key of two columns: length, bytes and a zero each.
  const routingKey = Buffer.alloc(14);
  routingKey.writeUInt16BE(4, 0);
  routingKey.writeInt32BE(stripe, 2);
  routingKey.writeUInt16BE(4, 7);
  routingKey.writeInt32BE(bucket, 9);
  return { id: `${stripe}/${bucket}`, routingKey };
}

/** Partitions of stripes, kept at hand: each row names one. */
export class Partitions {
  readonly #known = new Map<number, Partition>();

  of(stripe: number, bucket: number): Partition {
    const id = bucket * 65_536 + stripe;
    let found = this.#known.get(id);
    if (found === undefined) {
      if (this.#known.size >= knownPartitionsMax) this.#known.clear();
      found = stripePartition(stripe, bucket);
      this.#known.set(id, found);
    }
    return found;
  }
}

/** The partition of the wake marks, or of the due marks, of a shard: the two tables share their keys. */
export function shardPartition(shard: number): Partition {
  const routingKey = Buffer.alloc(4);
  routingKey.writeInt32BE(shard, 0);
  return { id: `s${shard}`, routingKey };
}
