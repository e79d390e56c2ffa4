import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { NodeReplySchema, NodeRequestSchema } from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import {
  decodePlainCall,
  decodePlainReply,
  encodePlainCall,
  encodePlainReply,
  type PlainCall,
} from './call-wire.ts';
import { bytesPart } from './message-wire.ts';

const text = fc.string({ unit: 'binary', maxLength: 200 });
const plainCalls = fc.record({
  ...{ kind: text, key: text, method: text, traceparent: text, caller: text },
  path: fc.array(text, { maxLength: 4 }),
  request: fc.uint8Array({ maxLength: 300 }),
  timeoutMs: fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
});

function generated({ timeoutMs, ...value }: PlainCall): Uint8Array {
  const path = [...value.path];
  return toBinary(
    NodeRequestSchema,
    create(NodeRequestSchema, { request: { case: 'call', value: { ...value, path } }, timeoutMs }),
  );
}

function written(call: PlainCall): Uint8Array {
  return encodePlainCall({ ...call, request: bytesPart(call.request) });
}

/** What the generated code reads, in the shape of a plain call; undefined where it refuses. */
function readByGenerated(bytes: Uint8Array): PlainCall | undefined {
  try {
    const { request, timeoutMs } = fromBinary(NodeRequestSchema, bytes);
    if (request.case !== 'call') return undefined;
    const { kind, key, method, path, traceparent, caller } = request.value;
    return {
      ...{ kind, key, method, path, traceparent, caller, timeoutMs },
      request: new Uint8Array(request.value.request),
    };
  } catch {
    return undefined;
  }
}

function read(bytes: Uint8Array): PlainCall | undefined {
  const call = decodePlainCall(bytes);
  return call === undefined ? undefined : { ...call, request: new Uint8Array(call.request) };
}

describe('the envelope of a plain call', () => {
  it('is the same bytes as the generated code writes, whatever is in it', () => {
    fc.assert(
      fc.property(plainCalls, (call) => {
        assert.deepEqual(Buffer.from(written(call)), Buffer.from(generated(call)));
      }),
    );
  });

  it('is the same for requests of every size of length', () => {
    for (const size of [0, 1, 100, 127, 128, 16_000, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const request = new Uint8Array(size).fill(7);
      const texts = { kind: 'k', key: 'é', method: 'm', traceparent: '', caller: '' };
      const plain = { ...texts, path: [], request, timeoutMs: 10 };
      assert.equal(Buffer.compare(written(plain), generated(plain)), 0);
      assert.equal(Buffer.compare(read(written(plain))?.request ?? new Uint8Array(1), request), 0);
    }
  });

  it('is read as the generated code reads it', () => {
    fc.assert(
      fc.property(plainCalls, (call) => {
        const bytes = generated(call);
        const found = read(bytes);
        assert.ok(found !== undefined);
        assert.deepEqual(found, readByGenerated(bytes));
      }),
    );
  });

  it('is left to the generated code, or read as it does, when bytes of it are others, missing or too many', () => {
    const change = fc.record({ at: fc.nat(600), byte: fc.nat(255), cut: fc.nat(600), more: fc.uint8Array() });
    fc.assert(
      fc.property(plainCalls, change, (call, { at, byte, cut, more }) => {
        const bytes = generated(call);
        const changed = Buffer.from(bytes);
        if (changed.length > 0) changed[at % changed.length] = byte;
        for (const each of [changed, bytes.subarray(0, cut), Buffer.concat([bytes, more])]) {
          const found = read(each);
          if (found !== undefined) assert.deepEqual(found, readByGenerated(each));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is left to the generated code where it has metadata, an origin or a field of a later release', () => {
    const value = { kind: 'k', key: 'a', method: 'm', request: Uint8Array.of(1) };
    for (const more of [{ metadata: { a: 'b' } }, { origin: { sender: 's/1', n: 3n } }]) {
      const envelope = create(NodeRequestSchema, {
        request: { case: 'call', value: { ...value, ...more } },
        timeoutMs: 5,
      });
      assert.equal(read(toBinary(NodeRequestSchema, envelope)), undefined);
    }
    const envelope = create(NodeRequestSchema, { request: { case: 'call', value } });
    assert.ok(envelope.request.case === 'call');
    envelope.request.value.$unknown = [{ no: 14, wireType: 2, data: Uint8Array.of(1, 7) }];
    assert.equal(read(toBinary(NodeRequestSchema, envelope)), undefined);
    const later = create(NodeRequestSchema, { request: { case: 'call', value } });
    later.$unknown = [{ no: 14, wireType: 0, data: Uint8Array.of(9) }];
    assert.equal(read(toBinary(NodeRequestSchema, later)), undefined);
  });
});

describe('the envelope of a reply', () => {
  const replies = fc.uint8Array({ maxLength: 300 });
  const ofGenerated = (value: Uint8Array): Uint8Array =>
    toBinary(
      NodeReplySchema,
      create(NodeReplySchema, { reply: { case: 'call', value: { outcome: { case: 'reply', value } } } }),
    );

  it('is the same bytes as the generated code writes, and is read as what it was', () => {
    fc.assert(
      fc.property(replies, (reply) => {
        const bytes = encodePlainReply(bytesPart(reply));
        assert.deepEqual(Buffer.from(bytes), Buffer.from(ofGenerated(reply)));
        assert.deepEqual(new Uint8Array(decodePlainReply(bytes) ?? [1]), reply);
      }),
    );
  });

  it('is left to the generated code, or read as it does, when bytes of it are others, missing or too many', () => {
    const change = fc.record({ at: fc.nat(20), byte: fc.nat(255), cut: fc.nat(300), more: fc.uint8Array() });
    fc.assert(
      fc.property(replies, change, (reply, { at, byte, cut, more }) => {
        const bytes = ofGenerated(reply);
        const changed = Buffer.from(bytes);
        changed[at % changed.length] = byte;
        for (const each of [changed, bytes.subarray(0, cut), Buffer.concat([bytes, more])]) {
          const found = decodePlainReply(each);
          if (found === undefined) continue;
          const { reply: answer } = fromBinary(NodeReplySchema, each);
          assert.ok(answer.case === 'call' && answer.value.outcome.case === 'reply');
          assert.deepEqual(new Uint8Array(found), new Uint8Array(answer.value.outcome.value));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is left to the generated code where it is an error, nothing, or has a field of a later release', () => {
    const error = { outcome: { case: 'error' as const, value: { code: 'INTERNAL' } } };
    const refusal = create(NodeReplySchema, { reply: { case: 'call', value: error } });
    assert.equal(decodePlainReply(toBinary(NodeReplySchema, refusal)), undefined);
    const nothing = create(NodeReplySchema, { reply: { case: 'call', value: {} } });
    assert.equal(decodePlainReply(toBinary(NodeReplySchema, nothing)), undefined);
    assert.equal(decodePlainReply(Uint8Array.of()), undefined);
    const later = Buffer.concat([ofGenerated(Uint8Array.of(1)), Uint8Array.of(14 << 3, 9)]);
    assert.equal(decodePlainReply(later), undefined);
  });
});
