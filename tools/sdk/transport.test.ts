import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, base64Encode, WireType } from '@bufbuild/protobuf/wire';
import {
  OpenRequestSchema,
  OpenResponseSchema,
  SessionService,
} from '../../proto/gen/starling/im/v1/session_pb.ts';
import { subjectOf } from './calls.ts';
import type { SdkError } from './errors.ts';
import { encodeFrame, FrameReader } from './framing.ts';
import { LIMITS } from './limits.ts';
import { readStatus } from './status.ts';
import { type Fetch, fetchTransport } from './transport.ts';

const heartbeat = toBinary(
  OpenResponseSchema,
  create(OpenResponseSchema, { frame: { case: 'heartbeat', value: { headUserSeq: 5n } } }),
);

function trailers(text: string): Uint8Array {
  const framed = encodeFrame(new TextEncoder().encode(text));
  framed[0] = 0x80;
  return framed;
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function answering(chunks: Uint8Array[], init: ResponseInit = {}): { fetch: Fetch; seen: RequestInit[] } {
  const seen: RequestInit[] = [];
  const fetch: Fetch = async (_url, request) => {
    seen.push(request);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });
    return new Response(body, { headers: { 'content-type': 'application/grpc-web+proto' }, ...init });
  };
  return { fetch, seen };
}

async function open(fetch: Fetch): Promise<{ heads: bigint[]; error: SdkError | undefined }> {
  const heads: bigint[] = [];
  const options = { address: 'http://x', token: 't', signal: new AbortController().signal };
  const request = create(OpenRequestSchema, { deviceId: 'd' });
  try {
    await fetchTransport(fetch).stream(SessionService.method.open, request, options, ({ frame }) => {
      if (frame.case === 'heartbeat') heads.push(frame.value.headUserSeq);
    });
    return { heads, error: undefined };
  } catch (error) {
    return { heads, error: error as SdkError };
  }
}

test('Frames are found wherever the network cuts the bytes.', async () => {
  const bytes = join(encodeFrame(heartbeat), encodeFrame(heartbeat), trailers('grpc-status: 0\r\n'));
  for (let at = 0; at <= bytes.length; at += 1) {
    const { fetch } = answering([bytes.slice(0, at), bytes.slice(at)]);
    assert.deepEqual(await open(fetch), { heads: [5n, 5n], error: undefined });
  }
});

test('SDK-75: a stream that is cut, between frames or within one, is a failed connection.', async () => {
  const bytes = join(encodeFrame(heartbeat), encodeFrame(heartbeat));
  for (const at of [bytes.length, bytes.length - 1, 3]) {
    const { error } = await open(answering([bytes.slice(0, at)]).fetch);
    assert.deepEqual([error?.code, error?.status], ['network', 'UNAVAILABLE']);
  }
});

test('SDK-75: an answer that is not gRPC-web is of something in between: the connection failed.', async () => {
  for (const [status, code] of [
    [200, 'network'],
    [403, 'network'],
    [404, 'network'],
    [502, 'network'],
    [401, 'UNAUTHENTICATED'],
  ] as const) {
    const { fetch } = answering([], { status, headers: { 'content-type': 'text/html' } });
    assert.equal((await open(fetch)).error?.code, code);
  }
});

test('SDK-75: what no server of ours sends is refused without being kept.', async () => {
  const huge = new Uint8Array(5);
  new DataView(huge.buffer).setUint32(1, LIMITS.frameBytesMax + 1);
  assert.throws(() => new FrameReader().push(huge), { code: 'protocol' });
  assert.throws(() => new FrameReader().push(new Uint8Array([1, 0, 0, 0, 0])), { code: 'protocol' });
  const garbage = encodeFrame(new Uint8Array([0xff, 0xff, 0xff]));
  assert.equal((await open(answering([garbage]).fetch)).error?.code, 'protocol');
});

/** google.rpc.Status with ErrorInfo, RetryInfo and BadRequest, written by hand. */
function details(): string {
  const field = (writer: BinaryWriter, no: number, bytes: Uint8Array): BinaryWriter =>
    writer.tag(no, WireType.LengthDelimited).bytes(bytes);
  const text = (writer: BinaryWriter, no: number, value: string): BinaryWriter =>
    writer.tag(no, WireType.LengthDelimited).string(value);
  const pair = text(text(new BinaryWriter(), 1, 'expected'), 2, '17').finish();
  const info = field(text(text(new BinaryWriter(), 1, 'OUT_OF_ORDER'), 2, 'starling'), 3, pair).finish();
  const duration = new BinaryWriter()
    .tag(1, WireType.Varint)
    .int64(1)
    .tag(2, WireType.Varint)
    .int32(500_000_000);
  const retry = field(new BinaryWriter(), 1, duration.finish()).finish();
  const bad = field(
    new BinaryWriter(),
    1,
    text(text(new BinaryWriter(), 1, 'order'), 2, 'later').finish(),
  ).finish();
  const any = (type: string, value: Uint8Array): Uint8Array =>
    field(text(new BinaryWriter(), 1, `type.googleapis.com/google.rpc.${type}`), 2, value).finish();
  const status = new BinaryWriter().tag(1, WireType.Varint).int32(10);
  field(status, 3, any('ErrorInfo', info));
  field(status, 3, any('RetryInfo', retry));
  field(status, 3, any('BadRequest', bad));
  return base64Encode(status.finish());
}

test('SDK-75: reason, metadata, retry advice and field violations are read from the details of the status.', async () => {
  const end = trailers(
    `grpc-status: 10\r\ngrpc-message: An earlier%20send\r\ngrpc-status-details-bin: ${details().replaceAll('=', '')}\r\n`,
  );
  const { error } = await open(answering([end]).fetch);
  assert.deepEqual(
    [error?.code, error?.status, error?.message, error?.retryAfterMs, error?.metadata],
    ['OUT_OF_ORDER', 'ABORTED', 'An earlier send', 1_500, { expected: '17' }],
  );
  assert.deepEqual(error?.violations, [{ field: 'order', description: 'later' }]);
});

test('SDK-75: a status in the headers counts, one without details has its own name as code, broken details are passed over.', async () => {
  const headers = { 'content-type': 'application/grpc-web+proto', 'grpc-status': '7', 'grpc-message': 'no' };
  assert.equal((await open(answering([], { headers }).fetch)).error?.code, 'PERMISSION_DENIED');
  const broken = new Map([
    ['grpc-status', '14'],
    ['grpc-status-details-bin', '////'],
  ]);
  assert.equal(readStatus((name) => broken.get(name))?.status, 'UNAVAILABLE');
  assert.equal(readStatus(() => undefined)?.code, 'protocol');
});

test('A call names token, deadline and content type, and is one frame.', async () => {
  const { fetch, seen } = answering([trailers('grpc-status: 0\r\n')]);
  const options = {
    address: 'http://x',
    token: 'abc',
    signal: new AbortController().signal,
    timeoutMs: 1_500.2,
  };
  const call = fetchTransport(fetch).unary(
    SessionService.method.listDevices,
    create(SessionService.method.listDevices.input),
    options,
  );
  await assert.rejects(call, { code: 'protocol' }, 'an answer without a message is none');
  const headers = seen[0]?.headers as Record<string, string>;
  assert.equal(headers['authorization'], 'Bearer abc');
  assert.equal(headers['grpc-timeout'], '1501m');
  assert.deepEqual(seen[0]?.body, new Uint8Array(5));
});

test('The user of a token is read from its payload; what is no JSON Web Token names nobody.', () => {
  const payload = Buffer.from(JSON.stringify({ sub: 'ålice' })).toString('base64url');
  assert.equal(subjectOf(`e30.${payload}.sig`), 'ålice');
  for (const none of ['', 'opaque', 'a.b.c', `x.${Buffer.from('{}').toString('base64url')}.y`]) {
    assert.equal(subjectOf(none), undefined);
  }
});
