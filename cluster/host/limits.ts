// Every bound of a host.

export interface HostLimits {
  /** Fence reads of one process that wait for an answer. Default 64; further ones are refused with OVERLOADED. */
  readonly fenceAsksMax: number;
  /**
   * How long a process waits for a fence read, milliseconds. Default 2,000: then it reads for itself, before its lease of 3,000
   * ends.
   */
  readonly fenceMs: number;
  /** Bytes of one envelope; more is refused with PAYLOAD_TOO_LARGE. Default 8 MiB. */
  readonly envelopeBytesMax: number;
  /** Requests of one connection without an answer; more are refused with OVERLOADED. Default 16,384. */
  readonly requestsMax: number;
  /** Bytes that wait in one direction of a connection. Default 16 MiB; then requests are refused, answers are waited for. */
  readonly waitingBytesMax: number;
  /** Pause before a connection that could not be made is tried again, milliseconds. Default 100. */
  readonly reconnectMs: number;
  /** Step in which deadlines are looked at, milliseconds. Default 50. */
  readonly stepMs: number;
}

export const hostLimits: HostLimits = {
  fenceAsksMax: 64,
  fenceMs: 2_000,
  envelopeBytesMax: 8 * 1024 * 1024,
  requestsMax: 16_384,
  waitingBytesMax: 16 * 1024 * 1024,
  reconnectMs: 100,
  stepMs: 50,
};
