// What clients are shown, taken from answers and frames as they arrive.

import type { Message as AnyMessage } from '@bufbuild/protobuf';
import type { Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type {
  ListMessagesResponse,
  SendMessageRequest,
  SendMessageResponse,
} from '../../../proto/gen/starling/im/v1/send_pb.ts';
import type { OpenResponse } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import type { Delivery, FullSync, PullResponse } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { FullSync_Reason } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { sayingOfMessage } from '../check/rows.ts';
import type { World } from '../world/world.ts';

function message(world: World, place: string, shown: Message): void {
  const { conversationId, conversationSeq } = shown;
  world.recorder.shown(
    place,
    `group/main/${conversationId}`,
    Number(conversationSeq),
    sayingOfMessage(shown),
  );
}

function delivery(world: World, place: string, who: string, { userSeq, check, entry }: Delivery): void {
  world.recorder.shown(place, `user/main/${who}`, Number(userSeq), check.toString(16));
  if (entry.case === 'message') message(world, place, entry.value);
}

function reasonOf(reason: number): string {
  return Object.entries(FullSync_Reason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}

function fullSync(world: World, place: string, { reason }: FullSync): void {
  world.trace.count('full sync');
  world.trace.note(place, `is to rebuild: ${reasonOf(reason)}`);
}

/** Takes note of the answer to a unary call. */
export function watchAnswer(
  world: World,
  place: string,
  who: string,
  request: AnyMessage,
  answer: AnyMessage,
  beganAt: number,
): void {
  switch (answer.$typeName) {
    case 'starling.im.v1.SendMessageResponse':
      world.sends.answered(place, who, request as SendMessageRequest, answer as SendMessageResponse, beganAt);
      break;
    case 'starling.im.v1.ListMessagesResponse':
      for (const one of (answer as ListMessagesResponse).messages) message(world, place, one);
      break;
    case 'starling.im.v1.PullResponse': {
      const pulled = answer as PullResponse;
      for (const one of pulled.deliveries) delivery(world, place, who, one);
      if (pulled.fullSync !== undefined) fullSync(world, place, pulled.fullSync);
      break;
    }
    default:
      break;
  }
}

/** Takes note of a frame of a stream. */
export function watchFrame(world: World, place: string, who: string, { frame }: OpenResponse): void {
  if (frame.case === 'deliveries') for (const one of frame.value.deliveries) delivery(world, place, who, one);
  if (frame.case === 'fullSync') fullSync(world, place, frame.value);
  if (frame.case === 'notify') world.trace.count('device notified');
  if (frame.case === 'rotate') world.trace.count('stream rotated');
}
