// A device that comes back to 10,000 messages missed. The first figure is the return of a user that was absent while they
// were sent, with all the work that the absence put off; the warm one is another device of the same user, from the same
// position.

import { fromBinary } from '@bufbuild/protobuf';
import { ConversationService } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Cursor } from '../../../proto/gen/starling/im/v1/cursor_pb.ts';
import { PullResponseSchema, SyncService } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { ConversationService as Backend } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { Caller } from '../api.ts';
import { emptyTally, tallyPullResponse } from '../frames.ts';
import type { NodeProcess } from '../node-process.ts';
import { UnaryPool } from '../wire.ts';
import {
  type Arm,
  type ArmOptions,
  type Bench,
  inParallel,
  issueTokens,
  type Measured,
  names,
  quantile,
  withNode,
} from './arm.ts';

const MISSED = 10_000;
const BATCH = 500;
const RECEIVERS = 5;
const GROUP = 'sync';

/** The arm. */
export function syncArm(): Arm {
  return {
    name: 'sync',
    prefixes: ['sync.'],
    run: (options) => withNode(options, (bench) => run(bench, options)),
  };
}

async function run({ node, backend }: Bench, { quick }: ArmOptions): Promise<Measured[]> {
  const missed = quick ? 2_000 : MISSED;
  const ids = names('absent', RECEIVERS);
  const tokens = await issueTokens(backend, ['writer', ...ids]);
  await backend.until(Backend.method.createGroup, {
    conversationId: GROUP,
    name: 'Sync',
    ownerUserId: 'writer',
    memberUserIds: ids,
  });
  const pool = new UnaryPool(node.endpoint, 8);
  try {
    const callers = tokens.slice(1).map((token) => new Caller(node.endpoint, token, pool));
    const cursors = await inParallel(callers, 8, positionOf);
    // After a restart nobody is in memory, as with people who have been away; the second one takes away what the writing
    // left there.
    await restart(node);
    for (let from = 0; from < missed; from += BATCH) await writeBatch(backend, from);
    await restart(node);
    const cold: number[] = [];
    const warm: number[] = [];
    for (const [at, caller] of callers.entries()) {
      const cursor = cursors[at];
      if (cursor === undefined) throw new Error('a position is missing');
      cold.push(await pullAll(caller, cursor, missed));
      warm.push(await pullAll(caller, cursor, missed));
    }
    return [
      {
        name: 'sync.pull.messages_per_s',
        value: missed / quantile(Float64Array.from(cold), 0.5),
        unit: '1/s',
      },
      {
        name: 'sync.pull.warm.messages_per_s',
        value: missed / quantile(Float64Array.from(warm), 0.5),
        unit: '1/s',
      },
    ];
  } finally {
    pool.close();
  }
}

async function restart(node: NodeProcess): Promise<void> {
  await node.stop();
  await node.start();
}

// The position behind the entry that made the group.
async function positionOf(caller: Caller): Promise<Cursor> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const { cursor } = await caller.until(ConversationService.method.listConversations, { pageSize: 1 });
    if (cursor !== undefined && cursor.userSeq >= 1n) return cursor;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the group did not reach a member');
}

async function writeBatch(backend: Caller, from: number): Promise<void> {
  const messages = Array.from({ length: BATCH }, (_, n) => ({
    senderUserId: 'writer',
    clientMessageId: `m${from + n}`,
    content: { body: { case: 'text' as const, value: { text: 'x'.repeat(200) } } },
  }));
  const target = { case: 'conversationId' as const, value: GROUP };
  const { results } = await backend.until(Backend.method.sendMessages, { target, messages });
  if (results.length !== BATCH) throw new Error(`${results.length} messages were taken`);
}

// Pulls from a position to the end; returns the seconds it took.
async function pullAll(caller: Caller, from: Cursor, missed: number): Promise<number> {
  const tally = emptyTally();
  tally.userSeq = Number(from.userSeq);
  const startedAt = performance.now();
  let cursor = from;
  do {
    const request = caller.encode(SyncService.method.pull, { cursor, pageSize: BATCH });
    const before = tally.deliveries;
    const answer = await caller.raw(request);
    if (tallyPullResponse(answer, tally))
      throw new Error(`a full sync was ordered: ${fromBinary(PullResponseSchema, answer).fullSync?.reason}`);
    if (tally.deliveries === before && tally.deliveries < missed && performance.now() - startedAt > 60_000)
      throw new Error(`only ${tally.deliveries} of ${missed} came within a minute`);
    const { timelineIncarnation } = cursor;
    const check = (BigInt(tally.checkHigh) << 32n) | BigInt(tally.checkLow);
    if (tally.deliveries > before)
      cursor = { ...cursor, timelineIncarnation, userSeq: BigInt(tally.userSeq), check };
  } while (tally.deliveries < missed);
  const seconds = (performance.now() - startedAt) / 1_000;
  if (tally.gaps > 0 || tally.deliveries !== missed)
    throw new Error(`${JSON.stringify(tally)} is not what was missed`);
  return seconds;
}
