// One send of a user on its way, and what its queue needs from the user's actor.

import type { UserSendRequest, UserSendResponse } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { SendOutcome } from '../../proto/gen/starling/im/v1/send_pb.ts';
import type { Later, StarlingError, Turn } from '../../runtime/index.ts';
import { groupKey, userKey } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { GroupActor, UserActor } from '../types.ts';
import type { Outbox } from './outbox.ts';
import { notThere } from './send-answers.ts';

/** One send. */
export interface Waiting {
  readonly request: UserSendRequest;
  /** Only to be looked for. */
  readonly repeatOnly: boolean;
  readonly bytes: number;
  /** Monotonic milliseconds: accepted into the outbox if there is no answer by then. */
  readonly dueMs: number;
  /** Undefined once answered. */
  later: Later<UserSendResponse> | undefined;
  /** When it was accepted, milliseconds since 1970-01-01 UTC; undefined: it is not in the outbox. */
  acceptedAtMs: number | undefined;
  /** It was posted, and whether that was done is not known. */
  uncertain: boolean;
}

export interface SendQueueHost {
  readonly tenant: string;
  readonly userId: string;
  readonly limits: ImLimits;
  readonly outbox: Outbox;
  /** The user has the conversation already, so its peer need not be looked up. */
  readonly hasConversation: (conversationId: string) => boolean;
  /** Appends the row of an outcome; returns its time, milliseconds since 1970-01-01 UTC. */
  readonly note: (outcome: SendOutcome, turn: Turn) => number;
  /** Answers with an error. */
  readonly fail: (waiting: Waiting, error: StarlingError) => void;
  /** Nothing is left. */
  readonly emptied: (conversationId: string) => void;
}

/** Has no answer, and is to be written. */
export function isOpen({ later, repeatOnly }: Waiting): boolean {
  return later !== undefined && !repeatOnly;
}

/** Is still to be posted. */
export function isAlive({ later, acceptedAtMs }: Waiting): boolean {
  return later !== undefined || acceptedAtMs !== undefined;
}

/**
 * Goes on with `found` if the conversation of a send is there. Opening an actor writes, so a name that somebody made up is
 * looked up first.
 */
export function lookUp(
  { tenant }: SendQueueHost,
  request: UserSendRequest,
  turn: Turn,
  found: (turn: Turn) => void,
  failed: (error: StarlingError, turn: Turn) => void,
): void {
  const { conversationId, directUserId } = request;
  const peer = userKey(tenant, directUserId);
  const exists =
    directUserId === ''
      ? turn.exists(GroupActor, groupKey(tenant, conversationId))
      : turn.exists(UserActor, peer);
  turn.when(exists, (outcome, later) => {
    if (!outcome.ok) failed(outcome.error, later);
    else if (!outcome.value) failed(notThere(request), later);
    else if (directUserId === '') found(later);
    else
      later.ask(UserActor, peer, { passing: true }).describe({}, (described, next) => {
        if (!described.ok) failed(described.error, next);
        else if (described.value.known) found(next);
        else failed(notThere(request), next);
      });
  });
}
