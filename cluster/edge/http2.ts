// gRPC-web over HTTP/2. Owns: sessions and streams of node's http2 module, and the probing of sessions.

import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { StarlingError } from '../../runtime/errors.ts';
import type { Dispatcher } from './dispatcher.ts';
import { EXTRA_FAILED, readBody } from './extra.ts';
import { decodeText, FRAME_HEADER_BYTES, type MetadataPair, singleMessage, tooLarge } from './frame.ts';
import { WebCall } from './web-call.ts';
import {
  answerPlain,
  type PlainOptions,
  type PlainRequest,
  type PlainResponse,
  type WebFormat,
  webFormat,
} from './web-request.ts';

/** Builds the server; connections are handed to it by `emit('connection', socket)`. */
export function createHttp2(dispatcher: Dispatcher, plain: PlainOptions): Http2Server {
  const { limits } = dispatcher;
  const server = createServer({
    settings: {
      maxConcurrentStreams: limits.callsPerConnectionMax,
      maxHeaderListSize: limits.metadataBytesMax,
      enablePush: false,
    },
  });
  server.on('stream', (stream, headers) => {
    // A reset or a broken connection; `close` follows and ends the call.
    stream.on('error', () => undefined);
    const format = headers[':method'] === 'POST' ? webFormat(headers['content-type']) : undefined;
    if (format === undefined) respondPlain(stream, headers, plain);
    else beginCall(stream, headers, format, dispatcher, plain);
  });
  server.on('session', (session) => probe(session, dispatcher));
  return server;
}

/** Closes a session whose peer leaves a ping unanswered. */
function probe(session: ServerHttp2Session, dispatcher: Dispatcher): void {
  session.on('error', () => undefined);
  let answered = true;
  const next = () => {
    if (session.destroyed) return;
    if (!answered) {
      session.destroy();
      return;
    }
    answered = false;
    const sent = session.ping(() => {
      answered = true;
    });
    if (!sent) answered = true;
    timer = dispatcher.schedule(dispatcher.limits.keepAliveMs, next);
  };
  let timer = dispatcher.schedule(dispatcher.limits.keepAliveMs, next);
  session.on('close', () => timer.cancel());
}

function respondPlain(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, options: PlainOptions): void {
  const method = headers[':method'] ?? '';
  const plain: PlainRequest = {
    method,
    url: headers[':path'] ?? '/',
    // What HTTP/1.1 calls `host` is a pseudo header here.
    header: (name) => headerOf(headers, name) ?? (name === 'host' ? headers[':authority'] : undefined),
  };
  const extra = options.draining()
    ? undefined
    : options.extra?.({
        ...plain,
        remoteAddress: stream.session?.socket.remoteAddress ?? '',
        body: () => readBody(stream),
      });
  const write = (answer: PlainResponse): void => {
    if (stream.destroyed) return;
    stream.respond({ ':status': answer.status, ...headerObject(answer.headers) });
    stream.end(method === 'HEAD' ? undefined : answer.body);
    stream.resume();
  };
  if (extra === undefined) write(answerPlain(plain, options));
  else extra.then(write, () => write(EXTRA_FAILED));
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Repeated names become one with several values. */
function headerObject(flat: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] ?? '';
    const value = flat[i + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

function beginCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  format: WebFormat,
  dispatcher: Dispatcher,
  { cors }: PlainOptions,
): void {
  const { limits } = dispatcher;
  const call = new Http2Call(dispatcher, stream, headers, format, cors.headers(headers.origin));
  stream.on('close', () => call.lost());
  const route = dispatcher.admit(call, headers[':path'] ?? '');
  if (route === undefined) {
    stream.resume();
    return;
  }
  const refuse = (error: StarlingError) => {
    dispatcher.fail(call, route.path, error);
    stream.resume();
  };
  const encoding = headerOf(headers, 'grpc-encoding');
  if (headerBytes(headers) > limits.metadataBytesMax) {
    refuse(new StarlingError('PAYLOAD_TOO_LARGE', `At most ${limits.metadataBytesMax} bytes of headers.`));
    return;
  }
  if (encoding !== undefined && encoding !== 'identity') {
    call.metadata = { headers: [['grpc-accept-encoding', 'identity']], trailers: [] };
    refuse(new StarlingError('METHOD_NOT_FOUND', `The encoding ${encoding} is not offered.`));
    return;
  }
  // A body that never ends.
  call.expireAfter(Math.min(call.timeoutMs ?? limits.requestMsMax, limits.requestMsMax));
  const bodyBytesMax = limits.messageBytesMax + FRAME_HEADER_BYTES;
  const rawBytesMax = format.text ? Math.ceil(bodyBytesMax / 3) * 4 + 4 : bodyBytesMax;
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (call.closed) return;
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > rawBytesMax) refuse(tooLarge(limits.messageBytesMax));
  });
  stream.on('end', () => {
    if (call.closed) return;
    call.cancelExpiry();
    try {
      const raw = Buffer.concat(chunks);
      const body = format.text ? decodeText(raw) : raw;
      dispatcher.run(call, route, singleMessage(body, limits.messageBytesMax));
    } catch (thrown) {
      dispatcher.fail(call, route.path, thrown);
    }
    chunks.length = 0;
  });
}

function headerBytes(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const name in headers) bytes += name.length + String(headers[name]).length;
  return bytes;
}

class Http2Call extends WebCall {
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;

  constructor(
    dispatcher: Dispatcher,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    format: WebFormat,
    cors: readonly string[],
  ) {
    super(dispatcher, format, cors);
    this.#stream = stream;
    this.#headers = headers;
  }

  override header(name: string): string | undefined {
    return headerOf(this.#headers, name);
  }

  override headerPairs(): MetadataPair[] {
    return Object.entries(this.#headers)
      .filter(([name]) => !name.startsWith(':'))
      .flatMap(([name, value]) => [value ?? []].flat().map((one): MetadataPair => [name, one]));
  }

  protected override get headWritten(): boolean {
    return this.#stream.headersSent;
  }

  protected override get transportBytes(): number {
    return this.#stream.writableLength;
  }

  protected override get settled(): boolean {
    return this.#stream.writableFinished || this.#stream.destroyed;
  }

  override cut(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  protected override writeWhole(body: Buffer): void {
    if (this.#stream.destroyed) return;
    this.#stream.respond({ ':status': 200, ...headerObject(this.responseHeaders()) });
    this.#stream.end(body);
  }

  protected override part(bytes: number): { buffer: Buffer; offset: number } {
    return { buffer: Buffer.allocUnsafe(bytes), offset: 0 };
  }

  protected override writePart(buffer: Buffer | undefined, last: boolean): void {
    if (this.#stream.destroyed) return;
    if (!this.#stream.headersSent) {
      this.#stream.respond({ ':status': 200, ...headerObject(this.responseHeaders()) });
    }
    if (last) this.#stream.end(buffer);
    else if (buffer !== undefined) this.#stream.write(buffer);
  }
}
