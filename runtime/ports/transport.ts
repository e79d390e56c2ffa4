// Port: other nodes. A driver carries envelopes; it does not look into them. Nothing of safety rests on it: an envelope
// may be lost, come late or come twice (rule 11: never an input to safety).

/** Where shards are served, as far as this node has heard. A hint: who is asked in vain says so. */
export interface Directory {
  /** The node that serves a shard, or undefined where that is not known. */
  nodeOf(shard: number): string | undefined;
  /** Name that a node shares with those of its host, which pass a fan-out on to each other. Default: each is on its own. */
  hostOf?(node: string): string | undefined;
  /** A node that was asked for a shard does not serve it. Default: nobody wants to know. */
  notOwner?(shard: number, node: string): void;
}

/** What an envelope holds: a `call`, or mass that must not hold up calls (`bulk`: a fan-out). */
export type TransportLane = 'call' | 'bulk';

export interface Transport {
  /**
   * Sends an envelope to a node and resolves with its answer. Default of `lane`: `call`.
   * @throws StarlingError NOT_OWNER if there is no such node or the envelope surely did not reach it, OVERLOADED,
   *   PAYLOAD_TOO_LARGE, OUTCOME_UNKNOWN, DEADLINE_EXCEEDED
   */
  request(node: string, envelope: Uint8Array, timeoutMs: number, lane?: TransportLane): Promise<Uint8Array>;
  /** Lets `handler` answer the envelopes that come in. Called once. */
  serve(handler: (envelope: Uint8Array) => Promise<Uint8Array>): void;
}
