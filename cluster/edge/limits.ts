// Every bound of the edge in one place, unit then bound last.

export interface EdgeLimits {
  /** Bytes of one request message. Default 1 MiB + 64 KiB: the largest import batch with its wrapping. */
  readonly messageBytesMax: number;
  /** Bytes of all request headers of one call, names and values. Default 16 KiB. */
  readonly metadataBytesMax: number;
  /** Server-streaming calls at a time, both ports together; more are refused with OVERLOADED. Default 100,000. */
  readonly streamsMax: number;
  /** Unary calls at a time, both ports together; more are refused with OVERLOADED. Default 20,000. */
  readonly callsMax: number;
  /** Connections of one port; more are closed as they come. Default 120,000. */
  readonly connectionsMax: number;
  /** Calls at a time on one HTTP/2 connection. Default 1,000. */
  readonly callsPerConnectionMax: number;
  /** Bytes one stream may hold back because its client does not read; beyond it the stream ends with OVERLOADED. Default 1 MiB. */
  readonly streamBufferBytesMax: number;
  /** Deadline of a unary call: of one that names none, and the most that one may ask for, milliseconds. Default 120,000. */
  readonly unaryMsMax: number;
  /** From the first byte of a request until its headers are complete, milliseconds. Default 10,000. */
  readonly headersMsMax: number;
  /** From the first byte of a request until its body is complete, milliseconds. Default 30,000. */
  readonly requestMsMax: number;
  /** How long an HTTP/1.1 connection is kept open between two requests, milliseconds. Default 75,000. */
  readonly idleMsMax: number;
  /** Time between two probes of a connection, milliseconds; a connection that leaves one unanswered is closed. Default 30,000. */
  readonly keepAliveMs: number;
  /** How long an ended stream may take to hand its last bytes to the operating system, milliseconds. Default 5,000. */
  readonly lingerMsMax: number;
  /** Step in which deadlines are looked at, milliseconds. Default 20. */
  readonly deadlineStepMs: number;
  /** How often health is looked at for those who watch it, milliseconds. Default 1,000. */
  readonly healthStepMs: number;
  /** Questions on one reflection call. Default 1,000. */
  readonly reflectionQuestionsMax: number;
  /** Bytes of all static files together, which are kept in memory. Default 32 MiB. */
  readonly staticBytesMax: number;
}

export const DEFAULT_EDGE_LIMITS: EdgeLimits = {
  messageBytesMax: 1024 * 1024 + 64 * 1024,
  metadataBytesMax: 16 * 1024,
  streamsMax: 100_000,
  callsMax: 20_000,
  connectionsMax: 120_000,
  callsPerConnectionMax: 1000,
  streamBufferBytesMax: 1024 * 1024,
  unaryMsMax: 120_000,
  headersMsMax: 10_000,
  requestMsMax: 30_000,
  idleMsMax: 75_000,
  keepAliveMs: 30_000,
  lingerMsMax: 5000,
  deadlineStepMs: 20,
  healthStepMs: 1000,
  reflectionQuestionsMax: 1000,
  staticBytesMax: 32 * 1024 * 1024,
};
