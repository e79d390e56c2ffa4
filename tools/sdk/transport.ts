// Carries calls as gRPC-web (binary) over fetch, in browsers and in Node.

import {
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { networkError, SdkError } from './errors.ts';
import { encodeFrame, FrameReader, protocolError } from './framing.ts';
import type { CallOptions, Transport } from './ports.ts';
import { httpError, readStatus } from './status.ts';

const CONTENT_TYPE = 'application/grpc-web+proto';

/** The part of fetch in use. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

type Method = DescMethodUnary | DescMethodServerStreaming;

/** A transport over `fetch`. */
export function fetchTransport(fetch: Fetch): Transport {
  const call = async <I extends DescMessage, O extends DescMessage>(
    method: Method & { readonly input: I; readonly output: O },
    request: MessageShape<I>,
    options: CallOptions,
    onMessage: (message: MessageShape<O>) => void,
  ): Promise<void> => {
    try {
      const response = await fetch(url(method, options.address), {
        method: 'POST',
        headers: headers(options),
        body: encodeFrame(toBinary(method.input, request)),
        signal: options.signal,
        cache: 'no-store',
        credentials: 'omit',
      });
      await readAnswer(response, (bytes) => onMessage(decode(method.output, bytes)));
    } catch (thrown) {
      throw thrown instanceof SdkError ? thrown : failure(thrown, options.signal);
    }
  };
  return {
    stream: call,
    async unary(method, request, options) {
      const answers: MessageShape<typeof method.output>[] = [];
      await call(method, request, options, (message) => answers.push(message));
      const [answer] = answers;
      if (answer === undefined || answers.length > 1) throw protocolError(`${answers.length} messages`);
      return answer;
    },
  };
}

function decode<O extends DescMessage>(schema: O, bytes: Uint8Array): MessageShape<O> {
  try {
    return fromBinary(schema, bytes);
  } catch {
    throw protocolError(`${schema.typeName} does not decode`);
  }
}

function url(method: Method, address: string): string {
  return `${address}/${method.parent.typeName}/${method.name}`;
}

function headers(options: CallOptions): Record<string, string> {
  const all: Record<string, string> = {
    'content-type': CONTENT_TYPE,
    accept: CONTENT_TYPE,
    'x-grpc-web': '1',
    authorization: `Bearer ${options.token}`,
  };
  if (options.timeoutMs !== undefined) all['grpc-timeout'] = `${Math.ceil(options.timeoutMs)}m`;
  return all;
}

/** Reads frames until the trailers. Throws where the call did not end with OK. */
async function readAnswer(response: Response, onMessage: (bytes: Uint8Array) => void): Promise<void> {
  const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
  if (header('grpc-status') !== undefined) {
    await response.body?.cancel();
    const error = readStatus(header);
    if (error !== undefined) throw error;
    return;
  }
  if (!response.ok || !(header('content-type') ?? '').startsWith('application/grpc-web')) {
    await response.body?.cancel();
    throw httpError(response.ok ? 502 : response.status);
  }
  if (response.body === null) throw protocolError('no body');
  await readFrames(response.body, onMessage);
}

async function readFrames(
  body: ReadableStream<Uint8Array>,
  onMessage: (bytes: Uint8Array) => void,
): Promise<void> {
  const frames = new FrameReader();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done)
        throw networkError(new Error(frames.atBoundary ? 'the stream was cut' : 'cut within a frame'));
      for (const frame of frames.push(value)) {
        if (frame.kind === 'message') {
          onMessage(frame.bytes);
          continue;
        }
        const error = readStatus((name) => frame.trailers.get(name));
        if (error !== undefined) throw error;
        return;
      }
    }
  } finally {
    // Frees the socket where reading stopped early; a body that has ended or was aborted has nothing to free.
    await reader.cancel().catch(() => undefined);
  }
}

function failure(thrown: unknown, signal: AbortSignal): SdkError {
  if (!signal.aborted) return networkError(thrown);
  const reason: unknown = signal.reason;
  return reason instanceof SdkError
    ? reason
    : new SdkError('CANCELLED', 'The call was given up.', { status: 'CANCELLED', cause: thrown });
}
