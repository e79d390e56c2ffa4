// Every bound of the runtime in one place, unit then bound last.

export interface RuntimeLimits {
  /** Turns that wait in one mailbox; more are refused with OVERLOADED. Replies have room beyond it. Default 1,024. */
  readonly mailboxTurnsMax: number;
  /** Bytes of the requests that wait in one mailbox, roughly; more are refused with OVERLOADED. Default 8 MiB. */
  readonly mailboxBytesMax: number;
  /** While the oldest call has waited for longer than this in a mailbox, new ones are refused with OVERLOADED, milliseconds. Default 10,000. */
  readonly mailboxAgeMsMax: number;
  /** A turn that keeps the thread, or its actor, for longer than this is logged, milliseconds. Default 100. */
  readonly slowTurnMs: number;
  /** Times that one call is tried again on other nodes. Default 64: with the waits below for about 7 to 9 s. */
  readonly callRetriesMax: number;
  /** First and longest wait before a call is tried again, milliseconds. Defaults 10 and 150: what a shard's move may add for who waits. */
  readonly callRetryMsMin: number;
  readonly callRetryMsMax: number;
  /** Outputs that wait behind one gate; more are refused with OVERLOADED. Default 8,192. */
  readonly gateOutputsMax: number;
  /** Bytes of rows of one actor that are not known durable; while there are more, new calls are refused with OVERLOADED. Default 4 MiB. */
  readonly pendingBytesMax: number;
  /** Rows of one commit. Also how far beyond the tail a row of an activation may have been in flight. Default 256. */
  readonly batchRowsMax: number;
  /** Bytes of the rows of one commit. Default 256 KiB. */
  readonly batchBytesMax: number;
  /** Bytes of one row. Default 160 KiB: the largest content with its wrapping, twice over. */
  readonly rowBytesMax: number;
  /** Rows after which the state is written to the head again. Default 512. */
  readonly checkpointRows: number;
  /** How long table cells may be written behind their record while nothing else is written, milliseconds. Default 50. */
  readonly cellDelayMsMax: number;
  /** Deadline of a call that names none, milliseconds. Default 10,000. */
  readonly callMsDefault: number;
  /** Longest deadline of a call, milliseconds. Default 60,000. */
  readonly callMsMax: number;
  /** Step in which deadlines are looked at, milliseconds. Default 50. */
  readonly deadlineStepMs: number;
  /** An activation without work is dropped after this, milliseconds. Default 120,000. */
  readonly idleMsMax: number;
  /** Activations in memory; above it the ones used least are dropped early. Default 200,000. */
  readonly activationsMax: number;
  /** Above this share of the memory activations are dropped, those used least first. Default 0.85. */
  readonly memoryHighRatio: number;
  /** So many are dropped that memory should fall to this share. Default 0.75. */
  readonly memoryLowRatio: number;
  /** Memory is looked at no more often than this, milliseconds; the time a garbage collection may take. Default 500. */
  readonly memoryLookMsMin: number;
  /** First and longest wait before an actor that failed is opened again, milliseconds. Defaults 200 and 30,000. */
  readonly reviveMsMin: number;
  readonly reviveMsMax: number;
  /** Actors that are opened at a time because they were found marked, or ended by a failure. Default 64. */
  readonly wakeConcurrencyMax: number;
  /** Rows that a page of recovery reads. Default 1,024. */
  readonly recoveryRowsMax: number;
  /** Bytes that a page of recovery reads. Default 4 MiB. */
  readonly recoveryBytesMax: number;
  /** Tells of one actor that are not known to be taken. Default 10,000. */
  readonly tellsPendingMax: number;
  /** Senders of which an actor remembers how far it has taken their tells. Default 10,000. */
  readonly tellSendersMax: number;
  /** First and longest wait before a tell is repeated, milliseconds. Defaults 100 and 30,000. */
  readonly tellRetryMsMin: number;
  readonly tellRetryMsMax: number;
  /** Receivers of one fan-out. Default 10,000. */
  readonly fanOutReceiversMax: number;
  /** Reminders of one actor; more are refused with OVERLOADED. Default 1,000. */
  readonly remindersMax: number;
  /** Bytes of the request of one reminder. Default 16 KiB. */
  readonly reminderBytesMax: number;
  /** Shortest period of a reminder, milliseconds. Default 1,000. */
  readonly reminderEveryMsMin: number;
  /** Calls that a reminder with the policy `all` makes up for at most. Default 1,000. */
  readonly reminderCatchUpMax: number;
  /** Reminders of one actor that are under way at a time. Default 16. */
  readonly remindersUnderWayMax: number;
  /** First and longest wait before a reminder that failed is run again, milliseconds. Defaults 1,000 and 600,000. */
  readonly reminderRetryMsMin: number;
  readonly reminderRetryMsMax: number;
  /** Of what is overdue by more than a minute: reminders begun, and actors woken for theirs, per second and node. Default 500. */
  readonly lateRemindersPerSecondMax: number;
  /** Due marks that one page reads. Default 256. */
  readonly dueMarksPageMax: number;
  /** Shards whose due marks are read at a time. Default 16. */
  readonly dueShardsMax: number;
  /** First and longest wait before due marks that had to stay are looked at again, milliseconds. Defaults 15,000 and 600,000. */
  readonly dueRescanMsMin: number;
  readonly dueRescanMsMax: number;
  /** Streams of one pair of nodes whose client is with one and whose actor with the other; more are refused with OVERLOADED. Default 65,536. */
  readonly relayStreamsMax: number;
  /** Other nodes, and former runs of them, that streams go to or come from. Default 4,096. */
  readonly relayLinksMax: number;
  /** Bytes of the frames of one batch; a longer frame goes alone. Default 256 KiB. */
  readonly relayBatchBytesMax: number;
  /** Bytes of one stream that wait for the other node, or there for the client; with more it ends with OVERLOADED. Default 4 MiB. */
  readonly relayStreamBytesMax: number;
  /** Bytes of all streams of one link that wait for the other node; a stream with more to send ends with OVERLOADED. Default 64 MiB. */
  readonly relayLinkBytesMax: number;
  /** How long one attempt to hand over a batch, or to open a stream, may take, milliseconds. Default 1,500. */
  readonly relayTryMs: number;
  /** Pause before such an attempt is repeated, milliseconds. Default 100. */
  readonly relayRetryMs: number;
  /** A link with streams carries a batch, if need be an empty one, at least this often, milliseconds. Default 1,000. */
  readonly relayBeatMs: number;
  /** Silence of a link after which each side ends its streams, milliseconds. Default 5,000. */
  readonly relaySilentMs: number;
}

export const DEFAULT_LIMITS: RuntimeLimits = {
  mailboxTurnsMax: 1024,
  mailboxBytesMax: 8 * 1024 * 1024,
  mailboxAgeMsMax: 10_000,
  slowTurnMs: 100,
  callRetriesMax: 64,
  callRetryMsMin: 10,
  callRetryMsMax: 150,
  gateOutputsMax: 8192,
  pendingBytesMax: 4 * 1024 * 1024,
  batchRowsMax: 256,
  batchBytesMax: 256 * 1024,
  rowBytesMax: 160 * 1024,
  checkpointRows: 512,
  cellDelayMsMax: 50,
  callMsDefault: 10_000,
  callMsMax: 60_000,
  deadlineStepMs: 50,
  idleMsMax: 120_000,
  activationsMax: 200_000,
  memoryHighRatio: 0.85,
  memoryLowRatio: 0.75,
  memoryLookMsMin: 500,
  reviveMsMin: 200,
  reviveMsMax: 30_000,
  wakeConcurrencyMax: 64,
  recoveryRowsMax: 1024,
  recoveryBytesMax: 4 * 1024 * 1024,
  tellsPendingMax: 10_000,
  tellSendersMax: 10_000,
  tellRetryMsMin: 100,
  tellRetryMsMax: 30_000,
  fanOutReceiversMax: 10_000,
  remindersMax: 1000,
  reminderBytesMax: 16 * 1024,
  reminderEveryMsMin: 1000,
  reminderCatchUpMax: 1000,
  remindersUnderWayMax: 16,
  reminderRetryMsMin: 1000,
  reminderRetryMsMax: 600_000,
  lateRemindersPerSecondMax: 500,
  dueMarksPageMax: 256,
  dueShardsMax: 16,
  dueRescanMsMin: 15_000,
  dueRescanMsMax: 600_000,
  relayStreamsMax: 65_536,
  relayLinksMax: 4096,
  relayBatchBytesMax: 256 * 1024,
  relayStreamBytesMax: 4 * 1024 * 1024,
  relayLinkBytesMax: 64 * 1024 * 1024,
  relayTryMs: 1500,
  relayRetryMs: 100,
  relayBeatMs: 1000,
  relaySilentMs: 5000,
};
