import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { MessageSchema } from '../proto/gen/starling/im/v1/message_pb.ts';
import { ConversationChangeSchema, DeliverySchema } from '../proto/gen/starling/im/v1/sync_pb.ts';
import { changeDelivery, checkOfDelivery, messageDelivery, userSeqField, withTime } from './delivery.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const time = fc.bigInt({ min: 0n, max: 2n ** 53n });
const position = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeInteger().filter((n) => n > 0),
);

describe('the bytes of a delivery', () => {
  it('are those of the message they say, with the position put before them and a later time put behind', () => {
    fc.assert(
      fc.property(uint64, time, time, position, fc.string(), (check, timeMs, later, userSeq, messageId) => {
        const message = create(MessageSchema, { messageId });
        const bytes = messageDelivery(check, timeMs, toBinary(MessageSchema, message));
        assert.equal(checkOfDelivery(bytes), check);
        const whole = Buffer.concat([userSeqField(userSeq), withTime(bytes, later)]);
        assert.deepEqual(
          fromBinary(DeliverySchema, whole),
          create(DeliverySchema, {
            userSeq: BigInt(userSeq),
            check,
            timeMs: later,
            entry: { case: 'message', value: message },
          }),
        );
      }),
      { seed: 7 },
    );
  });

  it('tell their check also where they lie in the middle of other bytes', () => {
    const change = toBinary(ConversationChangeSchema, create(ConversationChangeSchema, {}));
    const bytes = changeDelivery(2n ** 64n - 2n, 5n, change);
    const around = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(3)]);
    assert.equal(checkOfDelivery(around.subarray(3, 3 + bytes.length)), 2n ** 64n - 2n);
    assert.equal(fromBinary(DeliverySchema, bytes).entry.case, 'conversationChange');
  });
});
