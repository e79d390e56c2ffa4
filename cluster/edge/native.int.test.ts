import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, type ClientOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../../proto/gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '../../proto/gen/grpc/reflection/v1/reflection_pb.ts';
import {
  IssueTokenRequestSchema,
  IssueTokenResponseSchema,
} from '../../proto/gen/starling/server/v1/server_pb.ts';
import { StarlingError } from '../../runtime/errors.ts';
import { decodeError, STREAM_PATH, type TestHandlers, testEdge, UNARY_PATH } from './testing/index.ts';

const asItIs = (bytes: Buffer): Buffer => bytes;
const encode = <S extends DescMessage>(schema: S, init: MessageInitShape<S>): Buffer =>
  Buffer.from(toBinary(schema, create(schema, init)));
const ask = (userId: string) => encode(IssueTokenRequestSchema, { userId });

async function withClient(
  handlers: TestHandlers,
  run: (client: Client, health: { ok: boolean }) => Promise<void>,
  options: Parameters<typeof testEdge>[1] = {},
  clientOptions: ClientOptions = {},
): Promise<void> {
  const health = { ok: true };
  const { edge } = await testEdge(handlers, {
    health: () => ({ ok: health.ok, detail: 'as the test says' }),
    ...options,
  });
  const client = new Client(edge.grpcAddress, credentials.createInsecure(), clientOptions);
  try {
    await run(client, health);
  } finally {
    client.close();
    await edge.close();
  }
}

function metadataOf(headers: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function unary(client: Client, path: string, message: Buffer, authorization = 'user', deadlineMs?: number) {
  return new Promise<Buffer>((resolve, reject) => {
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    client.makeUnaryRequest(
      path,
      asItIs,
      asItIs,
      message,
      metadataOf({ authorization }),
      options,
      (error, value) => {
        if (error !== null || value === undefined) reject(error);
        else resolve(value);
      },
    );
  });
}

const open = (client: Client, path = STREAM_PATH, message: Buffer = Buffer.alloc(0)) =>
  client.makeServerStreamRequest(path, asItIs, asItIs, message, metadataOf({ authorization: 'user' }));

function refusal(code: number, reason: string | undefined): (error: ServiceError) => boolean {
  return (error) => {
    const [details] = error.metadata.get('grpc-status-details-bin');
    const found = details === undefined ? undefined : decodeError(details as Buffer).info?.reason;
    assert.deepEqual([error.code, found], [code, reason]);
    return true;
  };
}

test('A native unary call reaches the same handler.', async () => {
  await withClient({}, async (client) => {
    const answer = fromBinary(IssueTokenResponseSchema, await unary(client, UNARY_PATH, ask('李 🙂')));
    assert.equal(answer.token, '李 🙂');
  });
});

test('A native stream brings every message in order, then its status.', async () => {
  const stream: TestHandlers['stream'] = (s) => {
    for (let i = 0; i < 50; i++) s.send(Buffer.from(`m`), Buffer.from(String(i)));
    s.end(new StarlingError('SHUTTING_DOWN'));
  };
  await withClient({ stream }, async (client) => {
    const call = open(client);
    const seen: string[] = [];
    call.on('data', (bytes: Buffer) => seen.push(bytes.toString()));
    const [error] = await once(call, 'error');
    assert.deepEqual(
      seen,
      Array.from({ length: 50 }, (_, i) => `m${i}`),
    );
    refusal(14, 'SHUTTING_DOWN')(error);
  });
});

test('A native call that is refused carries the typed error.', async () => {
  await withClient(
    {},
    async (client) => {
      await assert.rejects(unary(client, UNARY_PATH, ask('a'), 'wrong'), refusal(16, 'UNAUTHENTICATED'));
      await assert.rejects(unary(client, UNARY_PATH, ask('a'), 'expired'), refusal(16, 'TOKEN_EXPIRED'));
      await assert.rejects(unary(client, UNARY_PATH, ask('a'), 'admin'), refusal(7, 'PERMISSION_DENIED'));
      await assert.rejects(unary(client, UNARY_PATH, Buffer.from([255, 255])), refusal(3, 'MALFORMED'));
      const invalidUtf8 = Buffer.from([0x0a, 2, 0xc3, 0x28]);
      await assert.rejects(unary(client, UNARY_PATH, invalidUtf8), refusal(3, 'MALFORMED'));
      // These two are grpc-js's own answers: it gives the status, and no details.
      await assert.rejects(unary(client, UNARY_PATH, ask('a'.repeat(1000))), refusal(8, undefined));
      await assert.rejects(
        unary(client, '/starling.server.v1.TokenService/No', ask('')),
        refusal(12, undefined),
      );
    },
    { limits: { messageBytesMax: 1000 } },
  );
});

test('A native call with too many headers is refused.', async () => {
  await withClient(
    {},
    async (client) => {
      await assert.rejects(
        unary(client, UNARY_PATH, ask('a'), 'a'.repeat(2000)),
        refusal(16, 'UNAUTHENTICATED'),
      );
      const metadata = metadataOf({ authorization: 'user', 'x-much': 'a'.repeat(2000) });
      const refused = new Promise<Buffer>((resolve, reject) => {
        client.makeUnaryRequest(UNARY_PATH, asItIs, asItIs, ask('a'), metadata, (error, value) => {
          if (value === undefined) reject(error);
          else resolve(value);
        });
      });
      await assert.rejects(refused, refusal(8, 'PAYLOAD_TOO_LARGE'));
    },
    { limits: { metadataBytesMax: 1000 } },
  );
});

test('A native client that cancels closes its stream and aborts its signal.', async () => {
  const entered = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<boolean>();
  const stream: TestHandlers['stream'] = (s, { signal }) => {
    s.onClose(() => closed.resolve(signal.aborted));
    entered.resolve();
  };
  await withClient({ stream }, async (client) => {
    const call = open(client);
    call.on('error', () => undefined);
    await entered.promise;
    call.cancel();
    assert.ok(await closed.promise);
  });
});

test('The deadline of a native call is known to its handler and ends it.', async () => {
  const told = Promise.withResolvers<number | undefined>();
  const handlers: TestHandlers = {
    unary: (_request, { signal, timeoutMs }) => {
      // What is left when the handler begins.
      signal.addEventListener('abort', () => told.resolve(timeoutMs));
      return new Promise<string>(() => undefined);
    },
  };
  await withClient(handlers, async (client) => {
    await assert.rejects(
      unary(client, UNARY_PATH, ask('a'), 'user', 200),
      ({ code }: ServiceError) => code === 4,
    );
    const timeoutMs = (await told.promise) ?? 0;
    assert.ok(timeoutMs > 0 && timeoutMs <= 210, String(timeoutMs));
  });
});

test('Health is told to those who ask and to those who watch.', async () => {
  await withClient(
    {},
    async (client, health) => {
      const check = async (service: string) => {
        const bytes = await unary(
          client,
          '/grpc.health.v1.Health/Check',
          encode(HealthCheckRequestSchema, { service }),
          '',
        );
        return fromBinary(HealthCheckResponseSchema, bytes).status;
      };
      assert.equal(await check(''), Status.SERVING);
      assert.equal(await check('starling.im.v1.SessionService'), Status.SERVING);
      await assert.rejects(check('nobody'), ({ code }: ServiceError) => code === 5);
      const watch = open(client, '/grpc.health.v1.Health/Watch');
      watch.on('error', () => undefined);
      const next = async () => {
        const [bytes] = await once(watch, 'data');
        return fromBinary(HealthCheckResponseSchema, bytes as Buffer).status;
      };
      assert.equal(await next(), Status.SERVING);
      health.ok = false;
      assert.equal(await next(), Status.NOT_SERVING);
      assert.equal(await check(''), Status.NOT_SERVING);
      watch.cancel();
    },
    { limits: { healthStepMs: 5 } },
  );
});

test('Reflection lists the services and gives a symbol with all files it needs.', async () => {
  await withClient({}, async (client) => {
    for (const version of ['v1', 'v1alpha']) {
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const call = client.makeBidiStreamRequest(path, asItIs, asItIs);
      const question = async (init: MessageInitShape<typeof ServerReflectionRequestSchema>) => {
        call.write(encode(ServerReflectionRequestSchema, init));
        const [bytes] = await once(call, 'data');
        return fromBinary(ServerReflectionResponseSchema, bytes as Buffer).messageResponse;
      };
      const list = await question({ messageRequest: { case: 'listServices', value: '' } });
      assert.ok(list.case === 'listServicesResponse');
      const names = list.value.service.map(({ name }) => name);
      assert.ok(names.includes('starling.im.v1.SessionService') && names.includes('grpc.health.v1.Health'));
      const symbol = 'starling.im.v1.SessionService.Open';
      const files = await question({ messageRequest: { case: 'fileContainingSymbol', value: symbol } });
      assert.ok(files.case === 'fileDescriptorResponse');
      const known = files.value.fileDescriptorProto.map((bytes) =>
        fromBinary(FileDescriptorProtoSchema, bytes),
      );
      const present = new Set(known.map(({ name }) => name));
      assert.equal(known[0]?.name, 'starling/im/v1/session.proto');
      for (const file of known) for (const name of file.dependency) assert.ok(present.has(name), name);
      const unknown = await question({ messageRequest: { case: 'fileByFilename', value: 'no.proto' } });
      assert.ok(unknown.case === 'errorResponse' && unknown.value.errorCode === 5);
      call.end();
      await once(call, 'end');
    }
  });
});
