// The actor of one conversation, direct (a group of two) or group. Owns its log, its members, the recognition of repeats
// and the delivery to members. Does not own: members' timelines (user), what a client may ask for (gateway).
//
// Invariants: D1 … D5 (deliveries.ts); A1, A2 (absent.ts); one row per (sender, client_message_id) (I6); contiguous conversation_seq (I2);
// time never runs backwards in a log.

import { type ActorDefinition, defineCustomActor } from '../../runtime/index.ts';
import type { ImLimits } from '../limits.ts';
import { GroupActor } from '../types.ts';
import { Group } from './group.ts';
import { logCodec } from './record.ts';

/** Defines the kind `group`. */
export function groupDefinition(limits: ImLimits): ActorDefinition {
  return defineCustomActor(GroupActor, { record: logCodec, create: (self) => new Group(self, limits) });
}
