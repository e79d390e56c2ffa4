// NATS: how nodes reach each other. Owns: connections, subjects, links with credits, the board on JetStream, direct
// questions; it alone imports the NATS client and it alone knows subjects. Does not own: what is in an envelope (runtime),
// what stands on the board (cluster/membership), and safety, to which nothing here is ever an input (rule 11 of the safety
// protocol).
//
// Invariants: S1 … S3 (stream.ts), L1 and L2 (link.ts), L3 (session.ts), L4 and L5 (lane.ts); B1 … B4 are a board's
// promises (cluster/membership/ports.ts).
//
// A link is opened by a question to the node (hello), leads to one process, and carries requests one way and answers the
// other, each with a window of bytes: core NATS drops what a slow reader has not taken, so nothing is left to its buffers.

export { connectNats, type Nats } from './connect.ts';
export type { NatsEvent, NatsOptions } from './options.ts';
