// Every bound and every delay of the SDK. Where the server's Limits or Welcome say otherwise, the server wins.

export const LIMITS = {
  /** Deadline of a unary call. */
  unaryTimeoutMs: 10_000,
  /** The application has to give a token by then. */
  tokenTimeoutMs: 30_000,
  /** Without a Welcome by then the client falls back to long polls. */
  welcomeTimeoutMs: 3_000,
  /** Ceiling of the first back-off; doubles with every failure in a row. */
  backoffBaseMs: 500,
  /** Highest ceiling of the back-off. */
  backoffMaxMs: 20_000,
  /** A stream that stood so long was good: the back-off starts anew. */
  stableAfterMs: 5_000,
  /** Tokens refused in a row, each a fresh one but the first, before the client gives up. */
  tokensRefusedMax: 3,
  /** Where Welcome does not say. */
  heartbeatDefaultMs: 20_000,
  /** Missing beats after which the stream counts as lost. */
  heartbeatsMissedMax: 2,
  /** While polling, a stream is tried again after so long. */
  streamRetryMs: 60_000,
  /** Wait of one long poll. */
  pollWaitMs: 25_000,
  /** Deliveries that the server is about to push are not pulled before this has passed. */
  pushGraceMs: 1_000,
  /** Safety pull: earliest after the last delivery. */
  safetyPullMinMs: 180_000,
  /** Safety pull: latest after the last delivery. */
  safetyPullMaxMs: 300_000,
  /** Smallest distance between two acknowledgements that are not due by count. */
  ackIntervalMs: 1_000,
  /** Deliveries after which an acknowledgement is due at once. */
  ackDeliveriesMax: 32,
  /** Where the server does not say how many deliveries it pushes unacknowledged. */
  windowDeliveriesDefault: 32,
  /** Deliveries kept beyond a hole; more are dropped and pulled later. */
  bufferedDeliveriesMax: 1_024,
  /** Deliveries of one local transaction. */
  applyDeliveriesMax: 200,
  /** Sends awaiting their answer. */
  sendsInFlightMax: 16,
  /** Messages waiting to be sent; more are refused. */
  outgoingMax: 1_000,
  /** Failed messages kept for the application to send again. */
  failedKeptMax: 100,
  /** A conversation's summary that could not be read is asked for again after so long. */
  lookupRetryMs: 2_000,
  /** Conversations of one page of a rebuild. */
  rebuildPageSize: 200,
  /** Messages that history returns where the application does not say. */
  historyDefault: 50,
  /** Most messages that history returns. */
  historyMax: 200,
  /** Members of one page. */
  membersPageSize: 1_000,
  /** Pages of members read at most. */
  membersPagesMax: 100,
  /** Users asked for in one call. */
  usersPageSize: 100,
  /** One frame of an answer; a longer one ends the call. */
  frameBytesMax: 16 * 1024 * 1024,
  /** Messages of one conversation that the memory store keeps. */
  memoryMessagesMax: 2_000,
  /** Messages of one conversation that survive when a local database is full. */
  quotaMessagesKept: 200,
} as const;
