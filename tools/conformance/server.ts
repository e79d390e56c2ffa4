// The server under test: told by the runner on standard input what to serve, answers where, and serves until it is ended.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { systemClock } from '../../cluster/clock/index.ts';
import type { EdgeOptions } from '../../cluster/edge/index.ts';
import { startEdgeWith, statusOf } from '../../cluster/edge/internal.ts';
import type { StarlingError } from '../../runtime/errors.ts';
import type { Principal } from '../../runtime/service.ts';
import { Protocol } from './gen/connectrpc/conformance/v1/config_pb.ts';
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from './gen/connectrpc/conformance/v1/server_compat_pb.ts';
import { conformanceService } from './service.ts';

const LENGTH_BYTES = 4;

/** Reads one message, with its length in front. */
async function readRequest(): Promise<Uint8Array> {
  let seen = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    seen = Buffer.concat([seen, chunk as Buffer]);
    if (seen.length < LENGTH_BYTES) continue;
    const end = LENGTH_BYTES + seen.readUInt32BE(0);
    if (seen.length >= end) return seen.subarray(LENGTH_BYTES, end);
  }
  throw new Error('Standard input ended before the request was complete.');
}

const request = fromBinary(ServerCompatRequestSchema, await readRequest());
const creds = request.useTls ? request.serverCreds : undefined;
const anybody: Principal = {
  tenant: 'main',
  userId: 'conformance',
  deviceId: undefined,
  scope: 'user',
  expiresAtMs: Number.MAX_SAFE_INTEGER,
};
const local = { host: '127.0.0.1', port: 0 };

// The runner compares the details of an error too, and expects none of errors that the server finds by itself; ours carry
// an ErrorInfo. Code and message stay as they are.
const withoutDetails = (error: StarlingError) => ({ ...statusOf(error), details: undefined });

const options: EdgeOptions = {
  services: [conformanceService()],
  authenticator: { authenticate: () => anybody },
  clock: systemClock(),
  http: local,
  grpc: local,
  health: () => ({ ok: true, detail: 'ok' }),
  allowedOrigins: '*',
  log: ({ text, method, error }) => console.error(text, method ?? '', error ?? ''),
  ...(creds === undefined ? {} : { tls: { cert: Buffer.from(creds.cert), key: Buffer.from(creds.key) } }),
  ...(request.messageReceiveLimit > 0 ? { limits: { messageBytesMax: request.messageReceiveLimit } } : {}),
};
const edge = await startEdgeWith(options, withoutDetails);
const address = request.protocol === Protocol.GRPC ? edge.grpcAddress : edge.httpAddress;
const response = toBinary(
  ServerCompatResponseSchema,
  create(ServerCompatResponseSchema, {
    host: '127.0.0.1',
    port: Number(address.slice(address.lastIndexOf(':') + 1)),
    pemCert: creds?.cert ?? new Uint8Array(),
  }),
);
const length = Buffer.alloc(LENGTH_BYTES);
length.writeUInt32BE(response.length);
process.stdout.write(Buffer.concat([length, response]));
process.once('SIGTERM', () => void edge.close().then(() => process.exit(0)));
