// The server of the benchmark, in a process of its own so that its CPU time is its own. Told by the parent what to do.

import { createServer, type Socket } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  OpenResponseSchema,
  SessionService,
  WelcomeSchema,
} from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { IssueTokenResponseSchema, TokenService } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import {
  bindService,
  type Principal,
  type ServerStream,
  type ServiceBinding,
} from '../../../runtime/service.ts';
import { systemClock } from '../../clock/index.ts';
import { startEdge } from '../index.ts';

/** What the parent asks. */
export type BenchCommand =
  | { readonly kind: 'usage' }
  | { readonly kind: 'push'; readonly to: 'edge' | 'raw'; readonly rounds: number };

/** What comes back: addresses once at the start, then one answer a command. */
export type BenchReply =
  | { readonly kind: 'ready'; readonly http: string; readonly grpc: string; readonly raw: string }
  | {
      readonly kind: 'usage';
      readonly cpuMicros: number;
      readonly rssBytes: number;
      readonly streams: number;
    };

const BODY_BYTES = 200;
const principal: Principal = {
  tenant: 'main',
  userId: 'bench',
  deviceId: undefined,
  scope: 'user',
  expiresAtMs: Number.MAX_SAFE_INTEGER,
};

const streams = new Set<ServerStream>();
const rawSockets = new Set<Socket>();
const token = 'x'.repeat(BODY_BYTES);
const body = toBinary(
  OpenResponseSchema,
  create(OpenResponseSchema, {
    frame: { case: 'welcome', value: create(WelcomeSchema, { features: [token] }) },
  }),
);

const services: ServiceBinding[] = [
  bindService(TokenService, ['user'], {
    issueToken: ({ userId }) => create(IssueTokenResponseSchema, { token: userId, expireTimeMs: 1n }),
  }),
  {
    service: SessionService,
    allow: ['user'],
    handlers: {
      open: ((_request: unknown, stream: ServerStream) => {
        streams.add(stream);
        stream.onClose(() => streams.delete(stream));
      }) as never,
    },
  },
];
const local = { host: '127.0.0.1', port: 0 };
const edge = await startEdge({
  services,
  authenticator: { authenticate: () => principal },
  clock: systemClock(),
  http: local,
  grpc: local,
  health: () => ({ ok: true, detail: 'ok' }),
  allowedOrigins: '*',
});

// The limit: the same bytes, as a chunk of HTTP/1.1, built once and written to bare sockets.
const chunk = Buffer.concat([
  Buffer.from(`${(body.length + 5).toString(16)}\r\n\0\0\0\0${String.fromCharCode(body.length)}`, 'latin1'),
  body,
  Buffer.from('\r\n'),
]);
const raw = createServer({ noDelay: true }, (socket) => {
  rawSockets.add(socket);
  socket.on('data', () => undefined);
  socket.on('error', () => undefined);
  socket.on('close', () => rawSockets.delete(socket));
});
raw.listen(0, '127.0.0.1', () => {
  const address = raw.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  send({ kind: 'ready', http: edge.httpAddress, grpc: edge.grpcAddress, raw: `127.0.0.1:${port}` });
});

function send(reply: BenchReply): void {
  process.send?.(reply);
}

function usage(): void {
  // Returns pages too: what opening connections left behind is no cost of holding them.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { user, system } = process.cpuUsage();
  send({
    kind: 'usage',
    cpuMicros: user + system,
    rssBytes: process.memoryUsage.rss(),
    streams: streams.size + rawSockets.size,
  });
}

/** One message to every connection a turn of the loop. */
function push(to: 'edge' | 'raw', rounds: number): void {
  if (rounds === 0) {
    usage();
    return;
  }
  if (to === 'raw') for (const socket of rawSockets) socket.write(chunk);
  else for (const stream of streams) stream.send(body);
  setImmediate(() => push(to, rounds - 1));
}

process.on('message', (command: BenchCommand) => {
  if (command.kind === 'usage') usage();
  else push(command.to, command.rounds);
});
process.on('disconnect', () => process.exit(0));
