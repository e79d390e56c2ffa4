// Between the messages of the wire and the inputs of the state machines.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Cursor, CursorSchema } from '../../proto/gen/starling/im/v1/cursor_pb.ts';
import { Kicked_Reason } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { type FullSync, FullSync_Reason } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { KickReason } from './core/connection-io.ts';
import type { Position, RebuildReason } from './core/timeline-io.ts';

export function toCursor(position: Position): Cursor {
  return create(CursorSchema, {
    timelineIncarnation: position.incarnation,
    userSeq: position.seq,
    check: position.check,
  });
}

export function fromCursor(cursor: Cursor): Position {
  return { incarnation: cursor.timelineIncarnation, seq: cursor.userSeq, check: cursor.check };
}

/** A cursor as the local store keeps it. */
export function encodePosition(position: Position): Uint8Array {
  return toBinary(CursorSchema, toCursor(position));
}

/** Undefined also for bytes that are no cursor: then the view is rebuilt. */
export function decodePosition(bytes: Uint8Array | undefined): Position | undefined {
  if (bytes === undefined) return undefined;
  try {
    return fromCursor(fromBinary(CursorSchema, bytes));
  } catch {
    return undefined;
  }
}

export function rebuildReason(fullSync: FullSync): RebuildReason {
  switch (fullSync.reason) {
    case FullSync_Reason.NO_CURSOR:
      return 'NO_CURSOR';
    case FullSync_Reason.TRIMMED:
      return 'TRIMMED';
    case FullSync_Reason.TOO_FAR:
      return 'TOO_FAR';
    case FullSync_Reason.INCARNATION:
      return 'INCARNATION';
    case FullSync_Reason.MISMATCH:
      return 'MISMATCH';
    default:
      return 'UNSPECIFIED';
  }
}

/** A reason of a newer server ends the stream for good too: reconnecting against its will is the worse mistake. */
export function kickReason(reason: number): KickReason {
  if (reason === Kicked_Reason.REPLACED) return 'replaced';
  return reason === Kicked_Reason.TOKEN_EXPIRED ? 'token_expired' : 'signed_out';
}
