// What HTTP/1.1 and HTTP/2 have in common. Owns: telling a gRPC-web call from any other request, the headers of its
// response, and the answers to other requests. Does not own: sockets.

import type { Cors, FlatHeaders } from './cors.ts';
import type { ExtraRoutes } from './extra.ts';
import type { EdgeHealth } from './options.ts';
import type { StaticFiles } from './static.ts';

/** A content type of gRPC-web that is served. */
export interface WebFormat {
  /** Content type of the response. */
  readonly contentType: string;
  /** Base64 both ways. */
  readonly text: boolean;
}

const format = (contentType: string, text: boolean): WebFormat => ({ contentType, text });
const BINARY = format('application/grpc-web+proto', false);
const TEXT = format('application/grpc-web-text+proto', true);
const FORMATS: ReadonlyMap<string, WebFormat> = new Map([
  ['application/grpc-web', format('application/grpc-web', false)],
  ['application/grpc-web+proto', BINARY],
  ['application/grpc-web-text', format('application/grpc-web-text', true)],
  ['application/grpc-web-text+proto', TEXT],
]);

/** The format of a call's content type, parameters aside; undefined where it is none of ours. */
export function webFormat(contentType: string | undefined): WebFormat | undefined {
  if (contentType === undefined) return undefined;
  const known = FORMATS.get(contentType);
  if (known !== undefined) return known;
  const end = contentType.indexOf(';');
  return FORMATS.get((end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase());
}

/** A whole response that is not a call's. */
export interface PlainResponse {
  readonly status: number;
  readonly headers: FlatHeaders;
  readonly body: Uint8Array | string;
}

export interface PlainRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  header(name: string): string | undefined;
}

export interface PlainOptions {
  readonly cors: Cors;
  readonly health: () => EdgeHealth;
  readonly files: StaticFiles | undefined;
  /** Asked before `files`, except while draining. */
  readonly extra: ExtraRoutes | undefined;
  readonly draining: () => boolean;
}

const TEXT_HEADERS: FlatHeaders = [
  'content-type',
  'text/plain; charset=utf-8',
  'cache-control',
  'no-store',
  'x-content-type-options',
  'nosniff',
];

const plain = (status: number, body: string, headers: FlatHeaders = []): PlainResponse => ({
  status,
  headers: [...TEXT_HEADERS, ...headers],
  body,
});

/** Answers everything that is not a gRPC-web call. */
export function answerPlain(request: PlainRequest, options: PlainOptions): PlainResponse {
  const { method } = request;
  if (method === 'OPTIONS') {
    const headers = options.cors.preflight(
      request.header('origin'),
      request.header('access-control-request-headers'),
    );
    return { status: 204, headers, body: '' };
  }
  if (method === 'POST')
    return plain(415, 'Content types served: application/grpc-web and application/grpc-web-text.\n');
  if (method !== 'GET' && method !== 'HEAD')
    return plain(405, 'Method not allowed.\n', ['allow', 'GET, HEAD, POST, OPTIONS']);
  const query = request.url.indexOf('?');
  const path = query < 0 ? request.url : request.url.slice(0, query);
  // Alive: this very answer. Ready: able to serve.
  if (path === '/healthz') return plain(200, 'ok\n');
  if (path === '/readyz') {
    const { ok, detail } = options.draining() ? { ok: false, detail: 'shutting down' } : options.health();
    return plain(ok ? 200 : 503, `${detail}\n`);
  }
  return options.files?.answer(path, request) ?? plain(404, 'Not found.\n');
}
