// The actor of one user. Owns the timeline (user_seq, the inbox ring), the summaries of conversations, the devices, and
// the order of sends. Does not own: conversations' logs (group), streams (connection).
//
// Invariants: user_seq contiguous, each conversation row once and in order per membership (I7); O1 … O3 (send-order.ts);
// Q1 … Q4 (send-queue.ts); Q5, Q6 (sending.ts); B1 … B3 (outbox.ts); C1 … C3 (catch-up.ts); a cursor counts only with its
// incarnation and row (I12, cursor.ts).

import { type ActorDefinition, defineCustomActor } from '../../runtime/index.ts';
import type { ImLimits } from '../limits.ts';
import { UserActor } from '../types.ts';
import { userCodec } from './record.ts';
import { User } from './user.ts';

/** Defines the kind `user`. */
export function userDefinition(limits: ImLimits): ActorDefinition {
  return defineCustomActor(UserActor, { record: userCodec, create: (self) => new User(self, limits) });
}
