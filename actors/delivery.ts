// The bytes of a Delivery. A row keeps them without the position, so that the same bytes serve every receiver and every
// device: what is sent is the position followed by them, which is how protobuf joins two parts of a message.

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { varintLength, writeVarint } from './varint.ts';

const USER_SEQ = 1;
const CHECK = 2;
const MESSAGE = 3;
const CONVERSATION_CHANGE = 4;
const TIME_MS = 5;
const SEND_OUTCOME = 6;

function delivery(check: bigint, timeMs: bigint, field: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  writer.tag(CHECK, WireType.Bit64).fixed64(check);
  writer.tag(TIME_MS, WireType.Varint).int64(timeMs);
  writer.tag(field, WireType.LengthDelimited).bytes(body);
  return writer.finish();
}

/** A Delivery of an encoded Message, without user_seq. */
export function messageDelivery(check: bigint, timeMs: bigint, message: Uint8Array): Uint8Array {
  return delivery(check, timeMs, MESSAGE, message);
}

/** A Delivery of an encoded ConversationChange, without user_seq. */
export function changeDelivery(check: bigint, timeMs: bigint, change: Uint8Array): Uint8Array {
  return delivery(check, timeMs, CONVERSATION_CHANGE, change);
}

/** A Delivery of an encoded SendOutcome, without user_seq. */
export function outcomeDelivery(check: bigint, timeMs: bigint, outcome: Uint8Array): Uint8Array {
  return delivery(check, timeMs, SEND_OUTCOME, outcome);
}

/** The `check` of a Delivery made here: it stands first, so that it is read without decoding the rest. */
export function checkOfDelivery(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1, true);
}

/** The same Delivery with another time. */
export function withTime(bytes: Uint8Array, timeMs: bigint): Uint8Array {
  // A later occurrence of a field that is not repeated replaces an earlier one.
  const writer = new BinaryWriter();
  writer.raw(bytes).tag(TIME_MS, WireType.Varint).int64(timeMs);
  return writer.finish();
}

/** The position, to be put before the bytes of a Delivery. */
export function userSeqField(userSeq: number): Uint8Array {
  const bytes = new Uint8Array(1 + varintLength(userSeq));
  bytes[0] = (USER_SEQ << 3) | WireType.Varint;
  writeVarint(bytes, 1, userSeq);
  return bytes;
}
