// The rim towards clients. Owns: sockets, HTTP, the framing of gRPC and gRPC-web, deadlines, CORS, static files, health,
// reflection, and how an error is written on the wire. Does not own: what a method does, who may be whom (the
// authenticator says), or anything about actors.
//
// Invariants, cited by number in this folder:
// E1  One set of handlers serves all transports; what a handler may do never depends on the transport.
// E2  A call is answered exactly once. Whatever comes after (a late result, a deadline, a lost client) is dropped.
// E3  Nothing is buffered beyond a bound of `limits.ts`; what would be is refused before it is taken.
// E4  Nothing thrown by a handler but a StarlingError reaches a client: the rest is INTERNAL, and logged.
// E5  All that is queued on one connection in one tick is handed to the socket at once, in order.
// E6  Request headers can be read until the handler has returned (or its promise is settled); an idle stream keeps none.
//
// Compatibility: unknown fields of a request are ignored, so that a newer client can call an older server. Everything
// else that is not valid protobuf, invalid UTF-8 in a string included, is refused with MALFORMED.

export { startEdge } from './edge.ts';
export type { ExtraRequest, ExtraRoutes } from './extra.ts';
export type { Edge, EdgeHealth, EdgeLogEntry, EdgeOptions } from './options.ts';
export type { PlainResponse } from './web-request.ts';
