// `user show`, `conversation show`, `actor show`.

import type { Command } from 'commander';
import {
  InspectActorResponseSchema,
  InspectConversationResponseSchema,
  InspectService,
  InspectUserResponseSchema,
} from '../../../proto/gen/starling/admin/v1/admin_pb.ts';
import { actorView } from '../actor-view.ts';
import type { Io } from '../io.ts';
import { parseConversationId, parseUserId } from '../parse.ts';
import { messageJson, print, type ServerFlags, withTarget } from '../shared.ts';
import { connect } from '../target.ts';
import { conversationView, userView } from '../views.ts';

const { inspectActor, inspectConversation, inspectUser } = InspectService.method;

/** Adds the commands. */
export function addShowCommands(program: Command, io: Io): void {
  const user = program.command('user').description('people');
  withTarget(user.command('show').description('show a user: devices, timeline, conversations'))
    .argument('<id>', 'user id', parseUserId)
    .action(async (userId: string, flags: ServerFlags) => {
      const client = await connect(flags, io);
      const answer = await client.call(inspectUser, { userId });
      print(io, flags, {
        text: () => userView(userId, answer, { now: io.now(), self: io.self }),
        json: () => messageJson(InspectUserResponseSchema, answer),
      });
    });

  const conversation = program.command('conversation').description('groups and direct conversations');
  withTarget(
    conversation.command('show').description('show a conversation: members, progress, last messages'),
  )
    .argument('<id>', 'conversation id', parseConversationId)
    .action(async (conversationId: string, flags: ServerFlags) => {
      const client = await connect(flags, io);
      const answer = await client.call(inspectConversation, { conversationId });
      print(io, flags, {
        text: () => conversationView(conversationId, answer, { now: io.now(), self: io.self }),
        json: () => messageJson(InspectConversationResponseSchema, answer),
      });
    });

  const actor = program.command('actor').description('actors of any kind');
  withTarget(actor.command('show').description('show an actor: place, activation, mailbox, log, reminders'))
    .argument('<kind>', 'its kind, e.g. user')
    .argument('<key>', 'its key, e.g. main/alice')
    .action(async (kind: string, key: string, flags: ServerFlags) => {
      const client = await connect(flags, io);
      const answer = await client.call(inspectActor, { kind, key });
      print(io, flags, {
        text: () => actorView({ kind, key }, answer, { now: io.now(), self: io.self }),
        json: () => messageJson(InspectActorResponseSchema, answer),
      });
    });
}
