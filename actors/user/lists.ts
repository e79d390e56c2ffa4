// Reads of a user's own conversations, with the last entry of each.

import { create, fromBinary } from '@bufbuild/protobuf';
import {
  type UserListConversationsResponse,
  UserListConversationsResponseSchema,
} from '../../proto/gen/starling/actor/v1/user_pb.ts';
import {
  type Conversation,
  ListConversationsResponseSchema,
} from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { DeliverySchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { invalidRequest, type ReadTurn } from '../../runtime/index.ts';
import { checkOfDelivery } from '../delivery.ts';
import { deliveryOf } from '../shared-row.ts';
import { cursorAt } from './cursor.ts';
import type { UserState } from './state.ts';
import { type Summary, viewOf } from './summary.ts';

/** The view of one conversation with its last entry, as long as the timeline keeps that. */
export async function viewWithMessage(summary: Summary, turn: ReadTurn): Promise<Conversation> {
  const seq = summary.lastUserSeq;
  const [row] = seq === 0 ? [] : await turn.timeline.read({ from: seq, to: seq, rowsMax: 1 });
  if (row === undefined) return viewOf(summary);
  const { entry } = fromBinary(DeliverySchema, deliveryOf(row.value));
  return entry.case === 'message' ? viewOf(summary, entry.value) : viewOf(summary);
}

/** A page of conversations; the first one pins the timeline's position, before anything is read. */
export async function listConversations(
  state: UserState,
  pageSize: number,
  pageToken: string,
  turn: ReadTurn,
): Promise<UserListConversationsResponse> {
  const { tail } = turn.timeline;
  const outcomes = pageToken === '' ? state.outbox.outcomes() : [];
  const sorted = state.sorted();
  const start = pageToken === '' ? 0 : startOf(sorted, pageToken);
  const page = sorted.slice(start, start + pageSize);
  const last = page.at(-1);
  const nextPageToken = last !== undefined && start + pageSize < sorted.length ? tokenOf(last) : '';
  const conversations = await Promise.all(page.map((summary) => viewWithMessage(summary, turn)));
  const response = create(ListConversationsResponseSchema, {
    conversations,
    nextPageToken,
    totalUnreadCount: BigInt(state.totalUnread()),
  });
  if (pageToken === '') {
    const [row] = tail === 0 ? [] : await turn.timeline.read({ from: tail, to: tail, rowsMax: 1 });
    response.cursor = cursorAt(
      state.incarnation,
      tail,
      row === undefined ? 0n : checkOfDelivery(deliveryOf(row.value)),
    );
    response.outcomes = outcomes;
  }
  return create(UserListConversationsResponseSchema, { page: response, conversationCount: sorted.length });
}

/** Where the page before ended, as a place in the order: still good when conversations have moved meanwhile. */
function tokenOf(summary: Summary): string {
  const place = [summary.settings.pinned ? 1 : 0, summary.lastTimeMs, summary.conversationId];
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function startOf(sorted: readonly Summary[], pageToken: string): number {
  const [pinned, timeMs, id] = parseToken(pageToken);
  const index = sorted.findIndex((summary) => {
    const ownPinned = summary.settings.pinned ? 1 : 0;
    if (ownPinned !== pinned) return ownPinned < pinned;
    if (summary.lastTimeMs !== timeMs) return summary.lastTimeMs < timeMs;
    return summary.conversationId > id;
  });
  return index === -1 ? sorted.length : index;
}

function parseToken(pageToken: string): [number, number, string] {
  try {
    const place: unknown = JSON.parse(Buffer.from(pageToken, 'base64url').toString());
    if (Array.isArray(place) && place.length === 3) {
      const [pinned, timeMs, id] = place as unknown[];
      if (typeof pinned === 'number' && typeof timeMs === 'number' && typeof id === 'string')
        return [pinned, timeMs, id];
    }
  } catch {
    // Falls through to the refusal below: the reason does not help the caller.
  }
  throw invalidRequest('page_token', 'the next_page_token of an earlier answer');
}
