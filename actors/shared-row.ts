// The part of a user's timeline row that is the same for all who receive an entry. The conversation encodes it once;
// each receiver adds what is its own (user/record.ts). It is an encoded UserRecord that lacks those fields, and a row
// is one that has them: protobuf joins two parts of a message by putting one behind the other.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { UserRecordSchema } from '../proto/gen/starling/actor/v1/user_pb.ts';
import type { Conversation } from '../proto/gen/starling/im/v1/conversation_pb.ts';

export interface SharedRow {
  /** Encoded Delivery without user_seq. */
  readonly delivery: Uint8Array;
  readonly conversationId?: string;
  readonly conversationSeq?: bigint;
  readonly contentCount?: bigint;
  readonly changed?: Conversation;
  readonly sendOutcome?: boolean;
  readonly timeMs: bigint;
}

export function sharedRow(fields: SharedRow): Uint8Array {
  return toBinary(UserRecordSchema, create(UserRecordSchema, fields));
}

const DELIVERY_TAG = (UserRecordSchema.field.delivery.number << 3) | 2;

/**
 * The Delivery inside a row or a shared part, without decoding the rest: our encoder writes fields in the order of their
 * numbers, so it stands first. What was written otherwise is decoded in full.
 */
export function deliveryOf(row: Uint8Array): Uint8Array {
  if (row[0] !== DELIVERY_TAG) return fromBinary(UserRecordSchema, row).delivery;
  let length = 0;
  let scale = 1;
  let at = 1;
  for (;;) {
    const byte = row[at++] ?? 0;
    length += (byte & 127) * scale;
    if (byte < 128) break;
    scale *= 128;
  }
  return row.subarray(at, at + length);
}
