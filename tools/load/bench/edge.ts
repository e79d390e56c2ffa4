// The bare cost of a unary call: Navigate with a token, on 50 connections, one call in flight on each.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import {
  NavigateRequestSchema,
  NavigateResponseSchema,
  SessionService,
} from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { pathOf } from '../api.ts';
import { cpuSeconds } from '../node-process.ts';
import { RequestHead, UnarySocket } from '../wire.ts';
import { type Arm, type ArmOptions, type Bench, issueTokens, type Measured, withNode } from './arm.ts';

const CONNECTIONS = 50;
const PATH = pathOf(SessionService.method.navigate);

/** One call on one connection; resolves with the encoded answer. */
type Call = () => Promise<Uint8Array>;

interface Wire {
  readonly calls: readonly Call[];
  close(): void;
}

/** gRPC-web on HTTP/1.1. */
export function edgeHttp1Arm(): Arm {
  return edgeArm('http1', ({ node }, token) => {
    const request = new RequestHead(node.endpoint, PATH, token).request(navigate());
    const sockets = Array.from({ length: CONNECTIONS }, () => new UnarySocket(node.endpoint));
    return {
      calls: sockets.map((socket) => () => socket.call(request)),
      close: () => {
        for (const socket of sockets) socket.close();
      },
    };
  });
}

/** Native gRPC, grpc-js on both sides. */
export function edgeGrpcArm(): Arm {
  return edgeArm('grpcjs', ({ node }, token) => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const request = navigate();
    // Without a pool of its own every client would share one connection.
    const clients = Array.from(
      { length: CONNECTIONS },
      () =>
        new Client(`127.0.0.1:${node.grpcPort}`, credentials.createInsecure(), {
          'grpc.use_local_subchannel_pool': 1,
        }),
    );
    return {
      calls: clients.map((client) => () => grpcCall(client, request, metadata)),
      close: () => {
        for (const client of clients) client.close();
      },
    };
  });
}

function navigate(): Buffer {
  return Buffer.from(toBinary(NavigateRequestSchema, create(NavigateRequestSchema)));
}

function grpcCall(client: Client, request: Buffer, metadata: Metadata): Promise<Uint8Array> {
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(PATH, same, same, request, metadata, (error, answer) => {
      if (error !== null || answer === undefined) reject(error ?? new Error('no answer'));
      else resolve(answer);
    });
  });
}

function edgeArm(wireName: string, connect: (bench: Bench, token: string) => Wire): Arm {
  const name = `edge.unary.cpu_us.${wireName}`;
  return {
    name: `edge.${wireName}`,
    prefixes: [name],
    run: (options) => withNode(options, (bench) => run(bench, options, name, connect)),
  };
}

async function run(
  bench: Bench,
  { quick }: ArmOptions,
  name: string,
  connect: (bench: Bench, token: string) => Wire,
): Promise<Measured[]> {
  const [token = ''] = await issueTokens(bench.backend, ['caller']);
  const wire = connect(bench, token);
  try {
    await callFor(wire.calls, quick ? 700 : 2_000);
    const cpu = cpuSeconds(bench.node.pid);
    const count = await callFor(wire.calls, quick ? 1_500 : 4_000);
    return [{ name, value: ((cpuSeconds(bench.node.pid) - cpu) * 1e6) / count, unit: 'us' }];
  } finally {
    wire.close();
  }
}

// Calls on all connections for a while; returns how many. Each answer is looked at.
async function callFor(calls: readonly Call[], forMs: number): Promise<number> {
  const until = performance.now() + forMs;
  const lanes = calls.map(async (call) => {
    let count = 0;
    while (performance.now() < until) {
      const answer = await call();
      count += 1;
      if (count % 64 === 1 && fromBinary(NavigateResponseSchema, answer).userId !== 'caller')
        throw new Error('an answer is for somebody else');
    }
    return count;
  });
  return (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0);
}
