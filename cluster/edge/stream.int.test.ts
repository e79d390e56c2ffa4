import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { IssueTokenRequestSchema } from '../../proto/gen/starling/server/v1/server_pb.ts';
import {
  framed,
  parseBody,
  reasonOf,
  STREAM_PATH,
  type TestHandlers,
  UNARY_PATH,
  webCall,
  webStream,
  withEdge,
} from './testing/index.ts';

const ask = (userId: string) =>
  framed(toBinary(IssueTokenRequestSchema, create(IssueTokenRequestSchema, { userId })));
const bytes = (text: string) => new TextEncoder().encode(text);

test('All that is sent in one tick is one chunk of the response.', async () => {
  let stream: Parameters<NonNullable<TestHandlers['stream']>>[0] | undefined;
  const opened = Promise.withResolvers<void>();
  const handlers: TestHandlers = {
    stream: (s) => {
      stream = s;
      opened.resolve();
    },
  };
  await withEdge(handlers, async (address) => {
    const response = await webStream(address, STREAM_PATH, { body: framed(new Uint8Array()) });
    await opened.promise;
    stream?.send(bytes('a'));
    stream?.send(bytes('b'), bytes('c'));
    const [chunk] = await once(response, 'data');
    const { messages } = parseBody(chunk as Buffer);
    assert.deepEqual(messages, [bytes('a'), bytes('bc')]);
    assert.equal(stream?.sentBytes, 3);
    response.destroy();
  });
});

test('Response headers of a stream come before its first message.', async () => {
  await withEdge({}, async (address) => {
    const response = await webStream(address, STREAM_PATH, { body: framed(new Uint8Array()) });
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers['x-accel-buffering'], 'no');
    response.destroy();
  });
});

test('A client that leaves closes its stream and aborts its signal.', async () => {
  const closed = Promise.withResolvers<boolean>();
  const stream: TestHandlers['stream'] = (s, { signal }) => {
    s.onClose(() => closed.resolve(s.closed && signal.aborted));
  };
  await withEdge({ stream }, async (address) => {
    const response = await webStream(address, STREAM_PATH, { body: framed(new Uint8Array()) });
    response.destroy();
    assert.ok(await closed.promise);
  });
});

test('A stream whose client does not read is ended, and its connection cut.', async () => {
  const closed = Promise.withResolvers<number>();
  const piece = new Uint8Array(64 * 1024);
  const stream: TestHandlers['stream'] = (s) => {
    let sent = 0;
    const push = () => {
      if (s.closed) return;
      sent++;
      s.send(piece);
      setImmediate(push);
    };
    s.onClose(() => closed.resolve(sent));
    push();
  };
  await withEdge(
    { stream },
    async (address) => {
      const response = await webStream(address, STREAM_PATH, { body: framed(new Uint8Array()) });
      response.pause();
      // The cut shows as an error too, at whatever moment: `once` would take that for a failure.
      response.on('error', () => undefined);
      const gone = new Promise((resolve) => response.once('close', resolve));
      assert.ok((await closed.promise) > 0);
      response.resume();
      await gone;
    },
    { limits: { streamBufferBytesMax: 256 * 1024, lingerMsMax: 50 } },
  );
});

test('One tick that sends more than the bound ends the stream with OVERLOADED.', async () => {
  const stream: TestHandlers['stream'] = (s) => {
    s.send(new Uint8Array(2000));
    s.send(new Uint8Array(1));
  };
  await withEdge(
    { stream },
    async (address) => {
      const answer = await webCall(address, STREAM_PATH, { body: framed(new Uint8Array()) });
      assert.deepEqual([answer.messages.length, answer.status, reasonOf(answer)], [1, 14, 'OVERLOADED']);
    },
    { limits: { streamBufferBytesMax: 1000 } },
  );
});

test('Streams and calls beyond their bounds are refused with OVERLOADED.', async () => {
  const entered = Promise.withResolvers<void>();
  const unary = () => {
    entered.resolve();
    return new Promise<string>(() => undefined);
  };
  const body = framed(new Uint8Array());
  await withEdge(
    { unary },
    async (address) => {
      const first = await webStream(address, STREAM_PATH, { body });
      assert.equal(reasonOf(await webCall(address, STREAM_PATH, { body })), 'OVERLOADED');
      first.destroy();
      const pending = webCall(address, UNARY_PATH, { body: ask('ann') });
      await entered.promise;
      assert.equal(reasonOf(await webCall(address, UNARY_PATH, { body: ask('ann') })), 'OVERLOADED');
      pending.catch(() => undefined);
    },
    { limits: { streamsMax: 1, callsMax: 1 } },
  );
});
