import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { NodeRequestSchema } from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { encodePlainCall } from './call-wire.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 200 });

describe('the envelope of a plain call', () => {
  it('is the same bytes as the generated code writes, whatever is in it', () => {
    const call = fc.record({
      ...{ kind: text, key: text, method: text, traceparent: text, caller: text },
      path: fc.array(text, { maxLength: 4 }),
      request: fc.uint8Array({ maxLength: 300 }),
      timeoutMs: fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    });
    fc.assert(
      fc.property(call, ({ timeoutMs, ...value }) => {
        const wanted = create(NodeRequestSchema, { request: { case: 'call', value }, timeoutMs });
        assert.deepEqual(
          Buffer.from(encodePlainCall({ ...value, timeoutMs })),
          Buffer.from(toBinary(NodeRequestSchema, wanted)),
        );
      }),
    );
  });

  it('is the same for requests of every size of length', () => {
    for (const size of [0, 1, 100, 127, 128, 16_000, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const request = new Uint8Array(size).fill(7);
      const texts = { kind: 'k', key: 'é', method: 'm', traceparent: '', caller: '' };
      const plain = { ...texts, path: [], request, timeoutMs: 10 };
      const read = fromBinary(NodeRequestSchema, encodePlainCall(plain));
      assert.equal(read.timeoutMs, 10);
      assert.ok(read.request.case === 'call' && read.request.value.key === 'é');
      assert.equal(Buffer.compare(read.request.value.request, request), 0);
    }
  });
});
