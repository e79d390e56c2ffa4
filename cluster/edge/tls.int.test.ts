import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { create, toBinary } from '@bufbuild/protobuf';
import { IssueTokenRequestSchema } from '../../proto/gen/starling/server/v1/server_pb.ts';
import { selfSigned } from '../nats/testing/certificate.ts';
import { framed, UNARY_PATH, withEdge } from './testing/index.ts';

/** A whole request; `connection`: what becomes of the connection after it. */
function request(userId: string, connection: 'keep-alive' | 'close'): Buffer {
  const body = framed(toBinary(IssueTokenRequestSchema, create(IssueTokenRequestSchema, { userId })));
  const head =
    `POST ${UNARY_PATH} HTTP/1.1\r\nhost: a\r\nauthorization: user\r\nconnection: ${connection}\r\n` +
    `content-type: application/grpc-web\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

test('A request over TLS whose pieces come while an answer is on its way out is answered in its turn.', async () => {
  const tls = selfSigned('127.0.0.1');
  // More than the buffers between both ends hold, so that it is on its way out until the client reads.
  const long = 'x'.repeat(8_000_000);
  await withEdge(
    { unary: ({ userId }) => `${long}<${userId.length}>` },
    async (address) => {
      const [host, port] = address.split(':');
      const socket = connect({ host, port: Number(port), ca: tls.cert });
      socket.write(request('ann', 'keep-alive'));
      await once(socket, 'readable');
      // A TLS record takes 16 KiB: the headers come with one, and the server has the next ones in the same read.
      socket.write(request('b'.repeat(40_000), 'close'));
      const answers = await text(socket);
      assert.deepEqual(answers.match(/HTTP\/1\.1 \d+|<\d+>|grpc-status: \d+/g), [
        'HTTP/1.1 200',
        '<3>',
        'grpc-status: 0',
        'HTTP/1.1 200',
        '<40000>',
        'grpc-status: 0',
      ]);
    },
    { tls },
  );
});
