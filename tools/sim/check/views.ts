// I12: after everything has drained every device shows what its user's timeline says, and a cursor that does not fit the
// timeline is answered with the order to rebuild.

import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ConversationService } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { FullSync_Reason, SyncService } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { Backend } from '../load/backend.ts';
import type { Workload } from '../load/workload.ts';
import type { World } from '../world/world.ts';

const PAGE = 200;

function summary({
  conversationId,
  lastSeq,
  readSeq,
  unreadCount,
  member,
  memberCount,
}: Conversation): string {
  return `${conversationId} last ${lastSeq} read ${readSeq} unread ${unreadCount} member ${member} of ${memberCount}`;
}

const textOf = (views: readonly Conversation[]): string => views.map(summary).sort().join('\n');

export async function checkViews(world: World, workload: Workload): Promise<void> {
  const backend = new Backend(world, 'checker');
  const { recorder, trace } = world;
  for (const user of workload.users) {
    const { conversations, cursor } = await backend.must(user, ConversationService.method.listConversations, {
      pageSize: PAGE,
    });
    const due = textOf(conversations);
    for (const device of workload.devices) {
      const { client } = device;
      if (device.userId !== user || client === undefined) continue;
      if (!device.connected) {
        recorder.fail('I12', `${device.place} is not connected, long after healing`);
        continue;
      }
      const shown = textOf(await client.conversations());
      trace.count('view compared');
      if (shown !== due) recorder.fail('I12', `${device.place} shows\n${shown}\nthe timeline says\n${due}`);
    }
    if (cursor === undefined || cursor.userSeq === 0n) continue;
    const wrong = [
      { ...cursor, check: cursor.check ^ 1n },
      { ...cursor, userSeq: cursor.userSeq + 1_000n },
    ];
    for (const forged of wrong) {
      const { fullSync } = await backend.must(user, SyncService.method.pull, { cursor: forged });
      trace.count('wrong cursor shown');
      if (fullSync?.reason !== FullSync_Reason.MISMATCH)
        recorder.fail('I12', `${user} may go on from ${forged.userSeq} with the check of another row`);
    }
  }
}
