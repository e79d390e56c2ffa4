import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { CallFailure } from './failure.ts';
import { frame } from './frames.ts';
import { type Endpoint, RequestHead, UnaryPool, UnarySocket, WireStream } from './wire.ts';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that hands each request's body to `answer` and writes what it gives, in pieces of so many bytes. */
async function serve(answer: (socket: Socket, body: Buffer, head: string) => void): Promise<Endpoint> {
  const server = createServer((socket) => {
    let held: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      for (;;) {
        const end = held.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = held.toString('latin1', 0, end);
        const length = Number(/content-length: (\d+)/.exec(head)?.[1]);
        if (held.length < end + 4 + length) return;
        const body = held.subarray(end + 9, end + 4 + length);
        held = held.subarray(end + 4 + length);
        answer(socket, body, head);
      }
    });
    closers.push(() => socket.destroy());
  });
  closers.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function trailers(text: string): Buffer {
  const framed = frame(Buffer.from(text));
  framed[0] = 0x80;
  return framed;
}

const OK = trailers('grpc-status: 0\r\n');

function withLength(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
}

function chunked(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = [Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

function head(endpoint: Endpoint): RequestHead {
  return new RequestHead(endpoint, '/a.B/C', 'secret');
}

function socketTo(endpoint: Endpoint): UnarySocket {
  const socket = new UnarySocket(endpoint);
  closers.push(() => socket.close());
  return socket;
}

async function failure(of: Promise<unknown>): Promise<CallFailure> {
  const error = await of.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CallFailure, String(error));
  return error;
}

describe('unary socket', () => {
  test('A request carries path, token and the framed message; the answer is the message that came back.', async () => {
    const heads: string[] = [];
    const endpoint = await serve((socket, body, text) => {
      heads.push(text);
      socket.write(withLength(Buffer.concat([frame(Buffer.concat([body, body])), OK])));
    });
    const socket = socketTo(endpoint);
    assert.equal((await socket.call(head(endpoint).request(Buffer.from('ab')))).toString(), 'abab');
    assert.equal((await socket.call(head(endpoint).request(Buffer.from('c')))).toString(), 'cc');
    assert.match(heads[0] ?? '', /^POST \/a\.B\/C HTTP\/1\.1\r\n/);
    assert.match(heads[0] ?? '', /\r\nauthorization: Bearer secret\r\n/);
    assert.equal(socket.busy, false);
  });

  test('An answer is read whatever the pieces it comes in, with a length and in chunks.', async () => {
    const message = Buffer.from('x'.repeat(1_000));
    const answers = [
      withLength,
      ...[1, 3, 7, 4_096].map((size) => (body: Buffer) => chunked(body, size)),
    ].map((wrap) => wrap(Buffer.concat([frame(message), OK])));
    for (const answer of answers) {
      const endpoint = await serve((socket) => {
        // One byte a write would be joined by the system, so the reader is fed byte by byte in http1.test.ts.
        for (let at = 0; at < answer.length; at += 97) socket.write(answer.subarray(at, at + 97));
      });
      const got = await socketTo(endpoint).call(head(endpoint).request(Buffer.alloc(0)));
      assert.deepEqual(got, message);
    }
  });

  test('A status in trailers, or in the head of an answer without a body, becomes a failure.', async () => {
    const answers = [
      withLength(trailers('grpc-status: 10\r\ngrpc-message: not%20yet\r\n')),
      Buffer.from('HTTP/1.1 200 OK\r\ngrpc-status: 7\r\ngrpc-message: no\r\ncontent-length: 0\r\n\r\n'),
      Buffer.from('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'),
      Buffer.from('HTTP/1.1 404 Gone\r\ncontent-length: 0\r\n\r\n'),
      withLength(frame(Buffer.from('cut off'))),
    ];
    const endpoint = await serve((socket) => socket.write(answers.shift() ?? Buffer.alloc(0)));
    const socket = socketTo(endpoint);
    const request = head(endpoint).request(Buffer.alloc(0));
    const aborted = await failure(socket.call(request));
    assert.deepEqual(
      [aborted.status, aborted.repeatable, aborted.message],
      ['ABORTED', true, 'ABORTED: not yet'],
    );
    const denied = await failure(socket.call(request));
    assert.deepEqual([denied.status, denied.repeatable], ['PERMISSION_DENIED', false]);
    assert.equal((await failure(socket.call(request))).status, 'UNAVAILABLE');
    assert.equal((await failure(socket.call(request))).status, 'UNKNOWN');
    assert.equal((await failure(socket.call(request))).status, 'UNAVAILABLE');
  });

  test('A lost connection fails the call as unknown, and the next call opens another.', async () => {
    let calls = 0;
    const endpoint = await serve((socket) => {
      calls += 1;
      if (calls === 1) socket.destroy();
      else socket.write(withLength(Buffer.concat([frame(Buffer.from('ok')), OK])));
    });
    const socket = socketTo(endpoint);
    const request = head(endpoint).request(Buffer.alloc(0));
    assert.equal((await failure(socket.call(request))).repeatable, true);
    assert.equal((await socket.call(request)).toString(), 'ok');
  });

  test('A server that does not answer in time, or that nobody runs, is a failure that may be repeated.', async () => {
    const silent = await serve(() => undefined);
    const late = await failure(socketTo(silent).call(head(silent).request(Buffer.alloc(0)), 10));
    assert.deepEqual([late.status, late.repeatable], ['DEADLINE_EXCEEDED', true]);
    const nobody = { host: '127.0.0.1', port: 1 };
    assert.equal(
      (await failure(socketTo(nobody).call(head(nobody).request(Buffer.alloc(0))))).status,
      'UNAVAILABLE',
    );
  });

  test('Bytes that are not HTTP end the connection and fail the call.', async () => {
    const endpoint = await serve((socket) => socket.write('SSH-2.0-nonsense\r\n\r\n'));
    assert.equal(
      (await failure(socketTo(endpoint).call(head(endpoint).request(Buffer.alloc(0))))).status,
      'UNAVAILABLE',
    );
  });

  test('A closed socket takes no further calls.', async () => {
    const endpoint = await serve(() => undefined);
    const socket = socketTo(endpoint);
    const pending = failure(socket.call(head(endpoint).request(Buffer.alloc(0))));
    socket.close();
    assert.equal((await pending).status, 'UNAVAILABLE');
    assert.equal((await failure(socket.call(head(endpoint).request(Buffer.alloc(0))))).status, 'UNAVAILABLE');
  });
});

describe('unary pool', () => {
  test('It opens no more sockets than it may, and every call is answered with its own answer.', async () => {
    const sockets = new Set<Socket>();
    const endpoint = await serve((socket, body) => {
      sockets.add(socket);
      setImmediate(() => socket.write(withLength(Buffer.concat([frame(body), OK]))));
    });
    const pool = new UnaryPool(endpoint, 3);
    closers.push(() => pool.close());
    const calls = Array.from({ length: 50 }, (_, n) =>
      pool.call(head(endpoint).request(Buffer.from(`call ${n}`))),
    );
    assert.deepEqual(
      (await Promise.all(calls)).map((answer) => answer.toString()),
      Array.from({ length: 50 }, (_, n) => `call ${n}`),
    );
    assert.equal(sockets.size, 3);
  });
});

describe('stream', () => {
  async function collect(
    answer: Buffer,
    cut = false,
  ): Promise<{ messages: string[]; failure: CallFailure | undefined }> {
    const endpoint = await serve((socket) => {
      socket.write(answer);
      if (cut) socket.end();
    });
    const messages: string[] = [];
    const { promise, resolve } = Promise.withResolvers<CallFailure | undefined>();
    const stream = new WireStream(endpoint, head(endpoint).request(Buffer.alloc(0)), {
      message: (bytes) => messages.push(bytes.toString()),
      end: resolve,
    });
    const ended = await promise;
    assert.equal(stream.ended, true);
    return { messages, failure: ended };
  }

  const three = Buffer.concat(['a', 'bb', 'ccc'].map((text) => frame(Buffer.from(text))));

  test('Messages come one by one in order; trailers end it well.', async () => {
    for (const size of [1, 6, 8, 1_000])
      assert.deepEqual(await collect(chunked(Buffer.concat([three, OK]), size)), {
        messages: ['a', 'bb', 'ccc'],
        failure: undefined,
      });
  });

  test('A status in the trailers and a cut connection end it with a failure.', async () => {
    const refused = await collect(chunked(Buffer.concat([three, trailers('grpc-status: 16\r\n')]), 5));
    assert.deepEqual([refused.messages.length, refused.failure?.status], [3, 'UNAUTHENTICATED']);
    const whole = chunked(Buffer.concat([three, OK]), 5);
    const cut = await collect(whole.subarray(0, whole.length - 30), true);
    assert.equal(cut.failure?.status, 'UNAVAILABLE');
  });
});
