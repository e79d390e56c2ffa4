// The kinds of the product, as callers need them. Ranks: connection < user < group; a turn awaits higher ranks only.

import { ConnectionActor as ConnectionContract } from '../proto/gen/starling/actor/v1/connection_pb.ts';
import { GroupActor as GroupContract } from '../proto/gen/starling/actor/v1/group_pb.ts';
import { UserActor as UserContract } from '../proto/gen/starling/actor/v1/user_pb.ts';
import { actorType } from '../runtime/index.ts';
import { directPlacement } from './ids.ts';

/** Key `tenant/user_id/device_id`. Lives where its user lives. */
export const ConnectionActor = actorType({
  kind: 'connection',
  contract: ConnectionContract,
  rank: 10,
  placementKey: (key) => key.slice(0, key.lastIndexOf('/')),
});

/** Key `tenant/user_id`. */
export const UserActor = actorType({ kind: 'user', contract: UserContract, rank: 20 });

/** Key `tenant/conversation_id`. A direct one lives where one of its two users lives. */
export const GroupActor = actorType({
  kind: 'group',
  contract: GroupContract,
  rank: 30,
  placementKey: directPlacement,
});
