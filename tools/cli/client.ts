// A small gRPC-web client over fetch. Owns: framing, status, deadlines. Does not own: which server, which token.

import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema, RetryInfoSchema } from '../../proto/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../proto/gen/google/rpc/status_pb.ts';
import { CliError } from './exit.ts';
import { RpcError, statusName } from './rpc-error.ts';

export interface ClientOptions {
  /** Base address, e.g. `http://127.0.0.1:7700`. */
  readonly address: string;
  /** Gives the token of a call of a service, e.g. `starling.im.v1.SyncService`. */
  readonly token: (service: string) => string | Promise<string>;
  /** Longest time of a unary call, milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface Client {
  readonly address: string;
  /**
   * One request, one answer.
   * @throws RpcError where the server refuses, CliError `unreachable` where there is no server
   */
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
    signal?: AbortSignal,
  ): Promise<MessageShape<M['output']>>;
  /** One request, a stream of answers; ends with the stream or the signal. Throws as `call` does. */
  stream<M extends DescMethodServerStreaming>(
    method: M,
    request: MessageInitShape<M['input']>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<M['output']>, void, undefined>;
}

/** Largest answer taken, bytes: a page of 1 MiB and room for what is around it. */
const FRAME_BYTES_MAX = 8 * 1024 * 1024;
const TRAILER = 0x80;

interface Frame {
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** Makes a client; connects with the first call. */
export function createClient(options: ClientOptions): Client {
  const timeoutMs = options.timeoutMs ?? 10_000;
  return {
    address: options.address,
    async call<M extends DescMethodUnary>(
      method: M,
      request: MessageInitShape<M['input']>,
      signal?: AbortSignal,
    ) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
      const headers = { 'grpc-timeout': `${timeoutMs}m` };
      let answer: MessageShape<M['output']> | undefined;
      try {
        // Reading to the end, rather than returning early, leaves the connection in the pool.
        for await (const part of exchange(options, method, request, either, headers)) answer = part;
      } catch (error) {
        if (!deadline.aborted || error instanceof RpcError) throw error;
        throw new RpcError('DEADLINE_EXCEEDED', `No answer from ${options.address} within ${timeoutMs} ms.`);
      }
      if (answer !== undefined) return answer;
      throw new RpcError('INTERNAL', 'The server ended the call without an answer.');
    },
    stream: (method, request, signal) => exchange(options, method, request, signal, {}),
  };
}

async function* exchange<M extends DescMethodUnary | DescMethodServerStreaming>(
  options: ClientOptions,
  method: M,
  request: MessageInitShape<M['input']>,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
): AsyncGenerator<MessageShape<M['output']>, void, undefined> {
  const input: DescMessage = method.input;
  const response = await post(`${options.address}/${method.parent.typeName}/${method.name}`, {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/grpc-web+proto',
      'x-grpc-web': '1',
      authorization: `Bearer ${await options.token(method.parent.typeName)}`,
    },
    body: envelope(toBinary(input, create(input, request))),
    signal,
  });
  requireOk(response.headers, 'when present');
  if (!(response.headers.get('content-type') ?? '').startsWith('application/grpc-web')) {
    await response.body?.cancel();
    throw new CliError(
      'unreachable',
      `${options.address} does not speak Starling's protocol (HTTP ${response.status}).`,
      {
        hint: 'Is it the right address? The port is that of HTTP (7700 by default), not that of native gRPC.',
      },
    );
  }
  if (response.body === null) throw new RpcError('INTERNAL', 'The server sent no body.');
  for await (const frame of frames(response.body)) {
    if ((frame.flags & TRAILER) !== 0) return requireOk(parseTrailer(frame.payload), 'always');
    yield fromBinary(method.output as M['output'], frame.payload);
  }
  throw new CliError('unreachable', `The connection to ${options.address} broke within an answer.`);
}

async function post(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why =
      cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
    throw new CliError('unreachable', `Cannot reach ${new URL(url).origin}: ${why}.`, {
      hint: 'Is the node running? Start one with: starling dev. Choose another with --address or --context.',
      cause: error,
    });
  }
}

function envelope(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(5 + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, 5);
  return framed;
}

/** Cuts a body into frames. A cut-off frame at the end is left out; the caller misses the trailer then. */
export async function* frames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, undefined> {
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of body) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 5) {
      const length = new DataView(held.buffer, held.byteOffset).getUint32(1);
      if (length > FRAME_BYTES_MAX)
        throw new RpcError('INTERNAL', `The server sent a frame of ${length} bytes.`);
      if (held.length < 5 + length) break;
      yield { flags: held[0] ?? 0, payload: held.subarray(5, 5 + length) };
      held = held.subarray(5 + length);
    }
  }
}

function parseTrailer(payload: Uint8Array): Headers {
  const headers = new Headers();
  for (const line of Buffer.from(payload).toString('latin1').split('\r\n')) {
    const cut = line.indexOf(':');
    if (cut > 0) headers.append(line.slice(0, cut).trim(), line.slice(cut + 1).trim());
  }
  return headers;
}

function requireOk(headers: Headers, expected: 'always' | 'when present'): void {
  const status = headers.get('grpc-status');
  if (status === '0' || (status === null && expected === 'when present')) return;
  const details = decodeDetails(headers.get('grpc-status-details-bin'));
  const message = decodeMessage(headers.get('grpc-message') ?? '');
  throw new RpcError(
    statusName(Number(status ?? 2)),
    message === '' ? 'The server gave no reason.' : message,
    details,
  );
}

function decodeMessage(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw;
  }
}

function decodeDetails(raw: string | null): { reason?: string; retryAfterMs?: number } {
  if (raw === null) return {};
  const details: { reason?: string; retryAfterMs?: number } = {};
  try {
    for (const any of fromBinary(StatusSchema, Buffer.from(raw, 'base64')).details) {
      const reason = anyUnpack(any, ErrorInfoSchema)?.reason;
      if (reason !== undefined) details.reason = reason;
      const delay = anyUnpack(any, RetryInfoSchema)?.retryDelay;
      if (delay !== undefined) details.retryAfterMs = Number(delay.seconds) * 1_000 + delay.nanos / 1e6;
    }
  } catch {
    // Details only make a message better; a status without them is still a status.
  }
  return details;
}
