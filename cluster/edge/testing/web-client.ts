// A gRPC-web client of a few lines, over HTTP/1.1 and HTTP/2, binary and text, which sends whatever a test asks for.

import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RetryInfoSchema,
} from '../../../proto/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../../proto/gen/google/rpc/status_pb.ts';

export interface WebCallOptions {
  /** Default 1. */
  readonly http?: 1 | 2;
  /** Default `application/grpc-web+proto`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole body, framed. */
  readonly body: Uint8Array;
}

export interface WebAnswer {
  /** HTTP status. */
  readonly http: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly messages: readonly Uint8Array[];
  readonly trailers: ReadonlyMap<string, string>;
  /** `grpc-status`. */
  readonly status: number;
}

/** One message with its frame header. */
export function framed(message: Uint8Array, flag = 0): Buffer {
  const header = Buffer.from([flag, 0, 0, 0, 0]);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** Takes a response body apart. */
export function parseBody(body: Buffer): { messages: Uint8Array[]; trailers: Map<string, string> } {
  const messages: Uint8Array[] = [];
  const trailers = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    const content = body.subarray(at + 5, end);
    if (body[at] === 0) messages.push(new Uint8Array(content));
    else {
      for (const line of content.toString('latin1').split('\r\n').filter(Boolean)) {
        const colon = line.indexOf(':');
        trailers.set(line.slice(0, colon), line.slice(colon + 1).trim());
      }
    }
    at = end;
  }
  return { messages, trailers };
}

/** Base64 of segments that may each be padded. */
function decodeText(text: string): Buffer {
  return Buffer.concat((text.match(/[^=]+={0,2}/g) ?? []).map((part) => Buffer.from(part, 'base64')));
}

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function headersOf({ contentType, headers }: WebCallOptions): Record<string, string> {
  return {
    'content-type': contentType ?? 'application/grpc-web+proto',
    authorization: 'user',
    'x-grpc-web': '1',
    ...headers,
  };
}

/** Begins a call over HTTP/1.1; resolves with the response once its headers are here. */
export async function webStream(
  address: string,
  path: string,
  options: WebCallOptions,
): Promise<IncomingMessage> {
  const request = httpRequest(`http://${address}${path}`, {
    method: 'POST',
    headers: headersOf(options),
    agent: false,
  });
  request.end(options.body);
  const [response] = await once(request, 'response');
  return response as IncomingMessage;
}

async function exchange(address: string, path: string, options: WebCallOptions) {
  if (options.http !== 2) {
    const response = await webStream(address, path, options);
    return { http: response.statusCode ?? 0, headers: response.headers, body: await collect(response) };
  }
  const session = connectHttp2(`http://${address}`);
  try {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headersOf(options) });
    stream.end(options.body);
    const [headers] = await once(stream, 'response');
    return { http: Number(headers[':status']), headers, body: await collect(stream) };
  } finally {
    session.close();
  }
}

/** A whole call. */
export async function webCall(address: string, path: string, options: WebCallOptions): Promise<WebAnswer> {
  const { http, headers, body } = await exchange(address, path, options);
  const text = String(headers['content-type']).startsWith('application/grpc-web-text');
  const isCall = String(headers['content-type']).startsWith('application/grpc-web');
  const { messages, trailers } = isCall
    ? parseBody(text ? decodeText(body.toString('latin1')) : body)
    : { messages: [], trailers: new Map<string, string>() };
  return { http, headers, messages, trailers, status: Number(trailers.get('grpc-status') ?? -1) };
}

/** What google.rpc.Status says, by the kinds that Starling sends. */
export function decodeError(details: Uint8Array | string | undefined) {
  const bytes = typeof details === 'string' ? Buffer.from(details, 'base64') : (details ?? new Uint8Array());
  const status = fromBinary(StatusSchema, bytes);
  const find = <T>(unpack: (any: (typeof status.details)[number]) => T | undefined): T | undefined => {
    for (const any of status.details) {
      const found = unpack(any);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    status,
    info: find((any) => anyUnpack(any, ErrorInfoSchema)),
    retry: find((any) => anyUnpack(any, RetryInfoSchema)),
    badRequest: find((any) => anyUnpack(any, BadRequestSchema)),
    localized: find((any) => anyUnpack(any, LocalizedMessageSchema)),
  };
}

/** Code of the error that a call ended with; undefined where it carries none. */
export function reasonOf(answer: WebAnswer): string | undefined {
  return decodeError(answer.trailers.get('grpc-status-details-bin')).info?.reason;
}
