// The processes of one host, seen by one of them. Owns: fence reads that they share, the way of an envelope from one to
// another without NATS. Does not own: starting and ending them (tools/node/supervisor), how a fan-out is split
// (runtime/host-fan-out.ts), the ways to other hosts (cluster/nats).
//
// Invariants: F1, F2 (fence-door.ts), H1 … H3 (local-link.ts), H4 (host-transport.ts), H5 (local-server.ts), P1, P2 (place.ts).

export { FenceDoor } from './fence-door.ts';
export { HostTransport } from './host-transport.ts';
export { type HostLimits, hostLimits } from './limits.ts';
export { type HostPlace, HostTable } from './place.ts';
