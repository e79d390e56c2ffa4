import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema } from '../../proto/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../proto/gen/google/rpc/status_pb.ts';
import {
  BatchGetUsersRequestSchema,
  BatchGetUsersResponseSchema,
  UserService,
} from '../../proto/gen/starling/im/v1/user_pb.ts';
import { createClient, frames } from './client.ts';
import { CliError } from './exit.ts';
import { RpcError } from './rpc-error.ts';

const { batchGetUsers } = UserService.method;
const HEADERS = { 'content-type': 'application/grpc-web+proto' };

function frame(flags: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const ANSWER = frame(
  0,
  toBinary(BatchGetUsersResponseSchema, create(BatchGetUsersResponseSchema, { users: [{ userId: 'a' }] })),
);

async function serve(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    handle(request, response, Buffer.concat(chunks));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createClient({ address, token: (service) => `token for ${service}`, timeoutMs: 5_000 });
}

test('a call carries path, token, deadline and the framed request, and gives the answer', async (t) => {
  let seen: { url: string | undefined; headers: IncomingMessage['headers']; body: Buffer } | undefined;
  const client = await serve(t, (request, response, body) => {
    seen = { url: request.url, headers: request.headers, body };
    response.writeHead(200, HEADERS);
    response.write(ANSWER.subarray(0, 7));
    response.end(Buffer.concat([ANSWER.subarray(7), frame(0x80, 'grpc-status: 0\r\ngrpc-message: \r\n')]));
  });
  const answer = await client.call(batchGetUsers, { userIds: ['a'] });
  assert.equal(answer.users[0]?.userId, 'a');
  assert.equal(seen?.url, '/starling.im.v1.UserService/BatchGetUsers');
  assert.equal(seen?.headers.authorization, 'Bearer token for starling.im.v1.UserService');
  assert.equal(seen?.headers['grpc-timeout'], '5000m');
  assert.deepEqual(
    fromBinary(BatchGetUsersRequestSchema, seen?.body.subarray(5) ?? Buffer.alloc(0)).userIds,
    ['a'],
  );
});

test('a refusal carries status, decoded text, reason and hint, in the header or in the trailer', async (t) => {
  const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: 'NOT_A_MEMBER' }));
  const details = Buffer.from(toBinary(StatusSchema, create(StatusSchema, { details: [info] })))
    .toString('base64')
    .replace(/=+$/, '');
  const fields = {
    'grpc-status': '7',
    'grpc-message': '%E4%B8%8D only members',
    'grpc-status-details-bin': details,
  };
  let inTrailer = false;
  const client = await serve(t, (_, response) => {
    if (!inTrailer) {
      response.writeHead(200, { ...HEADERS, ...fields }).end();
      return;
    }
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    response.writeHead(200, HEADERS).end(frame(0x80, lines.join('')));
  });
  for (inTrailer of [false, true]) {
    await assert.rejects(client.call(batchGetUsers, {}), (error) => {
      assert.ok(error instanceof RpcError);
      assert.equal(error.status, 'PERMISSION_DENIED');
      assert.equal(error.reason, 'NOT_A_MEMBER');
      assert.equal(error.message, '不 only members [NOT_A_MEMBER]');
      return true;
    });
  }
});

test('something else than Starling at the address is told, and so is an answer that breaks off', async (t) => {
  let page = true;
  const client = await serve(t, (_, response) => {
    if (page) response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>no</h1>');
    else response.writeHead(200, HEADERS).end(ANSWER.subarray(0, 6));
  });
  const expected = [/does not speak Starling's protocol \(HTTP 404\)/, /broke within an answer/];
  for (const pattern of expected) {
    await assert.rejects(client.call(batchGetUsers, {}), (error) => {
      assert.ok(error instanceof CliError);
      assert.equal(error.exit, 'unreachable');
      assert.match(error.message, pattern);
      return true;
    });
    page = false;
  }
});

test('an answer without a message, and one frame beyond the bound, are refused', async (t) => {
  let huge = false;
  const client = await serve(t, (_, response) => {
    const head = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    response.writeHead(200, HEADERS).end(huge ? head : frame(0x80, 'grpc-status: 0\r\n'));
  });
  for (huge of [false, true]) await assert.rejects(client.call(batchGetUsers, {}), RpcError);
});

test('frames are found whatever the chunks are', async () => {
  const all = Buffer.concat([frame(0, 'one'), frame(0, ''), frame(0x80, 'end')]);
  for (let size = 1; size <= all.length; size++) {
    const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
      all.subarray(i * size, (i + 1) * size),
    );
    const found: string[] = [];
    const source = (async function* () {
      yield* chunks;
    })();
    for await (const { flags, payload } of frames(source)) found.push(`${flags}:${Buffer.from(payload)}`);
    assert.deepEqual(found, ['0:one', '0:', '128:end']);
  }
});
