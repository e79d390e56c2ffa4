// Frames of a client's stream as bytes. Deliveries are put together from pieces, so that the bytes of a message are
// encoded once for all who receive it.

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { PushEntry } from '../../proto/gen/starling/actor/v1/connection_pb.ts';
import { OpenResponseSchema } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { userSeqField } from '../delivery.ts';
import { varintLength, writeVarint } from '../varint.ts';

/** Field 2 of OpenResponse: `deliveries`; field 1 of Deliveries: `deliveries`. Both length-delimited. */
const FRAME_DELIVERIES = (2 << 3) | 2;
const DELIVERIES_DELIVERY = (1 << 3) | 2;

type Frame = NonNullable<MessageInitShape<typeof OpenResponseSchema>['frame']>;

/** A frame other than deliveries. */
export function encodeFrame(frame: Frame): Uint8Array {
  return toBinary(OpenResponseSchema, create(OpenResponseSchema, { frame }));
}

/** The pieces of one Deliveries frame. */
export function deliveriesFrame(entries: readonly PushEntry[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (const { userSeq, delivery } of entries) {
    const seqField = userSeqField(Number(userSeq));
    const length = seqField.length + delivery.length;
    const head = new Uint8Array(1 + varintLength(length) + seqField.length);
    head[0] = DELIVERIES_DELIVERY;
    head.set(seqField, writeVarint(head, 1, length));
    pieces.push(head, delivery);
    total += head.length + delivery.length;
  }
  const opening = new Uint8Array(1 + varintLength(total));
  opening[0] = FRAME_DELIVERIES;
  writeVarint(opening, 1, total);
  pieces.unshift(opening);
  return pieces;
}
