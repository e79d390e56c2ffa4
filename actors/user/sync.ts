// How devices catch up: pages of the timeline after a cursor, and waiting for news.

import { create } from '@bufbuild/protobuf';
import * as rpc from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { FullSync_Reason, FullSyncSchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { type Later, type ReadTurn, StarlingError, type Turn } from '../../runtime/index.ts';
import { checkOfDelivery, userSeqField } from '../delivery.ts';
import { deliveryOf } from '../shared-row.ts';
import { cursorAt, judgeCursor } from './cursor.ts';
import type { UserState } from './state.ts';

/** A page of deliveries after a cursor, or the order to rebuild. */
export async function pull(
  state: UserState,
  request: rpc.UserPullRequest,
  turn: ReadTurn,
  gapMax: number,
): Promise<rpc.UserPullResponse> {
  const head = turn.timeline.tail;
  const verdict = await judgeCursor(request.cursor, state, turn, gapMax);
  const response = create(rpc.UserPullResponseSchema, { headUserSeq: BigInt(head) });
  if ('fullSync' in verdict) {
    response.fullSync = create(FullSyncSchema, { reason: verdict.fullSync });
    return response;
  }
  const { deliveriesMax, bytesMax } = request;
  const from = verdict.userSeq + 1;
  const rows = await turn.timeline.read({ from, rowsMax: deliveriesMax, bytesMax });
  // Trimmed since the cursor was judged: never a gap without a word.
  if (rows[0] !== undefined && rows[0].seq !== from) {
    response.fullSync = create(FullSyncSchema, { reason: FullSync_Reason.TRIMMED });
    return response;
  }
  let last: Uint8Array | undefined;
  for (const { seq, value } of rows) {
    last = deliveryOf(value);
    response.deliveries.push(Buffer.concat([userSeqField(seq), last]));
  }
  const next = rows.at(-1)?.seq;
  if (next !== undefined && last !== undefined) {
    response.nextCursor = cursorAt(state.incarnation, next, checkOfDelivery(last));
    response.headUserSeq = BigInt(Math.max(head, next));
  } else if (request.cursor !== undefined) response.nextCursor = request.cursor;
  return response;
}

/** Long polls that wait for the timeline to grow. */
export class News {
  readonly #waitersMax: number;
  readonly #waiters = new Set<(head: number) => void>();

  constructor(waitersMax: number) {
    this.#waitersMax = waitersMax;
  }

  /**
   * Answers at once if the timeline is longer already, else when it grows or the time is up.
   * @throws StarlingError OVERLOADED
   */
  wait(request: rpc.AwaitNewsRequest, turn: Turn): rpc.AwaitNewsResponse | Later<rpc.AwaitNewsResponse> {
    const head = turn.timeline.tail;
    if (BigInt(head) > request.userSeq) return answer(head);
    if (this.#waiters.size >= this.#waitersMax) throw new StarlingError('OVERLOADED', 'Too many long polls.');
    const later = turn.defer<rpc.AwaitNewsResponse>();
    const wake = (userSeq: number): void => {
      cancel();
      this.#waiters.delete(wake);
      later.resolve(answer(userSeq));
    };
    const cancel = turn.after(request.waitMs, (timed) => wake(timed.timeline.tail));
    this.#waiters.add(wake);
    // Whoever has left makes room for the next poll.
    turn.signal?.addEventListener('abort', () => wake(head), { once: true });
    return later;
  }

  /** The timeline has grown to `userSeq`. */
  come(userSeq: number): void {
    for (const wake of [...this.#waiters]) wake(userSeq);
  }
}

function answer(userSeq: number): rpc.AwaitNewsResponse {
  return create(rpc.AwaitNewsResponseSchema, { headUserSeq: BigInt(userSeq) });
}
