// Every bound of the driver. Between nodes nothing is left to the buffers of the NATS server: core NATS cuts off a client
// that reads too slowly once they are full, with all that they hold.

export interface NatsLimits {
  /** Bytes of one NATS message between nodes. Default 256 KiB; larger envelopes travel in pieces. */
  readonly frameBytesMax: number;
  /** Bytes that leave before the tick is over, so that the other side can begin with them. Default 16 KiB. */
  readonly eagerBytes: number;
  /** Bytes of one envelope; more is refused with PAYLOAD_TOO_LARGE. Default 8 MiB. */
  readonly envelopeBytesMax: number;
  /**
   * Bytes on their way in one direction of a link, not yet taken by the other process. Default 1 MiB. The server holds at
   * most 2 * windowBytes * (nodes - 1) for one connection: at its default `max_pending` of 64 MiB that is good for 32 nodes.
   * At least twice frameBytesMax.
   */
  readonly windowBytes: number;
  /** Requests of one link without an answer; more are refused with OVERLOADED. Default 16,384. */
  readonly linkRequestsMax: number;
  /** Bytes of requests that wait for the window of one link; more are refused with OVERLOADED. Default 16 MiB. */
  readonly linkBytesMax: number;
  /** Links and sessions of one connection. Default 4,096; further ones are refused. */
  readonly linksMax: number;
  /** How long a node may take to open a link, milliseconds. Default 1,000; then the calls are NOT_OWNER. */
  readonly helloMs: number;
  /** Silence on a link with work in flight after which it is tested, milliseconds. Default 1,000. */
  readonly quietMs: number;
  /** Silence after which such a link is given up, milliseconds. Default 3,000 = 3 * quietMs. */
  readonly silentMs: number;
  /** A link without work is closed after this, milliseconds. Default 120,000; its other end forgets it after twice that. */
  readonly linkIdleMs: number;
  /** Step in which deadlines and silence are looked at, milliseconds. Default 50. */
  readonly stepMs: number;
  /** How long the end waits for answers that are being made, milliseconds. Default 5,000. */
  readonly drainMs: number;
  /** How long a call of the board waits for its answer, milliseconds. Default 1,000. */
  readonly boardMs: number;
  /** Calls of the board under way; more are refused with OVERLOADED. Default 256. */
  readonly boardCallsMax: number;
  /** Bytes of one value on the board; more is refused with PAYLOAD_TOO_LARGE. Default 256 KiB. */
  readonly boardValueBytesMax: number;
  /** How long one attempt to connect may take, milliseconds. Default 5,000. */
  readonly connectMs: number;
  /** Pause between attempts to connect again, and the most that is added to it at random, milliseconds. Default 250. */
  readonly reconnectMs: number;
  readonly reconnectJitterMs: number;
  /** Pause between tests of an idle connection, milliseconds. Default 5,000; two missed ones are a disconnect. */
  readonly pingMs: number;
}

/** How long a second process of the same name may contradict a first answer, milliseconds. */
export const contradictMs = 100;

export const NATS_LIMITS: NatsLimits = {
  frameBytesMax: 256 * 1024,
  eagerBytes: 16 * 1024,
  envelopeBytesMax: 8 * 1024 * 1024,
  windowBytes: 1024 * 1024,
  linkRequestsMax: 16_384,
  linkBytesMax: 16 * 1024 * 1024,
  linksMax: 4_096,
  helloMs: 1_000,
  quietMs: 1_000,
  silentMs: 3_000,
  linkIdleMs: 120_000,
  stepMs: 50,
  drainMs: 5_000,
  boardMs: 1_000,
  boardCallsMax: 256,
  boardValueBytesMax: 256 * 1024,
  connectMs: 5_000,
  reconnectMs: 250,
  reconnectJitterMs: 250,
  pingMs: 5_000,
};
