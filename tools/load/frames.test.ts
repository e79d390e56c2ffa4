import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { ErrorInfoSchema } from '../../proto/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../proto/gen/google/rpc/status_pb.ts';
import { OpenResponseSchema } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { type DeliverySchema, PullResponseSchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { failureOf } from './failure.ts';
import {
  emptyTally,
  FRAME_DELIVERIES,
  FRAME_NOTIFY,
  FrameReader,
  frame,
  tallyOpenResponse,
  tallyPullResponse,
} from './frames.ts';
import { ResponseReader } from './http1.ts';

type DeliveryInit = MessageInitShape<typeof DeliverySchema>;

function deliveries(from: number, count: number): DeliveryInit[] {
  return Array.from({ length: count }, (_, n) => ({
    userSeq: BigInt(from + n),
    check: 0xfedc_ba98_7654_0000n + BigInt(from + n),
    entry: {
      case: 'message' as const,
      value: { messageId: `m${n}`, conversationSeq: BigInt(n), contentCount: 5n },
    },
    timeMs: 1_760_000_000_000n,
  }));
}

function open(frameInit: MessageInitShape<typeof OpenResponseSchema>['frame']): Buffer {
  const value = frameInit === undefined ? {} : { frame: frameInit };
  return Buffer.from(toBinary(OpenResponseSchema, create(OpenResponseSchema, value)));
}

describe('frames', () => {
  test('Any messages cut into any pieces come out as they went in.', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(bytes, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (messages, cuts) => {
          const whole = Buffer.concat(messages.map((message) => frame(message)));
          const got: number[][] = [];
          const reader = new FrameReader({
            message: (message) => got.push([...message]),
            trailers: () => undefined,
          });
          for (let at = 0, n = 0; at < whole.length; n += 1) {
            const size = cuts[n % cuts.length] ?? 1;
            reader.feed(whole.subarray(at, at + size));
            at += size;
          }
          assert.deepEqual(
            got,
            messages.map((message) => [...message]),
          );
          assert.equal(reader.idle, true);
        },
      ),
    );
  });

  test('A frame that claims to be huge is refused.', () => {
    const reader = new FrameReader({ message: () => undefined, trailers: () => undefined });
    assert.throws(() => reader.feed(Buffer.from([0, 0x7f, 0xff, 0xff, 0xff])), /too long/);
  });

  test('An HTTP response is read byte by byte as it is read at once.', () => {
    const text = [
      'HTTP/1.1 103 Early\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nX-A:  b \r\n\r\n',
      '4\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\nt: v\r\n\r\n',
      'HTTP/1.1 204 None\r\n\r\n',
    ].join('');
    const read = (size: number): unknown[] => {
      const seen: unknown[] = [];
      const reader = new ResponseReader({
        head: ({ status, headers }) => seen.push([status, headers.get('x-a')]),
        body: (piece) => {
          const joined = typeof seen.at(-1) === 'string' ? `${seen.pop()}` : '';
          seen.push(joined + piece.toString());
        },
        end: () => seen.push('end'),
      });
      for (let at = 0; at < text.length; at += size) reader.feed(Buffer.from(text.slice(at, at + size)));
      return seen;
    };
    const expected = [[200, 'b'], 'abcd0123456789abcdef', 'end', [204, undefined], 'end'];
    for (const size of [1, 2, 5, 11, 1_000]) assert.deepEqual(read(size), expected);
  });
});

describe('tally', () => {
  test('It counts deliveries and keeps the last position and check, as the whole decoding would.', () => {
    const tally = emptyTally();
    const bytes = open({ case: 'deliveries', value: { deliveries: deliveries(1, 300) } });
    assert.equal(tallyOpenResponse(bytes, tally), FRAME_DELIVERIES);
    assert.deepEqual([tally.deliveries, tally.userSeq, tally.gaps], [300, 300, 0]);
    assert.equal((BigInt(tally.checkHigh) << 32n) | BigInt(tally.checkLow), 0xfedc_ba98_7654_0000n + 300n);
  });

  test('It sees a hole and a repeat.', () => {
    const tally = emptyTally();
    tallyOpenResponse(open({ case: 'deliveries', value: { deliveries: deliveries(2, 1) } }), tally);
    tallyOpenResponse(open({ case: 'deliveries', value: { deliveries: deliveries(2, 1) } }), tally);
    assert.equal(tally.gaps, 2);
  });

  test('It reads the head from welcome, notify and heartbeat.', () => {
    const tally = emptyTally();
    const headUserSeq = 5_000_000_000n;
    tallyOpenResponse(
      open({ case: 'welcome', value: { timelineIncarnation: 1n, headUserSeq, features: ['a'] } }),
      tally,
    );
    assert.equal(tally.head, 5_000_000_000);
    assert.equal(
      tallyOpenResponse(open({ case: 'notify', value: { headUserSeq: 7n } }), tally),
      FRAME_NOTIFY,
    );
    assert.equal(tally.head, 7);
    tallyOpenResponse(open({ case: 'heartbeat', value: { headUserSeq: 9n } }), tally);
    assert.equal(tally.head, 9);
    assert.equal(tallyOpenResponse(open(undefined), tally), 0);
  });

  test('It counts what a pull brings and sees the order of a full sync.', () => {
    const pull = (value: MessageInitShape<typeof PullResponseSchema>): Buffer =>
      Buffer.from(toBinary(PullResponseSchema, create(PullResponseSchema, value)));
    const tally = emptyTally();
    assert.equal(
      tallyPullResponse(
        pull({ deliveries: deliveries(1, 3), headUserSeq: 8n, nextCursor: { userSeq: 3n } }),
        tally,
      ),
      false,
    );
    assert.deepEqual([tally.deliveries, tally.userSeq, tally.head], [3, 3, 8]);
    assert.equal(tallyPullResponse(pull({ fullSync: { reason: 1 } }), tally), true);
  });

  test('Bytes that are cut off are refused.', () => {
    const bytes = open({ case: 'deliveries', value: { deliveries: deliveries(1, 2) } });
    assert.throws(() => tallyOpenResponse(bytes.subarray(0, bytes.length - 1), emptyTally()));
  });
});

describe('failure', () => {
  test('The reason is read from the details, and details that cannot be read leave the status.', () => {
    const status = create(StatusSchema, {
      code: 10,
      details: [
        anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: 'OUT_OF_ORDER', domain: 'starling' })),
      ],
    });
    const details = Buffer.from(toBinary(StatusSchema, status)).toString('base64');
    const named = failureOf(
      new Map([
        ['grpc-status', '10'],
        ['grpc-status-details-bin', details],
      ]),
    );
    assert.equal(named?.reason, 'OUT_OF_ORDER');
    const broken = failureOf(
      new Map([
        ['grpc-status', '14'],
        ['grpc-message', '%zz'],
        ['grpc-status-details-bin', '/w=='],
      ]),
    );
    assert.deepEqual([broken?.status, broken?.reason, broken?.repeatable], ['UNAVAILABLE', '', true]);
    assert.equal(failureOf(new Map([['grpc-status', '0']])), undefined);
    assert.equal(failureOf(new Map())?.status, 'UNKNOWN');
  });
});
