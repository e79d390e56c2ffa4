// What the edge calls and the gateway implements: services described by protobuf, on whatever wire. Owns: the shape of a
// handler, of a server stream and of a caller's identity. Does not own: framing, transports, authentication.

import type {
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageShape,
} from '@bufbuild/protobuf';
import type { StarlingError } from './errors.ts';

/** What a token allows. `user`: the client API as that user. `backend`: the server API. `admin`: everything an operator may. */
export type Scope = 'user' | 'backend' | 'admin';

/** Who calls, as proved by a token. */
export interface Principal {
  /** Tenant; `main` where the token names none. */
  readonly tenant: string;
  /** User id; for `backend` and `admin` the name of the caller. */
  readonly userId: string;
  /** The one device the token is for; undefined = any. */
  readonly deviceId: string | undefined;
  readonly scope: Scope;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly expiresAtMs: number;
}

/** Everything about a call but its request. */
export interface CallContext {
  /** Present unless the service is open to everybody (health, reflection). */
  readonly principal: Principal | undefined;
  /** Aborted when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /**
   * Milliseconds left at the moment it is read, 0 when the deadline has passed: so that calls made one after the other for
   * this one get what is left. Undefined = the caller set no deadline.
   */
  readonly timeoutMs: number | undefined;
  /** W3C trace context for what is done on behalf of the call; undefined where nothing is traced. */
  readonly traceparent?: string | undefined;
  /** A request header (lower-case name), the first value. */
  header(name: string): string | undefined;
}

/** An answer that is encoded already: the pieces of its bytes, in order. Saves a second encoding. */
export interface EncodedMessage {
  readonly encoded: readonly Uint8Array[];
}

/** The stream of answers of one server-streaming call. */
export interface ServerStream {
  /**
   * Queues one message, given as the pieces of its encoding. Never blocks; all that is queued in one tick becomes one
   * write. Look at `bufferedBytes` to hold back. Ignored once closed.
   */
  send(...pieces: readonly Uint8Array[]): void;
  /** Ends the call after what is queued: OK without an error. Harmless when closed. */
  end(error?: StarlingError): void;
  /** Bytes queued or given to the socket and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /** Bytes of message bodies sent since the start. */
  readonly sentBytes: number;
  /** True once the caller is gone or the call has ended. */
  readonly closed: boolean;
  /** Calls `listener` once when the stream closes, at once if it has. */
  onClose(listener: () => void): void;
}

/** A handler of a unary method. Throws StarlingError for expected failures. */
export type UnaryHandler<M extends DescMethodUnary> = (
  request: MessageShape<M['input']>,
  context: CallContext,
) => Promise<MessageShape<M['output']> | EncodedMessage> | MessageShape<M['output']> | EncodedMessage;

/** A handler of a server-streaming method. The call lives until `stream.end` or the caller leaves. A throw ends it. */
export type StreamHandler<M extends DescMethodServerStreaming> = (
  request: MessageShape<M['input']>,
  stream: ServerStream,
  context: CallContext,
) => Promise<void> | void;

/** Handlers for every method of a service, typed from its descriptor. */
export type ServiceHandlers<S extends DescService> = {
  [K in keyof S['method']]: S['method'][K] extends DescMethodUnary
    ? UnaryHandler<S['method'][K]>
    : S['method'][K] extends DescMethodServerStreaming
      ? StreamHandler<S['method'][K]>
      : never;
};

/** A service with its handlers, and who may call it. */
export interface ServiceBinding {
  readonly service: DescService;
  // The handlers by `localName` of the method; checked by `bindService`.
  readonly handlers: Readonly<
    Record<string, UnaryHandler<DescMethodUnary> | StreamHandler<DescMethodServerStreaming>>
  >;
  /** Scopes let in; `public`: no token is asked for. */
  readonly allow: readonly Scope[] | 'public';
}

/** Binds handlers to a service; the compiler checks that none is missing. */
export function bindService<S extends DescService>(
  service: S,
  allow: readonly Scope[] | 'public',
  handlers: ServiceHandlers<S>,
): ServiceBinding {
  return { service, allow, handlers: handlers as unknown as ServiceBinding['handlers'] };
}

/** Proves who calls. */
export interface Authenticator {
  /**
   * @param authorization the `authorization` header as it came, or undefined
   * @throws StarlingError UNAUTHENTICATED, TOKEN_EXPIRED
   */
  authenticate(authorization: string | undefined): Principal | Promise<Principal>;
}
