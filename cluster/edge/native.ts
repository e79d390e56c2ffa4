// Native gRPC, on @grpc/grpc-js. Owns: registering the routes there, and calls whose transport it is. Messages pass as
// bytes: grpc-js neither decodes nor encodes them. Deadlines of native calls are kept twice, there and here; the first
// one wins, with the same status.

import type { OutgoingHttpHeaders } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { StarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import { Call } from './call.ts';
import type { Dispatcher } from './dispatcher.ts';
import { byteLength, type MetadataPair } from './frame.ts';
import { type Listener, listen } from './listener.ts';
import type { EdgeOptions } from './options.ts';
import type { Route } from './router.ts';
import { STATUS_OK, type WireStatus } from './status.ts';

type UnaryCallOfGrpc = ServerUnaryCall<Buffer, Buffer>;
type StreamCallOfGrpc = ServerWritableStream<Buffer, Buffer>;

/** A method that takes and gives a stream of bytes; only reflection needs one. */
export interface BidiRoute {
  readonly path: string;
  readonly handle: handleBidiStreamingCall<Buffer, Buffer>;
}

const asItIs = (bytes: Buffer): Buffer => bytes;

/** Native gRPC on its own port. */
export interface Native {
  readonly listener: Listener;
  /** Ends all sessions. */
  shutdown(): void;
}

export async function startNative(
  options: EdgeOptions,
  dispatcher: Dispatcher,
  { routes, bidi }: { readonly routes: Iterable<Route>; readonly bidi: readonly BidiRoute[] },
): Promise<Native> {
  const { limits } = dispatcher;
  const server = new Server({
    interceptors: [quietOk],
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': limits.messageBytesMax,
    'grpc.max_concurrent_streams': limits.callsPerConnectionMax,
    'grpc.keepalive_time_ms': limits.keepAliveMs,
    'grpc.keepalive_timeout_ms': limits.keepAliveMs,
    'grpc.max_connection_idle_ms': limits.idleMsMax,
  });
  for (const route of routes) {
    if (route.kind === 'unary')
      server.register(route.path, unary(route, dispatcher), asItIs, asItIs, 'unary');
    else server.register(route.path, stream(route, dispatcher), asItIs, asItIs, 'serverStream');
  }
  for (const { path, handle } of bidi) server.register(path, handle, asItIs, asItIs, 'bidi');
  const { tls } = options;
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) },
        ]);
  const injector = server.createConnectionInjector(credentials);
  const bounds = { address: options.grpc, connectionsMax: limits.connectionsMax };
  const listener = await listen(createTcpServer({ noDelay: true }), 'connection', bounds, (socket) => {
    socket.on('error', () => undefined);
    injector.injectConnection(socket);
  });
  return {
    listener,
    shutdown: () => {
      injector.destroy();
      server.forceShutdown();
    },
  };
}

function unary(route: Route, dispatcher: Dispatcher): handleUnaryCall<Buffer, Buffer> {
  return (grpc, callback) => begin(new NativeUnaryCall(dispatcher, grpc, callback), grpc, route, dispatcher);
}

function stream(route: Route, dispatcher: Dispatcher): handleServerStreamingCall<Buffer, Buffer> {
  return (grpc) => begin(new NativeStreamCall(dispatcher, grpc), grpc, route, dispatcher);
}

function begin(
  call: NativeCall,
  grpc: UnaryCallOfGrpc | StreamCallOfGrpc,
  { path }: Route,
  dispatcher: Dispatcher,
): void {
  grpc.on('cancelled', () => call.lost());
  grpc.on('error', () => call.lost());
  const route = dispatcher.admit(call, path);
  if (route === undefined) return;
  const bytesMax = dispatcher.limits.metadataBytesMax;
  let bytes = 0;
  for (const [name, value] of call.headerPairs()) bytes += name.length + value.length;
  if (bytes > bytesMax) {
    dispatcher.fail(
      call,
      path,
      new StarlingError('PAYLOAD_TOO_LARGE', `At most ${bytesMax} bytes of headers.`),
    );
  } else dispatcher.run(call, route, grpc.request);
}

const unpadded = (base64: string): string => base64.replace(/=+$/, '');

/** grpc-js pads base64 on the wire, which gRPC's specification tells servers not to do. */
class UnpaddedMetadata extends Metadata {
  override clone(): Metadata {
    const copy = new UnpaddedMetadata(this.getOptions());
    copy.merge(this);
    return copy;
  }

  override toHttp2Headers(): OutgoingHttpHeaders {
    const headers = super.toHttp2Headers();
    for (const name in headers) {
      const value = headers[name];
      if (!name.endsWith('-bin')) continue;
      if (typeof value === 'string') headers[name] = unpadded(value);
      else if (Array.isArray(value)) headers[name] = value.map(unpadded);
    }
    return headers;
  }
}

// grpc-js writes the message "OK" where the status is OK; the specification leaves it out.
const quietOk: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    sendStatus: (status, next) => next(status.code === 0 ? { ...status, details: '' } : status),
  });

function metadataOf(pairs: readonly MetadataPair[], details?: Uint8Array): Metadata {
  const metadata = new UnpaddedMetadata();
  for (const [name, value] of pairs) {
    metadata.add(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  }
  if (details !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(details));
  return metadata;
}

function joined(pieces: readonly Uint8Array[]): Buffer {
  const [only] = pieces;
  if (pieces.length !== 1 || only === undefined) return Buffer.concat(pieces);
  return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
}

abstract class NativeCall extends Call {
  readonly #grpc: UnaryCallOfGrpc | StreamCallOfGrpc;
  readonly #clock: Clock;
  #headWritten = false;

  constructor(dispatcher: Dispatcher, grpc: UnaryCallOfGrpc | StreamCallOfGrpc) {
    super(dispatcher);
    this.#grpc = grpc;
    this.#clock = dispatcher.clock;
  }

  override header(name: string): string | undefined {
    // grpc-js takes the deadline out of the metadata.
    if (name === 'grpc-timeout') return this.#timeout();
    const [value] = this.#grpc.metadata.get(name);
    return typeof value === 'string' ? value : value?.toString('base64');
  }

  #timeout(): string | undefined {
    const deadline = this.#grpc.getDeadline();
    if (!(deadline instanceof Date) && !Number.isFinite(deadline)) return undefined;
    const leftMs = Math.round(Number(deadline) - this.#clock.now());
    return `${Math.min(Math.max(leftMs, 0), 99_999_999)}m`;
  }

  override headerPairs(): MetadataPair[] {
    const { metadata } = this.#grpc;
    return Object.keys(metadata.getMap()).flatMap((name) =>
      metadata
        .get(name)
        .map((value): MetadataPair => [name, typeof value === 'string' ? value : value.toString('base64')]),
    );
  }

  protected override get headWritten(): boolean {
    return this.#headWritten;
  }

  protected writeHead(): void {
    if (this.#headWritten) return;
    this.#headWritten = true;
    this.#grpc.sendMetadata(metadataOf(this.metadata.headers));
  }
}

class NativeUnaryCall extends NativeCall {
  readonly #callback: sendUnaryData<Buffer>;

  constructor(dispatcher: Dispatcher, grpc: UnaryCallOfGrpc, callback: sendUnaryData<Buffer>) {
    super(dispatcher, grpc);
    this.#callback = callback;
  }

  protected override get transportBytes(): number {
    return 0;
  }

  protected override get settled(): boolean {
    return true;
  }

  override cut(): void {}

  protected override writeUnary(pieces: readonly Uint8Array[]): void {
    if (this.metadata.headers.length > 0) this.writeHead();
    const { trailers } = this.metadata;
    this.#callback(null, joined(pieces), trailers.length > 0 ? metadataOf(trailers) : undefined);
  }

  protected override writeStatus(status: WireStatus): void {
    if (this.metadata.headers.length > 0) this.writeHead();
    const metadata = metadataOf(this.metadata.trailers, status.details);
    this.#callback({ code: status.code, details: status.message, metadata });
  }

  protected override writeQueued(): void {}
}

class NativeStreamCall extends NativeCall {
  readonly #stream: StreamCallOfGrpc;
  #unsentBytes = 0;

  constructor(dispatcher: Dispatcher, grpc: StreamCallOfGrpc) {
    super(dispatcher, grpc);
    this.#stream = grpc;
  }

  protected override get transportBytes(): number {
    return this.#unsentBytes;
  }

  protected override get settled(): boolean {
    return this.#unsentBytes === 0 || this.#stream.cancelled || this.#stream.destroyed;
  }

  override cut(): void {
    this.#stream.destroy();
  }

  protected override writeUnary(): void {}

  protected override writeStatus(status: WireStatus): void {
    if (this.metadata.headers.length > 0) this.writeHead();
    this.#finish(status);
  }

  protected override writeQueued(): void {
    this.writeHead();
    for (const pieces of this.queue ?? []) {
      const bytes = byteLength(pieces);
      this.#unsentBytes += bytes;
      this.#stream.write(joined(pieces), () => {
        this.#unsentBytes -= bytes;
      });
    }
    if (this.ending !== undefined) this.#finish(this.ending);
  }

  #finish(status: WireStatus): void {
    const metadata = metadataOf(this.metadata.trailers, status.details);
    if (status === STATUS_OK) this.#stream.end(metadata);
    else {
      const error = Object.assign(new Error(status.message), {
        code: status.code,
        details: status.message,
        metadata,
      });
      this.#stream.emit('error', error);
    }
  }
}
