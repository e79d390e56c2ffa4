// connectrpc.conformance.v1.ConformanceService on our edge: answers what each request asks for, and echoes what arrived.

import { setTimeout as delay } from 'node:timers/promises';
import { create, type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  type MetadataPair,
  requestHeaders,
  setResponseMetadata,
  WireError,
} from '../../cluster/edge/internal.ts';
import type { CallContext, ServerStream, ServiceBinding } from '../../runtime/service.ts';
import {
  type ConformancePayload,
  ConformancePayload_RequestInfoSchema,
  ConformancePayloadSchema,
  ConformanceService,
  type Error as ErrorDefinition,
  type Header,
  HeaderSchema,
  type ServerStreamRequest,
  ServerStreamRequestSchema,
  ServerStreamResponseSchema,
  type UnaryRequest,
  UnaryRequestSchema,
  UnaryResponseSchema,
} from './gen/connectrpc/conformance/v1/service_pb.ts';

/**
 * The service. ClientStream and BidiStream have no handler: the product has neither kind of method, and the runner's
 * configuration leaves them out.
 */
export function conformanceService(): ServiceBinding {
  return {
    service: ConformanceService,
    allow: 'public',
    handlers: {
      unary: (request: unknown, context: unknown) => unary(request as UnaryRequest, context as CallContext),
      serverStream: (request: unknown, stream: unknown, context: unknown) =>
        serverStream(request as ServerStreamRequest, stream as ServerStream, context as CallContext),
    } as ServiceBinding['handlers'],
  };
}

async function unary(request: UnaryRequest, context: CallContext) {
  const definition = request.responseDefinition;
  const info = requestInfo(UnaryRequestSchema, request, context);
  setMetadata(context, definition?.responseHeaders, definition?.responseTrailers);
  if (definition !== undefined && definition.responseDelayMs > 0)
    await pause(definition.responseDelayMs, context);
  if (definition?.response.case === 'error') throw wireError(definition.response.value, info);
  const data = definition?.response.case === 'responseData' ? definition.response.value : new Uint8Array();
  const payload = create(ConformancePayloadSchema, { data, requestInfo: info });
  return create(UnaryResponseSchema, { payload });
}

async function serverStream(
  request: ServerStreamRequest,
  stream: ServerStream,
  context: CallContext,
): Promise<void> {
  const definition = request.responseDefinition;
  const info = requestInfo(ServerStreamRequestSchema, request, context);
  setMetadata(context, definition?.responseHeaders, definition?.responseTrailers);
  let requestInfoOnce: typeof info | undefined = info;
  for (const data of definition?.responseData ?? []) {
    if (definition !== undefined && definition.responseDelayMs > 0) {
      await pause(definition.responseDelayMs, context);
    }
    const payload = create(
      ConformancePayloadSchema,
      requestInfoOnce === undefined ? { data } : { data, requestInfo: requestInfoOnce },
    );
    requestInfoOnce = undefined;
    stream.send(toBinary(ServerStreamResponseSchema, create(ServerStreamResponseSchema, { payload })));
  }
  if (definition?.error !== undefined) throw wireError(definition.error, requestInfoOnce);
  stream.end();
}

/** Waits; a call that ends meanwhile throws, which nobody sees any more. */
function pause(delayMs: number, context: CallContext): Promise<void> {
  return delay(delayMs, undefined, { signal: context.signal });
}

type RequestInfo = NonNullable<ConformancePayload['requestInfo']>;

function requestInfo<S extends DescMessage>(
  schema: S,
  request: MessageShape<S>,
  context: CallContext,
): RequestInfo {
  const byName = new Map<string, string[]>();
  for (const [name, value] of requestHeaders(context)) {
    byName.set(name, [...(byName.get(name) ?? []), value]);
  }
  const info = create(ConformancePayload_RequestInfoSchema, {
    requestHeaders: [...byName].map(([name, value]) => create(HeaderSchema, { name, value })),
    requests: [anyPack(schema, request)],
  });
  if (context.timeoutMs !== undefined) info.timeoutMs = BigInt(Math.round(context.timeoutMs));
  return info;
}

function wireError(error: ErrorDefinition, info: RequestInfo | undefined): WireError {
  const details =
    info === undefined
      ? error.details
      : [...error.details, anyPack(ConformancePayload_RequestInfoSchema, info)];
  return new WireError(error.code, error.message ?? '', details);
}

function setMetadata(
  context: CallContext,
  headers: readonly Header[] = [],
  trailers: readonly Header[] = [],
): void {
  setResponseMetadata(context, { headers: pairs(headers), trailers: pairs(trailers) });
}

function pairs(headers: readonly Header[]): MetadataPair[] {
  return headers.flatMap(({ name, value }) => value.map((one): MetadataPair => [name.toLowerCase(), one]));
}
