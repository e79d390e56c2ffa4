// The door for tests: an edge with handlers of the test's choice, and small clients for each transport.

import { create } from '@bufbuild/protobuf';
import { SessionService } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import {
  type IssueTokenRequest,
  IssueTokenResponseSchema,
  TokenService,
} from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { StarlingError } from '../../../runtime/errors.ts';
import {
  bindService,
  type CallContext,
  type Principal,
  type ServerStream,
  type ServiceBinding,
} from '../../../runtime/service.ts';
import { systemClock } from '../../clock/index.ts';
import { type Edge, type EdgeLogEntry, type EdgeOptions, startEdge } from '../index.ts';

export {
  decodeError,
  framed,
  parseBody,
  reasonOf,
  type WebAnswer,
  webCall,
  webStream,
} from './web-client.ts';

export const UNARY_PATH = '/starling.server.v1.TokenService/IssueToken';
export const STREAM_PATH = '/starling.im.v1.SessionService/Open';

/** What the two methods of the test edge do. */
export interface TestHandlers {
  /** Default: answers with the user id as the token. */
  unary?: (request: IssueTokenRequest, context: CallContext) => Promise<string> | string;
  /** Default: keeps the stream open and quiet. */
  stream?: (stream: ServerStream, context: CallContext) => Promise<void> | void;
}

export interface TestEdge {
  readonly edge: Edge;
  readonly logged: EdgeLogEntry[];
}

/** An authorization header is the name of the scope; `expired` is an expired token; anything else is refused. */
function authenticate(authorization: string | undefined): Principal {
  if (authorization === 'expired') throw new StarlingError('TOKEN_EXPIRED');
  if (authorization !== 'user' && authorization !== 'backend' && authorization !== 'admin') {
    throw new StarlingError('UNAUTHENTICATED');
  }
  return {
    tenant: 'main',
    userId: 'ann',
    deviceId: undefined,
    scope: authorization,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  };
}

/** Starts an edge on free ports of 127.0.0.1. */
export async function testEdge(
  handlers: TestHandlers = {},
  options: Partial<EdgeOptions> = {},
): Promise<TestEdge> {
  const logged: EdgeLogEntry[] = [];
  const tokens = bindService(TokenService, ['user'], {
    issueToken: async (request, context) => {
      const token = await (handlers.unary?.(request, context) ?? request.userId);
      return create(IssueTokenResponseSchema, { token });
    },
  });
  const sessions: ServiceBinding = {
    service: SessionService,
    allow: ['user'],
    handlers: {
      open: ((_request: unknown, stream: ServerStream, context: CallContext) =>
        handlers.stream?.(stream, context)) as unknown as ServiceBinding['handlers'][string],
    },
  };
  const local = { host: '127.0.0.1', port: 0 };
  const edge = await startEdge({
    services: [tokens, sessions],
    authenticator: { authenticate },
    clock: systemClock(),
    http: local,
    grpc: local,
    health: () => ({ ok: true, detail: 'ok' }),
    allowedOrigins: ['https://chat.example.com'],
    log: (entry) => logged.push(entry),
    ...options,
  });
  return { edge, logged };
}

/** Starts an edge, runs the test with its HTTP address, stops the edge. */
export async function withEdge(
  handlers: TestHandlers,
  run: (address: string, logged: readonly EdgeLogEntry[]) => Promise<void>,
  options: Partial<EdgeOptions> = {},
): Promise<void> {
  const { edge, logged } = await testEdge(handlers, options);
  try {
    await run(edge.httpAddress, logged);
  } finally {
    await edge.close();
  }
}
