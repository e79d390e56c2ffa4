// A row of a user's timeline, in memory and as bytes. Most rows are the same for all who receive an entry, so that part is
// encoded once by the conversation (shared-row.ts) and a receiver adds what is its own.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type SummaryChange, UserRecordSchema } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { Conversation } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { SendOutcome } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { DeliverySchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { RecordCodec } from '../../runtime/index.ts';
import { varintLength, writeVarint } from '../varint.ts';

/** One row. */
export interface UserRow {
  /** The encoded UserRecord but for `joinSeq`, `own` and `summaryChange`. */
  readonly shared: Uint8Array;
  /** Empty for a change of the user's own view. */
  readonly conversationId: string;
  readonly conversationSeq: number;
  readonly joinSeq: number;
  readonly contentCount: number;
  readonly own: boolean;
  readonly summaryChange: SummaryChange | undefined;
  readonly changed: Conversation | undefined;
  /** Set for what became of a send that was accepted. */
  readonly outcome?: SendOutcome;
  readonly timeMs: number;
}

const JOIN_SEQ_TAG = (UserRecordSchema.field.joinSeq.number << 3) | 0;
const OWN_TAG = (UserRecordSchema.field.own.number << 3) | 0;

export const userCodec: RecordCodec<UserRow> = {
  encode: ({ shared, joinSeq, own, summaryChange }) => {
    const change =
      summaryChange === undefined
        ? undefined
        : toBinary(UserRecordSchema, create(UserRecordSchema, { summaryChange }));
    const joinLength = joinSeq === 0 ? 0 : 1 + varintLength(joinSeq);
    const bytes = new Uint8Array(shared.length + joinLength + (own ? 2 : 0) + (change?.length ?? 0));
    bytes.set(shared);
    let at = shared.length;
    if (joinSeq > 0) {
      bytes[at] = JOIN_SEQ_TAG;
      at = writeVarint(bytes, at + 1, joinSeq);
    }
    if (own) {
      bytes[at++] = OWN_TAG;
      bytes[at++] = 1;
    }
    if (change !== undefined) bytes.set(change, at);
    return bytes;
  },
  decode: (value) => {
    const record = fromBinary(UserRecordSchema, value);
    const outcome = record.sendOutcome ? outcomeOf(record.delivery) : undefined;
    return {
      shared: value,
      conversationId: record.conversationId,
      conversationSeq: Number(record.conversationSeq),
      joinSeq: Number(record.joinSeq),
      contentCount: Number(record.contentCount),
      own: record.own,
      summaryChange: record.summaryChange,
      changed: record.changed,
      timeMs: Number(record.timeMs),
      ...(outcome === undefined ? {} : { outcome }),
    };
  },
};

function outcomeOf(delivery: Uint8Array): SendOutcome | undefined {
  const { entry } = fromBinary(DeliverySchema, delivery);
  return entry.case === 'sendOutcome' ? entry.value : undefined;
}
