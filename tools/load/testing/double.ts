// A server for the tests of the load tools: speaks gRPC-web over HTTP/1.1 on a real port and keeps conversations and
// timelines in memory, outside of what `kill` ends, as a disk would. Owns: as much of the client API as load uses. Does
// not own: limits, permissions, tokens (a token is `user:<id>` or `backend`).

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  OpenRequestSchema,
  OpenResponseSchema,
  SessionService,
} from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { pathOf } from '../api.ts';
import { FrameReader, frame } from '../frames.ts';
import type { Endpoint } from '../wire.ts';
import { type Handler, Refusal } from './double-codec.ts';
import { unaryHandlers } from './double-handlers.ts';
import { DoubleState, type Feed } from './double-state.ts';

/** What goes wrong on purpose. */
export interface DoubleFaults {
  /** Forgets the last row of every log when killed: loses what was acked. Default false. */
  readonly forgetsOnKill?: boolean;
  /** Answers this share of the sends with UNAVAILABLE after having done them. Default 0. */
  readonly unknownShare?: number;
  /** Does not recognise repeats. Default false. */
  readonly storesRepeats?: boolean;
}

/** The server; starts and dies as often as wanted, on one port. */
export class DoubleNode {
  readonly state: DoubleState;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #faults: DoubleFaults;
  #server: Server | undefined;
  #port = 0;

  constructor(faults: DoubleFaults = {}) {
    this.#faults = faults;
    this.state = new DoubleState(faults.storesRepeats === true);
    this.#handlers = unaryHandlers(this.state, faults.unknownShare ?? 0);
  }

  get endpoint(): Endpoint {
    return { host: '127.0.0.1', port: this.#port };
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    this.state.streamsLost();
    if (this.#faults.forgetsOnKill === true) this.state.forgetLastRows();
  }

  backendToken(): Promise<string> {
    return Promise.resolve('backend');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      let message = Buffer.alloc(0);
      new FrameReader({
        message: (bytes) => {
          message = Buffer.from(bytes);
        },
        trailers: () => undefined,
      }).feed(Buffer.concat(parts));
      const userId = (request.headers.authorization ?? '').replace('Bearer user:', '');
      response.setHeader('content-type', 'application/grpc-web+proto');
      if (request.url === pathOf(SessionService.method.open)) this.#open(message, userId, response);
      else void this.#unary(request.url ?? '', message, userId, response);
    });
  }

  #open(message: Buffer, userId: string, response: ServerResponse): void {
    const { cursor, deviceId } = fromBinary(OpenRequestSchema, message);
    const feed: Feed = {
      send: (value) => {
        response.write(frame(toBinary(OpenResponseSchema, create(OpenResponseSchema, value))));
      },
      end: () => response.end(trailers(0, '')),
    };
    response.on('close', () => this.state.closeFeed(userId, deviceId, feed));
    this.state.openFeed(userId, deviceId, cursor, feed);
  }

  async #unary(path: string, message: Buffer, userId: string, response: ServerResponse): Promise<void> {
    const handler = this.#handlers.get(path);
    let body: Buffer;
    try {
      if (handler === undefined) throw new Refusal(12, `no ${path}`);
      body = Buffer.concat([frame(await handler(message, userId)), trailers(0, '')]);
    } catch (error) {
      body = error instanceof Refusal ? trailers(error.status, error.message) : trailers(13, String(error));
    }
    response.setHeader('content-length', body.length);
    response.end(body);
  }
}

function trailers(status: number, message: string): Buffer {
  const framed = frame(
    Buffer.from(`grpc-status:${status}\r\ngrpc-message:${encodeURIComponent(message)}\r\n`),
  );
  framed[0] = 0x80;
  return framed;
}
