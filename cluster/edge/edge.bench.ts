// Benchmark of the edge: `node cluster/edge/edge.bench.ts`. Server and generator are two processes; figures are the
// server's own CPU time. Arms are interleaved, the median of three is shown.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { create, toBinary } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { OpenRequestSchema } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { IssueTokenRequestSchema } from '../../proto/gen/starling/server/v1/server_pb.ts';
import type { BenchCommand, BenchReply } from './testing/bench-server.ts';

const ROUNDS = 3;
const UNARY_CALLS = 20_000;
const UNARY_CONNECTIONS = 50;
const PUSH_CONNECTIONS = 1000;
const PUSH_ROUNDS = 60;
const IDLE_CONNECTIONS = 4000;
const UNARY_PATH = '/starling.server.v1.TokenService/IssueToken';
const OPEN_PATH = '/starling.im.v1.SessionService/Open';
// Stands for a token: headers are a part of the cost.
const AUTHORIZATION = `Bearer ${'t'.repeat(250)}`;

type Ready = Extract<BenchReply, { kind: 'ready' }>;
type Usage = Extract<BenchReply, { kind: 'usage' }>;

class BenchServer {
  readonly #child: ChildProcess;
  readonly addresses: Ready;

  private constructor(child: ChildProcess, addresses: Ready) {
    this.#child = child;
    this.addresses = addresses;
  }

  static async start(): Promise<BenchServer> {
    const child = fork(fileURLToPath(new URL('testing/bench-server.ts', import.meta.url)), {
      execArgv: ['--expose-gc'],
    });
    const [ready] = await once(child, 'message');
    return new BenchServer(child, ready as Ready);
  }

  async ask(command: BenchCommand): Promise<Usage> {
    this.#child.send(command);
    const [reply] = await once(this.#child, 'message');
    return reply as Usage;
  }

  async stop(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}

function frame(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** A whole request of HTTP/1.1, as a browser would send it. */
function httpRequest(path: string, message: Uint8Array): Buffer {
  const body = frame(message);
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/grpc-web+proto',
    `authorization: ${AUTHORIZATION}`,
    'x-grpc-web: 1',
    'user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36',
    'accept: */*',
    `content-length: ${body.length}`,
    '',
    '',
  ];
  return Buffer.concat([Buffer.from(lines.join('\r\n')), body]);
}

async function open(address: string): Promise<Socket> {
  const [host, port] = address.split(':');
  const socket = connect({ host: host ?? '', port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

const unaryMessage = toBinary(
  IssueTokenRequestSchema,
  create(IssueTokenRequestSchema, { userId: 'u'.repeat(200), deviceId: 'd' }),
);
const openMessage = toBinary(OpenRequestSchema, create(OpenRequestSchema, { deviceId: 'd' }));

/** Calls one after the other on each of several connections; a response is complete with the last byte of its trailers. */
async function unaryHttp1(address: string): Promise<void> {
  const request = httpRequest(UNARY_PATH, unaryMessage);
  let left = UNARY_CALLS;
  await Promise.all(
    Array.from({ length: UNARY_CONNECTIONS }, async () => {
      const socket = await open(address);
      await new Promise<void>((resolve) => {
        const next = () => {
          if (left-- > 0) socket.write(request);
          else resolve();
        };
        socket.on('data', (chunk) => {
          if (chunk.subarray(-2).toString() === '\r\n') next();
        });
        next();
      });
      socket.destroy();
    }),
  );
}

async function unaryGrpc(address: string): Promise<void> {
  let left = UNARY_CALLS;
  const raw = (bytes: Buffer): Buffer => bytes;
  const { Metadata } = await import('@grpc/grpc-js');
  const metadata = new Metadata();
  metadata.set('authorization', AUTHORIZATION);
  const clients = Array.from({ length: UNARY_CONNECTIONS }, (_, i) => {
    return new Client(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      bench: i,
    });
  });
  const message = Buffer.from(unaryMessage);
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          const next = () => {
            if (left-- <= 0) resolve();
            else {
              client.makeUnaryRequest(UNARY_PATH, raw, raw, message, metadata, (error) => {
                if (error === null) next();
                else reject(error);
              });
            }
          };
          next();
        }),
    ),
  );
  for (const client of clients) client.close();
}

/** Opens streams (or bare sockets) and reads and drops what comes. */
async function openStreams(address: string, count: number, request: Buffer | undefined): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Math.min(100, count - sockets.length);
    const opened = await Promise.all(Array.from({ length: batch }, () => open(address)));
    for (const socket of opened) {
      socket.on('data', () => undefined);
      if (request !== undefined) socket.write(request);
    }
    sockets.push(...opened);
  }
  return sockets;
}

async function settled(server: BenchServer, streams: number): Promise<Usage> {
  for (;;) {
    const usage = await server.ask({ kind: 'usage' });
    if (usage.streams === streams) return usage;
  }
}

const openRequest = httpRequest(OPEN_PATH, openMessage);

async function unaryMicros(run: (address: string) => Promise<void>, port: 'http' | 'grpc'): Promise<number> {
  const server = await BenchServer.start();
  await run(server.addresses[port]); // Warm-up.
  const before = await server.ask({ kind: 'usage' });
  await run(server.addresses[port]);
  const after = await server.ask({ kind: 'usage' });
  await server.stop();
  return (after.cpuMicros - before.cpuMicros) / UNARY_CALLS;
}

async function deliveriesPerCpuSecond(to: 'edge' | 'raw'): Promise<number> {
  const server = await BenchServer.start();
  const { http, raw } = server.addresses;
  const sockets = await openStreams(
    to === 'edge' ? http : raw,
    PUSH_CONNECTIONS,
    to === 'edge' ? openRequest : undefined,
  );
  await settled(server, PUSH_CONNECTIONS);
  const before = await server.ask({ kind: 'push', to, rounds: PUSH_ROUNDS });
  const after = await server.ask({ kind: 'push', to, rounds: PUSH_ROUNDS });
  for (const socket of sockets) socket.destroy();
  await server.stop();
  return (PUSH_CONNECTIONS * PUSH_ROUNDS * 1e6) / (after.cpuMicros - before.cpuMicros);
}

async function bytesPerConnection(): Promise<number> {
  const server = await BenchServer.start();
  const { http: address } = server.addresses;
  const request = openRequest;
  const warm = await openStreams(address, 200, request);
  const before = await settled(server, warm.length);
  const sockets = await openStreams(address, IDLE_CONNECTIONS, request);
  await settled(server, warm.length + IDLE_CONNECTIONS);
  const after = await server.ask({ kind: 'usage' });
  for (const socket of [...warm, ...sockets]) socket.destroy();
  await server.stop();
  return (after.rssBytes - before.rssBytes) / IDLE_CONNECTIONS;
}

const ARMS: readonly { name: string; unit: string; run: () => Promise<number> }[] = [
  { name: 'edge.unary.grpc', unit: 'µs CPU a call', run: () => unaryMicros(unaryGrpc, 'grpc') },
  { name: 'edge.unary.web_http1', unit: 'µs CPU a call', run: () => unaryMicros(unaryHttp1, 'http') },
  { name: 'edge.push.web_http1', unit: 'deliveries/CPU-s', run: () => deliveriesPerCpuSecond('edge') },
  { name: 'limit.http1_write', unit: 'deliveries/CPU-s', run: () => deliveriesPerCpuSecond('raw') },
  { name: 'edge.idle.web_http1', unit: 'bytes a connection', run: bytesPerConnection },
];

const chosen = ARMS.filter(({ name }) => name.includes(process.argv[2] ?? ''));
const samples = new Map(chosen.map(({ name }) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, run } of chosen) samples.get(name)?.push(await run());
}
console.table(
  chosen.map(({ name, unit }) => {
    const sorted = (samples.get(name) ?? []).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return { name, median: Math.round(median * 10) / 10, unit, samples: sorted.map(Math.round).join(' ') };
  }),
);
process.exit(0);
