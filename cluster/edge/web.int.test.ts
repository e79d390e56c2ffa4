import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  IssueTokenRequestSchema,
  IssueTokenResponseSchema,
} from '../../proto/gen/starling/server/v1/server_pb.ts';
import { invalidRequest, StarlingError } from '../../runtime/errors.ts';
import {
  decodeError,
  framed,
  reasonOf,
  STREAM_PATH,
  type TestHandlers,
  UNARY_PATH,
  type WebAnswer,
  webCall,
  withEdge,
} from './testing/index.ts';

const ask = (userId: string) =>
  framed(toBinary(IssueTokenRequestSchema, create(IssueTokenRequestSchema, { userId })));
const tokenOf = (answer: WebAnswer) =>
  fromBinary(IssueTokenResponseSchema, answer.messages[0] ?? new Uint8Array([0])).token;
const bytes = (text: string) => new TextEncoder().encode(text);

for (const http of [1, 2] as const) {
  test(`A unary call over HTTP/${http} is answered, in binary and in text.`, async () => {
    await withEdge({}, async (address) => {
      const binary = await webCall(address, UNARY_PATH, { http, body: ask('李 🙂') });
      assert.deepEqual([binary.http, binary.status, tokenOf(binary)], [200, 0, '李 🙂']);
      const text = await webCall(address, UNARY_PATH, {
        http,
        contentType: 'application/grpc-web-text',
        body: Buffer.from(ask('李 🙂').toString('base64')),
      });
      assert.deepEqual([text.http, text.status, tokenOf(text)], [200, 0, '李 🙂']);
    });
  });

  test(`Every message of a stream over HTTP/${http} arrives in order, then the status.`, async () => {
    const stream: TestHandlers['stream'] = (stream) => {
      for (let i = 0; i < 100; i++) stream.send(bytes(`message `), bytes(String(i)));
      stream.end();
    };
    await withEdge({ stream }, async (address) => {
      for (const contentType of ['application/grpc-web+proto', 'application/grpc-web-text+proto']) {
        const empty = framed(new Uint8Array());
        const body = contentType.includes('text') ? Buffer.from(empty.toString('base64')) : empty;
        const answer = await webCall(address, STREAM_PATH, { http, contentType, body });
        const expected = Array.from({ length: 100 }, (_, i) => `message ${i}`);
        assert.deepEqual(
          answer.messages.map((message) => new TextDecoder().decode(message)),
          expected,
        );
        assert.equal(answer.status, 0);
      }
    });
  });

  test(`An error over HTTP/${http} carries code, reason, metadata, retry advice and fields.`, async () => {
    const unary = () => {
      throw new StarlingError('OVERLOADED', 'Too hot: 100 % 热.', {
        metadata: { shard: '7' },
        retryAfterMs: 1250,
        violations: [{ field: 'a.b', description: 'too long' }],
      });
    };
    await withEdge({ unary }, async (address) => {
      const { status, trailers } = await webCall(address, UNARY_PATH, { http, body: ask('ann') });
      assert.equal(status, 14);
      const message = 'Too much at once; try again shortly. Too hot: 100 % 热.';
      assert.equal(decodeURIComponent(trailers.get('grpc-message') ?? ''), message);
      const error = decodeError(trailers.get('grpc-status-details-bin'));
      assert.deepEqual([error.status.code, error.status.message], [14, message]);
      assert.deepEqual(
        [error.info?.reason, error.info?.domain, error.info?.metadata],
        ['OVERLOADED', 'starling', { shard: '7' }],
      );
      assert.deepEqual([error.retry?.retryDelay?.seconds, error.retry?.retryDelay?.nanos], [1n, 250_000_000]);
      assert.equal(error.badRequest?.fieldViolations[0]?.field, 'a.b');
      assert.deepEqual(
        [error.localized?.locale, error.localized?.message],
        ['en', 'Too much at once; try again shortly.'],
      );
    });
  });

  test(`Bad requests over HTTP/${http} are refused with a typed error, and no handler runs.`, async () => {
    let runs = 0;
    const unary = () => {
      runs++;
      return '';
    };
    const invalidUtf8 = framed(new Uint8Array([0x0a, 2, 0xc3, 0x28]));
    const limits = { messageBytesMax: 1000 };
    await withEdge(
      { unary },
      async (address) => {
        const expect = async (reason: string, status: number, options: object, path = UNARY_PATH) => {
          const answer = await webCall(address, path, { http, body: ask('ann'), ...options });
          assert.deepEqual([reasonOf(answer), answer.status], [reason, status], JSON.stringify(options));
        };
        await expect('METHOD_NOT_FOUND', 12, {}, '/starling.server.v1.TokenService/Nothing');
        await expect('METHOD_NOT_FOUND', 12, { headers: { 'grpc-encoding': 'gzip' } });
        await expect('METHOD_NOT_FOUND', 12, { body: Buffer.concat([ask('a'), ask('b')]) });
        await expect('METHOD_NOT_FOUND', 12, { body: Buffer.alloc(0) });
        await expect('MALFORMED', 3, { body: framed(new Uint8Array([0xff, 0xff])) });
        await expect('MALFORMED', 3, { body: invalidUtf8 });
        await expect('MALFORMED', 3, { body: ask('ann').subarray(0, 6) });
        await expect('MALFORMED', 3, { body: ask('ann').subarray(0, 3) });
        await expect('MALFORMED', 3, { body: framed(new Uint8Array(), 4) });
        await expect('MALFORMED', 3, { headers: { 'grpc-timeout': 'soon' } });
        await expect('MALFORMED', 3, { contentType: 'application/grpc-web-text', body: Buffer.from('@@@@') });
        await expect('PAYLOAD_TOO_LARGE', 8, { body: ask('a'.repeat(1000)) });
        await expect('PAYLOAD_TOO_LARGE', 8, {
          body: Buffer.concat([Buffer.from([0, 0, 1, 0, 0]), Buffer.alloc(5)]),
        });
        await expect('UNAUTHENTICATED', 16, { headers: { authorization: 'wrong' } });
        await expect('TOKEN_EXPIRED', 16, { headers: { authorization: 'expired' } });
        await expect('PERMISSION_DENIED', 7, { headers: { authorization: 'backend' } });
        await expect('DEADLINE_EXCEEDED', 4, { headers: { 'grpc-timeout': '0n' } });
        assert.equal(runs, 0);
        const json = await webCall(address, UNARY_PATH, {
          http,
          contentType: 'application/json',
          body: ask('a'),
        });
        assert.equal(json.http, 415);
      },
      { limits },
    );
  });

  test(`What a handler throws by mistake over HTTP/${http} is logged and not shown.`, async () => {
    const unary = async () => {
      throw new Error('password 123');
    };
    await withEdge({ unary }, async (address, logged) => {
      const answer = await webCall(address, UNARY_PATH, { http, body: ask('ann') });
      assert.deepEqual([answer.status, reasonOf(answer)], [13, 'INTERNAL']);
      const shown = decodeError(answer.trailers.get('grpc-status-details-bin'));
      assert.doesNotMatch(JSON.stringify([...answer.trailers, shown.status.message]), /123/);
      assert.equal(logged.length, 1);
    });
  });

  test(`A unary call over HTTP/${http} ends at its deadline, and its handler is told how much is left of it.`, async () => {
    const told = Promise.withResolvers<(number | undefined)[]>();
    const unary: TestHandlers['unary'] = (_request, context) => {
      const atFirst = context.timeoutMs;
      context.signal.addEventListener('abort', () => told.resolve([atFirst, context.timeoutMs]));
      return new Promise<string>(() => undefined);
    };
    await withEdge({ unary }, async (address) => {
      const answer = await webCall(address, UNARY_PATH, {
        http,
        body: ask('ann'),
        headers: { 'grpc-timeout': '100m' },
      });
      assert.deepEqual([answer.status, reasonOf(answer)], [4, 'DEADLINE_EXCEEDED']);
      const [atFirst = 0, atLast = -1] = await told.promise;
      assert.ok(atFirst > 0 && atFirst <= 100, String(atFirst));
      assert.ok(atLast >= 0 && atLast < atFirst, String(atLast));
    });
  });
}

test('A field that this version does not know is ignored.', async () => {
  await withEdge({}, async (address) => {
    const body = framed(Buffer.concat([ask('ann').subarray(5), Buffer.from([0xfa, 0x3f, 1, 7])]));
    const answer = await webCall(address, UNARY_PATH, { body });
    assert.deepEqual([answer.status, tokenOf(answer)], [0, 'ann']);
  });
});

test('An invalid field is named in the error.', async () => {
  const unary = () => {
    throw invalidRequest('user_id', '1 to 64 characters');
  };
  await withEdge({ unary }, async (address) => {
    const answer = await webCall(address, UNARY_PATH, { body: ask('') });
    const { badRequest } = decodeError(answer.trailers.get('grpc-status-details-bin'));
    assert.equal(badRequest?.fieldViolations[0]?.field, 'user_id');
    assert.equal(answer.status, 3);
  });
});
