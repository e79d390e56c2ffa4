// gRPC-web over HTTP/1.1. Owns: requests and responses of node's http module. A streaming response is written straight to
// the socket, each tick's frames as one chunk in one write (E5): node's own chunking makes four pieces of each.

import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { StarlingError } from '../../runtime/errors.ts';
import type { Dispatcher } from './dispatcher.ts';
import { EXTRA_FAILED, readBody } from './extra.ts';
import { decodeText, FRAME_HEADER_BYTES, type MetadataPair, singleMessage, tooLarge } from './frame.ts';
import type { Route } from './router.ts';
import { WebCall } from './web-call.ts';
import {
  answerPlain,
  type PlainOptions,
  type PlainRequest,
  type PlainResponse,
  type WebFormat,
  webFormat,
} from './web-request.ts';

/** A request with the state of its call: fields instead of closures, of which there would be four a connection. */
class EdgeRequest extends IncomingMessage {
  body: RequestBody | undefined = undefined;
}

class EdgeResponse extends ServerResponse<EdgeRequest> {
  call: Http1Call | undefined = undefined;
}

type EdgeServer = Server<typeof EdgeRequest, typeof EdgeResponse>;

/** A request body on its way. */
interface RequestBody {
  readonly call: Http1Call;
  readonly route: Route;
  readonly dispatcher: Dispatcher;
  readonly format: WebFormat;
  /** Bytes announced; undefined with chunks. */
  readonly announced: number | undefined;
  chunks: Buffer[];
  bytes: number;
}

/** Builds the server; connections are handed to it by `emit('connection', socket)`. */
export function createHttp1(dispatcher: Dispatcher, plain: PlainOptions): EdgeServer {
  const { limits } = dispatcher;
  const server: EdgeServer = createServer({
    IncomingMessage: EdgeRequest,
    ServerResponse: EdgeResponse,
    maxHeaderSize: limits.metadataBytesMax,
    headersTimeout: Math.min(limits.headersMsMax, limits.requestMsMax),
    requestTimeout: limits.requestMsMax,
    connectionsCheckingInterval: Math.min(1000, limits.headersMsMax),
    keepAliveTimeout: limits.idleMsMax,
    keepAlive: true,
    keepAliveInitialDelay: limits.keepAliveMs,
    noDelay: true,
  });
  // The server listens nowhere itself, and it begins to look for requests that take too long when told that it does.
  server.emit('listening');
  server.on('request', (request: EdgeRequest, response: EdgeResponse) => {
    const format = request.method === 'POST' ? webFormat(request.headers['content-type']) : undefined;
    if (format === undefined) respondPlain(request, response, plain);
    else beginCall(request, response, format, dispatcher, plain);
  });
  return server;
}

function respondPlain(request: EdgeRequest, response: EdgeResponse, options: PlainOptions): void {
  const plain: PlainRequest = {
    method: request.method ?? '',
    url: request.url ?? '/',
    header: (name) => headerOf(request, name),
  };
  const extra = options.draining()
    ? undefined
    : options.extra?.({
        ...plain,
        remoteAddress: request.socket.remoteAddress ?? '',
        body: () => readBody(request),
      });
  if (extra === undefined) writePlain(request, response, answerPlain(plain, options));
  else {
    extra.then(
      (answer) => writePlain(request, response, answer),
      () => writePlain(request, response, EXTRA_FAILED),
    );
  }
}

function writePlain(
  request: EdgeRequest,
  response: EdgeResponse,
  { status, headers, body }: PlainResponse,
): void {
  const sized = status === 204 || status === 304 ? [] : ['content-length', String(Buffer.byteLength(body))];
  response.writeHead(status, [...headers, ...sized]);
  response.end(request.method === 'HEAD' ? undefined : body);
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function beginCall(
  request: EdgeRequest,
  response: EdgeResponse,
  format: WebFormat,
  dispatcher: Dispatcher,
  { cors }: PlainOptions,
): void {
  const call = new Http1Call(dispatcher, request, response, format, cors.headers(request.headers.origin));
  response.call = call;
  response.on('close', onResponseClose);
  const route = dispatcher.admit(call, request.url ?? '');
  // Node reads and drops the body of a request that was answered early; requestMsMax bounds how long.
  if (route === undefined) return;
  const encoding = headerOf(request, 'grpc-encoding');
  const length = request.headers['content-length'];
  const announced = length === undefined ? undefined : Number(length);
  const bodyBytesMax = bodyMax(dispatcher.limits.messageBytesMax, format.text);
  if (encoding !== undefined && encoding !== 'identity') {
    call.metadata = { headers: [['grpc-accept-encoding', 'identity']], trailers: [] };
    const detail = `The encoding ${encoding} is not offered.`;
    dispatcher.fail(call, route.path, new StarlingError('METHOD_NOT_FOUND', detail));
  } else if (announced !== undefined && announced > bodyBytesMax) {
    dispatcher.fail(call, route.path, tooLarge(dispatcher.limits.messageBytesMax));
  } else {
    request.body = { call, route, dispatcher, format, announced, chunks: [], bytes: 0 };
    request.on('data', onRequestData);
    request.on('end', onRequestEnd);
  }
}

/** Most bytes of a body whose message has at most `messageBytesMax`. */
function bodyMax(messageBytesMax: number, text: boolean): number {
  const bytes = messageBytesMax + FRAME_HEADER_BYTES;
  return text ? Math.ceil(bytes / 3) * 4 + 4 : bytes;
}

function onResponseClose(this: EdgeResponse): void {
  this.call?.lost();
}

function onRequestData(this: EdgeRequest, chunk: Buffer): void {
  const { body } = this;
  if (body === undefined) return;
  body.chunks.push(chunk);
  body.bytes += chunk.length;
  const { messageBytesMax } = body.dispatcher.limits;
  if (body.bytes > bodyMax(messageBytesMax, body.format.text)) {
    this.body = undefined;
    body.dispatcher.fail(body.call, body.route.path, tooLarge(messageBytesMax));
  } else if (body.bytes === body.announced) {
    // Complete: the `end` event would come two ticks later.
    this.body = undefined;
    runCall(body);
  }
}

function onRequestEnd(this: EdgeRequest): void {
  const { body } = this;
  this.body = undefined;
  if (body !== undefined) runCall(body);
}

function runCall({ call, route, dispatcher, format, chunks }: RequestBody): void {
  try {
    const [first] = chunks;
    const raw = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    const bytes = format.text ? decodeText(raw) : raw;
    dispatcher.run(call, route, singleMessage(bytes, dispatcher.limits.messageBytesMax));
  } catch (thrown) {
    dispatcher.fail(call, route.path, thrown);
  }
}

/** Beyond this a copy costs more than a second piece. */
const JOINED_BYTES_MAX = 4096;
const CRLF = 0x0a0d;
/** Hexadecimal digits of a chunk's length, CR, LF. Eight digits are enough for any buffer. */
const CHUNK_HEAD_BYTES = 10;

class Http1Call extends WebCall {
  readonly #request: EdgeRequest;
  readonly #response: EdgeResponse;
  /** Set with the headers of a stream, unless a response to an earlier, pipelined request still has the socket. */
  #socket: Socket | null = null;

  constructor(
    dispatcher: Dispatcher,
    request: EdgeRequest,
    response: EdgeResponse,
    format: WebFormat,
    cors: readonly string[],
  ) {
    super(dispatcher, format, cors);
    this.#request = request;
    this.#response = response;
  }

  override header(name: string): string | undefined {
    return headerOf(this.#request, name);
  }

  /** Headers are a fifth of what an idle stream takes. */
  override forgetRequest(): void {
    this.#request.rawHeaders = [];
    this.#request.headers = {};
    this.#request.url = '';
  }

  override headerPairs(): MetadataPair[] {
    const { rawHeaders } = this.#request;
    return rawHeaders.flatMap((name, i): MetadataPair[] =>
      i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1] ?? '']] : [],
    );
  }

  protected override get headWritten(): boolean {
    return this.#response.headersSent;
  }

  protected override get transportBytes(): number {
    return this.#socket?.writableLength ?? this.#response.writableLength;
  }

  protected override get settled(): boolean {
    return this.#response.writableFinished || this.#response.destroyed;
  }

  override cut(): void {
    this.#request.socket.destroy();
  }

  protected override writeWhole(body: Buffer): void {
    const headers = this.responseHeaders();
    headers.push('content-length', String(body.length));
    this.#response.writeHead(200, headers);
    // As a string the body leaves in the same write as the headers; as a buffer it would be a vector of two.
    if (body.length <= JOINED_BYTES_MAX) this.#response.end(body.toString('latin1'), 'latin1');
    else this.#response.end(body);
  }

  protected override part(bytes: number): { buffer: Buffer; offset: number } {
    return { buffer: Buffer.allocUnsafe(CHUNK_HEAD_BYTES + bytes + 2), offset: CHUNK_HEAD_BYTES };
  }

  protected override writePart(buffer: Buffer | undefined, last: boolean): void {
    const response = this.#response;
    if (!response.headersSent) {
      response.writeHead(200, this.responseHeaders());
      this.#socket = response.socket;
      this.#socket?.cork();
      response.flushHeaders();
      this.#writeChunk(buffer, last);
      this.#socket?.uncork();
    } else if (last) {
      this.#socket?.cork();
      this.#writeChunk(buffer, last);
      this.#socket?.uncork();
    } else this.#writeChunk(buffer, last);
  }

  #writeChunk(buffer: Buffer | undefined, last: boolean): void {
    if (buffer !== undefined) {
      const bytes = buffer.length - CHUNK_HEAD_BYTES - 2;
      if (this.#socket === null) {
        this.#response.write(buffer.subarray(CHUNK_HEAD_BYTES, CHUNK_HEAD_BYTES + bytes));
      } else {
        const digits = bytes.toString(16);
        const start = CHUNK_HEAD_BYTES - 2 - digits.length;
        buffer.write(digits, start, 'latin1');
        buffer.writeUInt16LE(CRLF, CHUNK_HEAD_BYTES - 2);
        buffer.writeUInt16LE(CRLF, buffer.length - 2);
        this.#socket.write(start === 0 ? buffer : buffer.subarray(start));
      }
    }
    if (last) this.#response.end();
  }
}
