// The admin API, for operators: what the system knows of a user, a conversation, a node.

import { create, fromBinary } from '@bufbuild/protobuf';
import * as api from '../../proto/gen/starling/admin/v1/admin_pb.ts';
import { MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { UserSchema } from '../../proto/gen/starling/im/v1/user_pb.ts';
import { type ActorType, bindService, type ServiceBinding, StarlingError } from '../../runtime/index.ts';
import { groupKey, userKey } from '../ids.ts';
import { GroupActor, UserActor } from '../types.ts';
import { existingConversation, type Gateway, within } from './context.ts';
import { principalOf, requireActorKey, requireUserId } from './validate.ts';

const CONVERSATIONS_SHOWN = 100;
const MESSAGES_SHOWN = 20;

export function inspectService(gateway: Gateway): ServiceBinding {
  const { runtime, limits } = gateway;
  const place = (type: ActorType, key: string) => {
    const { shard, epoch } = runtime.place(type, key);
    return create(api.ActorPlaceSchema, { shard, epoch: BigInt(epoch), node: runtime.node });
  };
  return bindService(api.InspectService, ['admin'], {
    inspectUser: async ({ userId }, context) => {
      requireUserId('user_id', userId);
      const key = userKey(principalOf(context).tenant, userId);
      if (!(await runtime.exists(UserActor, key))) throw new StarlingError('USER_NOT_FOUND', userId);
      const user = runtime.client(UserActor, key);
      const described = await user.describe({ withDevices: true }, within(context));
      if (!described.known && described.headUserSeq === 0n) throw new StarlingError('USER_NOT_FOUND', userId);
      const { page, conversationCount } = await user.listConversations(
        { pageSize: CONVERSATIONS_SHOWN },
        within(context),
      );
      const response = create(api.InspectUserResponseSchema, {
        place: place(UserActor, key),
        timelineIncarnation: described.timelineIncarnation.toString(16).padStart(16, '0'),
        headUserSeq: described.headUserSeq,
        floorUserSeq: described.floorUserSeq,
        devices: described.devices,
        conversations: page?.conversations ?? [],
        conversationCount,
      });
      if (described.known) response.user = described.profile ?? create(UserSchema, { userId });
      return response;
    },
    inspectConversation: async ({ conversationId }, context) => {
      const { tenant } = principalOf(context);
      const group = await existingConversation(runtime, tenant, conversationId);
      const { info, lastSeq, deliveredSeq, members } = await group.inspect({}, within(context));
      if (info === undefined) throw new StarlingError('CONVERSATION_NOT_FOUND', conversationId);
      const range = { messagesMax: MESSAGES_SHOWN, bytesMax: limits.historyBytesMax, descending: true };
      const { messages } = await group.read(range, within(context));
      return create(api.InspectConversationResponseSchema, {
        info,
        place: place(GroupActor, groupKey(tenant, conversationId)),
        lastSeq,
        deliveredSeq,
        members: members.map((one) =>
          create(api.MemberProgressSchema, {
            ...(one.member === undefined ? {} : { member: one.member }),
            deliveredSeq: one.deliveredSeq,
          }),
        ),
        lastMessages: messages.reverse().map((bytes) => fromBinary(MessageSchema, bytes)),
      });
    },
    inspectActor: async ({ kind, key }) => {
      requireActorKey(key);
      const {
        servedBy = '',
        idleMs,
        oldestMs,
        shard,
        epoch,
        tail,
        floor,
        asOf,
        reminders,
        ...view
      } = await runtime.inspect(kind, key);
      return create(api.InspectActorResponseSchema, {
        ...view,
        place: create(api.ActorPlaceSchema, { shard, epoch: BigInt(epoch), node: runtime.node }),
        servedBy,
        idleMs: BigInt(Math.round(idleMs)),
        oldestMs: BigInt(Math.round(oldestMs)),
        tail: BigInt(tail),
        floor: BigInt(floor),
        asOf: BigInt(asOf),
        reminders: reminders.map(({ name, dueMs, everyMs, method }) =>
          create(api.ActorReminderSchema, { name, dueMs: BigInt(dueMs), everyMs: BigInt(everyMs), method }),
        ),
      });
    },
    inspectNode: () => {
      const { node, version, uptimeMs, streams, store } = gateway.nodeInfo();
      const { activations } = runtime.stats();
      return create(api.InspectNodeResponseSchema, {
        node,
        version,
        uptimeMs: BigInt(Math.round(uptimeMs)),
        streams,
        activations,
        store,
      });
    },
  });
}
