// A row of a user's timeline, in memory and as bytes.

import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type UserRecord, UserRecordSchema } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { RecordCodec } from '../../runtime/index.ts';

export const userCodec: RecordCodec<UserRecord> = {
  encode: (record) => toBinary(UserRecordSchema, record),
  decode: (value) => fromBinary(UserRecordSchema, value),
};

/**
 * The Delivery inside an encoded record, without decoding the rest: it is field 1 and our encoder writes fields in order,
 * so it stands first. A row written otherwise is decoded in full.
 */
export function deliveryOf(value: Uint8Array): Uint8Array {
  if (value[0] !== ((1 << 3) | 2)) return userCodec.decode(value).delivery;
  let length = 0;
  let scale = 1;
  let at = 1;
  for (;;) {
    const byte = value[at++] ?? 0;
    length += (byte & 127) * scale;
    if (byte < 128) break;
    scale *= 128;
  }
  return value.subarray(at, at + length);
}
