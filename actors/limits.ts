// Every bound of the product in one place, unit then bound last.

export interface ImLimits {
  /** Encoded Content of one message, bytes. Default 65,536. */
  readonly contentBytesMax: number;
  /** Members of a group. Default 1,000. */
  readonly groupMembersMax: number;
  /** Devices of a user. Default 20. */
  readonly devicesMax: number;
  /** Unacknowledged deliveries pushed to a device. Default 32. */
  readonly windowDeliveriesMax: number;
  /** Unacknowledged bytes pushed to a device. Default 64 KiB. */
  readonly windowBytesMax: number;
  /** Entries of one pull. Default 500. */
  readonly pullDeliveriesMax: number;
  /** Bytes of one pull. Default 1 MiB; one entry is always given. */
  readonly pullBytesMax: number;
  /** Longest wait of a long poll, milliseconds. Default 25,000. */
  readonly pullWaitMsMax: number;
  /** A gap longer than this is not synced incrementally. Default 20,000 entries. */
  readonly syncGapMax: number;
  /** Entries of a user's timeline that are kept. Default 30,000; trimmed in steps of a tenth. */
  readonly ringRowsMax: number;
  /** Long polls of one user that wait. Default 64. */
  readonly newsWaitersMax: number;
  /** A device that has opened no stream for this long makes room for a new one, milliseconds. Default 30 days. */
  readonly deviceIdleMsMax: number;
  /** A frame is sent at least this often, milliseconds. Default 20,000. */
  readonly heartbeatMs: number;
  /** How long a send waits for an earlier one of its device, milliseconds. Default 2,000. */
  readonly sendGapMsMax: number;
  /** Sends of one device that wait for an earlier one. Default 256. */
  readonly sendGapMax: number;
  /** Sends of one user that wait for one conversation. Default 512. */
  readonly sendQueueMax: number;
  /** A send that its conversation has not answered for this long is accepted into the outbox, milliseconds, but never
   * later than half of the caller's deadline. Default 1,500. */
  readonly outboxAfterMs: number;
  /** Sends of one user that are accepted and not placed; more are refused with OVERLOADED. Default 256. */
  readonly outboxEntriesMax: number;
  /** Bytes of their content. Default 256 KiB: the state of a user holds them. */
  readonly outboxBytesMax: number;
  /**
   * A send that was accepted this long ago and can't be placed has failed (SEND_EXPIRED), milliseconds. Default 24 h. A
   * conversation must recognise repeats for this and 24 h more (rule 15): so long a repeat of the client may follow.
   */
  readonly outboxAgeMsMax: number;
  /** First and longest wait before a conversation out of reach is tried again, milliseconds. Defaults 100 and 30,000. */
  readonly outboxRetryMsMin: number;
  readonly outboxRetryMsMax: number;
  /** Accepted sends that failed of which a user knows, for late repeats and devices that rebuild. Default 100. */
  readonly sendFailuresMax: number;
  /** Messages of one batch from a user to a conversation. Default 64. */
  readonly postEntriesMax: number;
  /** Bytes of content of one such batch. Default 256 KiB. */
  readonly postBytesMax: number;
  /** Log entries of one fan-out. Default 128. */
  readonly fanOutEntriesMax: number;
  /** Bytes of one fan-out. Default 256 KiB. */
  readonly fanOutBytesMax: number;
  /** First wait before a refused delivery is repeated, milliseconds; doubles to the next bound. Default 100. */
  readonly redeliverMsMin: number;
  /** Longest wait before a refused delivery is repeated, milliseconds. Default 5,000. */
  readonly redeliverMsMax: number;
  /** Conversations that a user who comes back catches up with at a time. Default 16. */
  readonly catchUpConversationsMax: number;
  /** What shows the timeline waits this long at most for a user that comes back, milliseconds. Default 2,000. */
  readonly catchUpWaitMsMax: number;
  /** Entries of one page of history, and its bytes. Defaults 200 and 1 MiB. */
  readonly historyMessagesMax: number;
  readonly historyBytesMax: number;
  /** Sent ids of a conversation kept in memory, besides the index. Default 4,096. */
  readonly sentIdsInMemoryMax: number;
  /** A stream whose device has acknowledged nothing for this long is ended, milliseconds. Default 60,000. */
  readonly ackMsMax: number;
  /** A stream with more unread bytes in the node's memory is ended. Default 1 MiB. */
  readonly streamBufferBytesMax: number;
  /** Clients spread their reconnects over this, milliseconds. Default 2,000. */
  readonly reconnectSpreadMs: number;
  /**
   * A client whose stream is relayed from another node is asked to go there after half of this to all of it, milliseconds.
   * Default 10,000.
   */
  readonly relayedMsMax: number;
}

export const DEFAULT_IM_LIMITS: ImLimits = {
  contentBytesMax: 65_536,
  groupMembersMax: 1000,
  devicesMax: 20,
  windowDeliveriesMax: 32,
  windowBytesMax: 64 * 1024,
  pullDeliveriesMax: 500,
  pullBytesMax: 1024 * 1024,
  pullWaitMsMax: 25_000,
  syncGapMax: 20_000,
  ringRowsMax: 30_000,
  newsWaitersMax: 64,
  deviceIdleMsMax: 30 * 24 * 3600 * 1000,
  heartbeatMs: 20_000,
  sendGapMsMax: 2000,
  sendGapMax: 256,
  sendQueueMax: 512,
  outboxAfterMs: 1500,
  outboxEntriesMax: 256,
  outboxBytesMax: 256 * 1024,
  outboxAgeMsMax: 24 * 3600 * 1000,
  outboxRetryMsMin: 100,
  outboxRetryMsMax: 30_000,
  sendFailuresMax: 100,
  postEntriesMax: 64,
  postBytesMax: 256 * 1024,
  fanOutEntriesMax: 128,
  fanOutBytesMax: 256 * 1024,
  redeliverMsMin: 100,
  redeliverMsMax: 5000,
  catchUpConversationsMax: 16,
  catchUpWaitMsMax: 2000,
  historyMessagesMax: 200,
  historyBytesMax: 1024 * 1024,
  sentIdsInMemoryMax: 4096,
  ackMsMax: 60_000,
  streamBufferBytesMax: 1024 * 1024,
  reconnectSpreadMs: 2000,
  relayedMsMax: 10_000,
};
