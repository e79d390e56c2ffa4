// What a user takes of a conversation's deliveries (rule 13), each asked of the actor itself.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type DeliverRequest,
  DeliverRequestSchema,
  type LogEntry,
  LogEntrySchema,
} from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { MembersChangedSchema, MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { DeliverySchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { messageDelivery } from '../delivery.ts';
import { sharedRow } from '../shared-row.ts';
import { ImNode } from '../testing/im-node.ts';
import { UserActor } from '../types.ts';

const conversationId = 'g1';

function entry(seq: number, change: { joinedUserIds?: string[]; leftUserIds?: string[] } = {}): LogEntry {
  const message = create(MessageSchema, {
    conversationId,
    conversationSeq: BigInt(seq),
    messageId: `m${seq}`,
  });
  const delivery = messageDelivery(BigInt(seq), 5n, toBinary(MessageSchema, message));
  const conversationSeq = BigInt(seq);
  const row = sharedRow({ delivery, conversationId, conversationSeq, contentCount: 0n, timeMs: 5n });
  return create(LogEntrySchema, {
    conversationSeq,
    row,
    createTimeMs: 5n,
    membersChanged: create(MembersChangedSchema, change),
  });
}

function setUp() {
  const node = new ImNode();
  const user = node.runtime.client(UserActor, 'main/bob');
  /** Delivers entries; what came back: `taken` or the position to resend from. */
  const deliver = async (joinSeq: number, entries: LogEntry[], untilSeq = 0): Promise<string> => {
    const request: DeliverRequest = create(DeliverRequestSchema, {
      conversationId,
      entries,
      joinSeq: BigInt(joinSeq),
      prevSeq: (entries[0]?.conversationSeq ?? 1n) - 1n,
      untilSeq: BigInt(untilSeq),
    });
    const { refused, cursor } = await user.deliver(request);
    return refused ? `from ${cursor}` : 'taken';
  };
  const has = async (): Promise<number[]> => {
    const { timelineIncarnation } = await user.describe({});
    const { deliveries } = await user.pull({
      cursor: { timelineIncarnation, userSeq: 0n, check: 0n },
      deliveriesMax: 100,
      bytesMax: 1_000_000,
    });
    return deliveries.map((bytes) => {
      const { entry: one } = fromBinary(DeliverySchema, bytes);
      assert.ok(one.case === 'message');
      return Number(one.value.conversationSeq);
    });
  };
  return { deliver, has };
}

describe('a delivery', () => {
  it('is taken iff it follows what the user has of this membership; else the user says where it stands', async () => {
    const { deliver, has } = setUp();
    assert.equal(await deliver(3, [entry(3), entry(4)]), 'taken');
    assert.equal(await deliver(3, [entry(6)]), 'from 4');
    assert.equal(await deliver(3, [entry(5), entry(6)]), 'taken');
    assert.deepEqual(await has(), [3, 4, 5, 6]);
  });

  it('that skips the beginning of a membership is not taken', async () => {
    const { deliver, has } = setUp();
    assert.equal(await deliver(3, [entry(5)]), 'from 2');
    assert.deepEqual(await has(), []);
  });

  it('is dropped and acknowledged where the user has it, and the rest of it is taken', async () => {
    const { deliver, has } = setUp();
    await deliver(1, [entry(1), entry(2)]);
    assert.equal(await deliver(1, [entry(1), entry(2)]), 'taken');
    assert.equal(await deliver(1, [entry(2), entry(3)]), 'taken');
    assert.deepEqual(await has(), [1, 2, 3]);
  });

  it('goes no further than the end of the membership, and what the user has stays known after leaving', async () => {
    const { deliver, has } = setUp();
    await deliver(1, [entry(1, { joinedUserIds: ['bob'] })]);
    assert.equal(await deliver(1, [entry(2), entry(3, { leftUserIds: ['bob'] }), entry(4)], 3), 'taken');
    assert.equal(await deliver(1, [entry(1), entry(2), entry(3)], 3), 'taken', 'a late repeat');
    assert.deepEqual(await has(), [1, 2, 3]);
  });

  it('of a later membership begins at its own first entry, and one of an earlier membership is dropped from then on', async () => {
    const { deliver, has } = setUp();
    await deliver(1, [entry(1), entry(2)]);
    assert.equal(await deliver(7, [entry(7)]), 'taken');
    assert.equal(await deliver(1, [entry(3)], 3), 'taken');
    assert.equal(await deliver(7, [entry(8)]), 'taken');
    assert.deepEqual(await has(), [1, 2, 7, 8]);
  });
});
