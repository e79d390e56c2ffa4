// A lean gRPC-web client over HTTP/1.1 for load: raw sockets that are kept alive, request heads encoded once, answers
// read without copies. Owns: one unary call at a time per socket, a bounded pool of such sockets, and one streaming call
// per socket. Does not own: which messages are sent, when they are repeated, what the frames mean.
//
// Invariants:
// 1. A unary socket has at most one call in flight; its answer settles that call exactly once.
// 2. A socket that closed, or answered what cannot be read, is never used again; its call fails as unknown.

import { connect, type Socket } from 'node:net';
import { CallFailure, failureOf } from './failure.ts';
import { FrameReader } from './frames.ts';
import { type ResponseHead, ResponseReader } from './http1.ts';

/** Where to connect. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Source address, e.g. `127.0.0.7`, for more connections than one address has ports. */
  readonly localAddress?: string;
}

/** Everything of a request that stays the same between calls: method and headers. */
export class RequestHead {
  readonly #text: string;

  /** `path` is `/<service>/<method>`; `token` goes into `authorization`, undefined = none is sent. */
  constructor(endpoint: Endpoint, path: string, token: string | undefined) {
    const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
    this.#text =
      `POST ${path} HTTP/1.1\r\nhost: ${endpoint.host}:${endpoint.port}\r\n${authorization}` +
      'content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: ';
  }

  /** The bytes of one request with this message. */
  request(message: Uint8Array): Buffer {
    const head = `${this.#text}${message.length + 5}\r\n\r\n`;
    const bytes = Buffer.allocUnsafe(head.length + 5 + message.length);
    bytes.write(head, 0, 'latin1');
    bytes[head.length] = 0;
    bytes.writeUInt32BE(message.length, head.length + 1);
    bytes.set(message, head.length + 5);
    return bytes;
  }
}

interface Pending {
  resolve(answer: Buffer): void;
  reject(failure: CallFailure): void;
}

/** One kept-alive socket for unary calls. Opens on first use and again after it was lost. */
export class UnarySocket {
  readonly #endpoint: Endpoint;
  #socket: Socket | undefined;
  #pending: Pending | undefined;
  #closed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** True while a call is in flight. */
  get busy(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * Makes one call; `request` comes from RequestHead. Resolves with the encoded answer (its own copy).
   * @throws CallFailure with the server's status, or UNAVAILABLE / DEADLINE_EXCEEDED when none came within `timeoutMs`.
   */
  call(request: Buffer, timeoutMs = 15_000): Promise<Buffer> {
    if (this.#pending !== undefined) throw new Error('a call is in flight on this socket');
    if (this.#closed) return Promise.reject(new CallFailure('UNAVAILABLE', 'the client was closed'));
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const timer = setTimeout(
      () => this.#lose(new CallFailure('DEADLINE_EXCEEDED', 'no answer in time')),
      timeoutMs,
    );
    this.#pending = {
      resolve: (answer) => {
        clearTimeout(timer);
        resolve(answer);
      },
      reject: (failure) => {
        clearTimeout(timer);
        reject(failure);
      },
    };
    this.#socket ??= this.#open();
    this.#socket.write(request);
    return promise;
  }

  /** Closes for good; a call in flight fails. */
  close(): void {
    this.#closed = true;
    this.#lose(new CallFailure('UNAVAILABLE', 'the client was closed'));
  }

  #open(): Socket {
    const socket = connectTo(this.#endpoint);
    const lost = (reason: string): void => {
      if (this.#socket === socket) this.#lose(new CallFailure('UNAVAILABLE', reason));
    };
    const answer = new AnswerReader((result) => {
      if (this.#socket === socket) this.#answered(result);
    });
    socket.on('data', (bytes) => answer.feed(bytes, lost));
    socket.on('error', (error) => lost(error.message));
    socket.on('close', () => lost('the connection was lost'));
    return socket;
  }

  #answered(result: Buffer | CallFailure): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (result instanceof CallFailure) pending?.reject(result);
    else pending?.resolve(result);
  }

  #lose(failure: CallFailure): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#answered(failure);
  }
}

// Collects the one message and the status of each answer on a unary socket.
class AnswerReader {
  readonly #reader: ResponseReader;
  #message: Buffer | undefined;
  #outcome = new OutcomeReader();

  constructor(done: (result: Buffer | CallFailure) => void) {
    this.#reader = new ResponseReader({
      head: (head) => {
        this.#message = undefined;
        this.#outcome = new OutcomeReader();
        this.#outcome.head(head);
        this.#frames = new FrameReader({
          message: (bytes) => {
            this.#message = Buffer.from(bytes);
          },
          trailers: (trailers) => this.#outcome.trailers(trailers),
        });
      },
      body: (piece) => this.#frames?.feed(piece),
      end: () => {
        const failure = this.#outcome.failure();
        done(failure ?? this.#message ?? new CallFailure('INTERNAL', 'the answer holds no message'));
      },
    });
  }

  #frames: FrameReader | undefined;

  feed(bytes: Buffer, lost: (reason: string) => void): void {
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      lost(`the answer cannot be read: ${String(error)}`);
    }
  }
}

// The status of a call, from the head of the response, its trailers, or the lack of both.
class OutcomeReader {
  #http = 200;
  #trailers: ReadonlyMap<string, string> | undefined;

  head(head: ResponseHead): void {
    this.#http = head.status;
    if (head.headers.has('grpc-status')) this.#trailers = head.headers;
  }

  trailers(trailers: ReadonlyMap<string, string>): void {
    this.#trailers = trailers;
  }

  // Undefined = the call ended well.
  failure(): CallFailure | undefined {
    if (this.#trailers !== undefined) return failureOf(this.#trailers);
    if (this.#http === 200) return new CallFailure('UNAVAILABLE', 'the answer was cut off');
    const passing = this.#http === 429 || this.#http >= 502;
    return new CallFailure(passing ? 'UNAVAILABLE' : 'UNKNOWN', `HTTP status ${this.#http}`);
  }
}

/** A bounded set of unary sockets to one address; calls beyond it wait in line. */
export class UnaryPool {
  readonly endpoint: Endpoint;
  readonly #socketsMax: number;
  readonly #idle: UnarySocket[] = [];
  readonly #all: UnarySocket[] = [];
  readonly #line: ((socket: UnarySocket) => void)[] = [];

  constructor(endpoint: Endpoint, socketsMax: number) {
    this.endpoint = endpoint;
    this.#socketsMax = socketsMax;
  }

  /** As UnarySocket.call. */
  async call(request: Buffer, timeoutMs?: number): Promise<Buffer> {
    const socket = await this.#take();
    try {
      return await socket.call(request, timeoutMs);
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#idle.push(socket);
      else next(socket);
    }
  }

  /** Closes all sockets; calls in flight and in line fail. */
  close(): void {
    for (const socket of this.#all) socket.close();
  }

  #take(): UnarySocket | Promise<UnarySocket> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#all.length < this.#socketsMax) {
      const socket = new UnarySocket(this.endpoint);
      this.#all.push(socket);
      return socket;
    }
    return new Promise((resolve) => this.#line.push(resolve));
  }
}

/** What a stream tells. */
export interface StreamListener {
  /** One message; a view that is valid only during the call. */
  message(bytes: Buffer): void;
  /** The stream ended, once: undefined = OK. */
  end(failure: CallFailure | undefined): void;
}

/** One server-streaming call on a socket of its own. */
export class WireStream {
  readonly #socket: Socket;
  #ended = false;

  constructor(endpoint: Endpoint, request: Buffer, listener: StreamListener) {
    const outcome = new OutcomeReader();
    this.#socket = connectTo(endpoint);
    const end = (failure: CallFailure | undefined): void => {
      if (this.#ended) return;
      this.#ended = true;
      this.#socket.destroy();
      listener.end(failure);
    };
    const frames = new FrameReader({
      message: (bytes) => {
        if (!this.#ended) listener.message(bytes);
      },
      trailers: (trailers) => outcome.trailers(trailers),
    });
    const reader = new ResponseReader({
      head: (head) => outcome.head(head),
      body: (piece) => frames.feed(piece),
      end: () => end(outcome.failure()),
    });
    this.#socket.on('data', (bytes) => {
      try {
        reader.feed(bytes);
      } catch (error) {
        end(new CallFailure('INTERNAL', `the stream cannot be read: ${String(error)}`));
      }
    });
    this.#socket.on('error', (error) => end(new CallFailure('UNAVAILABLE', error.message)));
    this.#socket.on('close', () => end(new CallFailure('UNAVAILABLE', 'the connection was lost')));
    this.#socket.write(request);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Leaves; the listener hears nothing more. */
  close(): void {
    this.#ended = true;
    this.#socket.destroy();
  }
}

function connectTo(endpoint: Endpoint): Socket {
  const { host, port, localAddress } = endpoint;
  return connect({ host, port, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) });
}
