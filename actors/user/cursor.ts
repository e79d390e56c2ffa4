// Device cursors (rule 16): a position counts only together with the incarnation of the timeline and 64 bits of the row.

import { create } from '@bufbuild/protobuf';
import { type Cursor, CursorSchema } from '../../proto/gen/starling/im/v1/cursor_pb.ts';
import { FullSync_Reason } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { ReadTurn } from '../../runtime/index.ts';
import { checkOfDelivery } from '../delivery.ts';
import { deliveryOf } from '../shared-row.ts';
import type { UserState } from './state.ts';

/** The position of a cursor, or why the device has to rebuild. */
export type CursorVerdict = { readonly userSeq: number } | { readonly fullSync: FullSync_Reason };

export async function judgeCursor(
  cursor: Cursor | undefined,
  state: UserState,
  turn: ReadTurn,
  gapMax: number,
): Promise<CursorVerdict> {
  if (cursor === undefined || cursor.timelineIncarnation === 0n)
    return { fullSync: FullSync_Reason.NO_CURSOR };
  if (cursor.timelineIncarnation !== state.incarnation) return { fullSync: FullSync_Reason.INCARNATION };
  const { tail, floor } = turn.timeline;
  if (cursor.userSeq > BigInt(tail)) return { fullSync: FullSync_Reason.MISMATCH };
  const userSeq = Number(cursor.userSeq);
  // Position 0 is before the first row, so there is no row to compare with.
  if (userSeq === 0 ? floor > 1 : userSeq < floor) return { fullSync: FullSync_Reason.TRIMMED };
  if (tail - userSeq > gapMax) return { fullSync: FullSync_Reason.TOO_FAR };
  if (userSeq === 0) return { userSeq };
  const [row] = await turn.timeline.read({ from: userSeq, to: userSeq, rowsMax: 1 });
  const check = row === undefined ? undefined : checkOfDelivery(deliveryOf(row.value));
  return check === cursor.check ? { userSeq } : { fullSync: FullSync_Reason.MISMATCH };
}

/** The cursor that stands at a position. */
export function cursorAt(incarnation: bigint, userSeq: number, check: bigint): Cursor {
  return create(CursorSchema, { timelineIncarnation: incarnation, userSeq: BigInt(userSeq), check });
}
