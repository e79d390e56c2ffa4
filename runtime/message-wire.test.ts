import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import fc from 'fast-check';
import { file_starling_actor_v1_envelope } from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { file_starling_im_v1_message } from '../proto/gen/starling/im/v1/message_pb.ts';
import {
  CounterService,
  type NoteRequest,
  NoteRequestSchema,
} from '../proto/gen/starling/test/v1/counter_pb.ts';
import { RunRequestSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { actorType, methodOf } from './actor-type.ts';
import { decodeMessage, messagePart, messageWriter } from './message-wire.ts';

const DEPTH_MAX = 2;
const text = fc.string({ unit: 'binary', maxLength: 150 });

/** Values of a field, the uncommon ones too. */
function contentOf(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message !== undefined) return messageOf(field.message, depth + 1);
  if (field.enum !== undefined) return fc.constantFrom(...field.enum.values.map(({ number }) => number));
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 300 });
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.INT64:
      return fc.oneof(
        fc.bigInt({ min: -3n, max: 300n }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      );
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    case ScalarType.UINT32:
      return fc.oneof(fc.nat(300), fc.nat(2 ** 32 - 1));
    default:
      return fc.oneof(fc.integer({ min: -3, max: 300 }), fc.integer());
  }
}

function messageOf(schema: DescMessage, depth = 0): fc.Arbitrary<Message> {
  const fields = schema.fields.filter((field) => depth < DEPTH_MAX || field.message === undefined);
  const parts = fields.map((field) => {
    const value = contentOf(field, depth);
    if (field.fieldKind === 'list') return fc.array(value, { maxLength: 3 });
    return field.fieldKind === 'map' ? fc.dictionary(text, value, { maxKeys: 3 }) : value;
  });
  return fc
    .tuple(fc.array(fc.boolean(), { minLength: fields.length, maxLength: fields.length }), ...parts)
    .map(([present, ...values]) => {
      const init: Record<string, unknown> = {};
      for (const [at, field] of fields.entries()) {
        if (present[at] !== true) continue;
        const name = field.oneof === undefined ? field.localName : field.oneof.localName;
        init[name] = field.oneof === undefined ? values[at] : { case: field.localName, value: values[at] };
      }
      return create(schema, init as MessageInitShape<typeof schema>);
    });
}

function written(schema: DescMessage, message: Message): Buffer {
  const part = messagePart(messageWriter(schema), message);
  const out = Buffer.alloc(part.length + 2, 0xaa);
  part.write(out, 1);
  assert.deepEqual([out[0], out.at(-1)], [0xaa, 0xaa], 'nothing is written beside it');
  return out.subarray(1, -1);
}

describe('a message as a part of an envelope', () => {
  for (const file of [file_starling_im_v1_message, file_starling_actor_v1_envelope]) {
    for (const schema of file.messages) {
      it(`is the same bytes as the generated code writes: ${schema.typeName}`, () => {
        fc.assert(
          fc.property(messageOf(schema), (message) => {
            assert.deepEqual(written(schema, message), Buffer.from(toBinary(schema, message)));
          }),
          { numRuns: 50 },
        );
      });
    }
  }

  it('keeps the fields of a later release', () => {
    const message = create(RunRequestSchema, { text: 'a' });
    message.$unknown = [{ no: 15, wireType: 2, data: Uint8Array.of(1, 7) }];
    assert.deepEqual(written(RunRequestSchema, message), Buffer.from(toBinary(RunRequestSchema, message)));
  });

  it('refuses what the generated code refuses, in its words', () => {
    const broken = create(RunRequestSchema);
    broken.text = {
      toString: () => {
        throw new Error('This is no text.');
      },
    } as unknown as string;
    const error = thrownBy(() => toBinary(RunRequestSchema, broken));
    assert.ok(error !== undefined);
    assert.equal(
      thrownBy(() => written(RunRequestSchema, broken)),
      error,
    );
  });

  it('is not of another type', () => {
    const other = file_starling_im_v1_message.messages[0];
    assert.ok(other !== undefined);
    assert.throws(() => written(RunRequestSchema, create(other)));
  });
});

describe('a message from an envelope', () => {
  it('keeps its bytes whatever becomes of the envelope', () => {
    const envelope = Buffer.from(toBinary(NoteRequestSchema, create(NoteRequestSchema, { content: FIVE })));
    const { inputHasBytes } = methodOf(Counter, 'note');
    const read = decodeMessage(NoteRequestSchema, envelope, inputHasBytes) as NoteRequest;
    envelope.fill(0);
    assert.deepEqual(new Uint8Array(read.content), FIVE);
  });

  it('has no bytes where its type has none, at any depth', () => {
    const { inputHasBytes, outputHasBytes } = methodOf(Counter, 'add');
    assert.deepEqual([inputHasBytes, outputHasBytes], [false, false]);
  });
});

const FIVE = Uint8Array.of(5);
const Counter = actorType({ kind: 'counter', contract: CounterService, rank: 20 });

function thrownBy(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return String(error);
  }
}
