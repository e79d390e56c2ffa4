// What the process that asks is told, as JSON in its one argument.

export interface Order {
  /** Bare requests of the NATS client, or calls of actors. */
  readonly subject: 'nats' | 'starling';
  readonly work: 'rate' | 'latency';
  /** Of the NATS server. */
  readonly url: string;
  /** Length of the run, milliseconds. */
  readonly forMs: number;
  /** Whose processor time is read beside its own. */
  readonly answererPid: number | undefined;
  readonly serverPid: number | undefined;
}
