// What the edge is started with, and what it gives back.

import type { Clock } from '../../runtime/ports/clock.ts';
import type { Authenticator, ServiceBinding } from '../../runtime/service.ts';
import type { ExtraRoutes } from './extra.ts';
import type { EdgeLimits } from './limits.ts';

/** Where to listen. */
export interface EdgeAddress {
  /** Name or address of the interface, e.g. `127.0.0.1`. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
}

/** What the process can say about itself. */
export interface EdgeHealth {
  readonly ok: boolean;
  /** One line: `ok`, or what is wrong. Shown to anybody who asks for /readyz. */
  readonly detail: string;
}

/** A line for the operator. */
export interface EdgeLogEntry {
  readonly level: 'error' | 'warn' | 'info';
  readonly text: string;
  /** Path of the method, where there is one. */
  readonly method?: string;
  /** What was thrown. Never sent to a client. */
  readonly error?: unknown;
}

/** The trace of one call. */
export interface CallTrace {
  /** What is done on behalf of the call is told this. */
  readonly traceparent: string;
  /** The call is over. `code`: of the error that ended it. Harmless when ended. */
  end(code?: string): void;
}

export interface EdgeOptions {
  /** What is served. A method without a handler answers METHOD_NOT_FOUND. */
  readonly services: readonly ServiceBinding[];
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  /** gRPC-web over HTTP/1.1 and HTTP/2, static files, /healthz and /readyz. Cleartext, or TLS only where `tls` is given. */
  readonly http: EdgeAddress;
  /** Native gRPC. Cleartext, or TLS only where `tls` is given. */
  readonly grpc: EdgeAddress;
  /** Certificate chain and key, PEM. Default: cleartext. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** The built web page. Default: none; paths other than /healthz and /readyz are then 404. */
  readonly staticDir?: string;
  /** Answers further requests that are no calls. Default: none. */
  readonly extraRoutes?: ExtraRoutes;
  /** Drives grpc.health.v1 and /readyz; asked at most once a call. */
  readonly health: () => EdgeHealth;
  /** Origins of pages that may call, e.g. `https://chat.example.com`; the page's own origin always may. */
  readonly allowedOrigins: readonly string[] | '*';
  /** Default: DEFAULT_EDGE_LIMITS. */
  readonly limits?: Partial<EdgeLimits>;
  /** Begins the trace of a unary call. `parent`: the header `traceparent` as it came. Default: nothing is traced. */
  readonly trace?: (path: string, parent: string | undefined) => CallTrace;
  /** Takes what the operator should see. Default: nothing is logged. */
  readonly log?: (entry: EdgeLogEntry) => void;
}

/** A running edge. */
export interface Edge {
  /** `host:port` of gRPC-web and the page. */
  readonly httpAddress: string;
  /** `host:port` of native gRPC. */
  readonly grpcAddress: string;
  /** Server-streaming calls that are open. */
  readonly streams: number;
  /**
   * Takes no new connection and refuses new calls with SHUTTING_DOWN; waits for calls and streams to end, at most
   * `graceMs` milliseconds; then ends what is left with SHUTTING_DOWN and closes. A second call joins the first.
   */
  drain(graceMs: number): Promise<void>;
  /** The same without grace. */
  close(): Promise<void>;
}
