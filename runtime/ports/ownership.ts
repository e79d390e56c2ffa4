// Port: which shards this node serves, and the fence that every output waits for (rules 1–3, 8 of the safety protocol).

/** This node's right to serve one shard in one epoch. */
export interface ShardClaim {
  readonly shard: number;
  readonly epoch: number;
  /**
   * The next write time: epoch * 2^36 + counter, strictly rising within the claim for as long as the process lives.
   * @throws StarlingError NOT_OWNER once the claim has ended
   */
  nextTimestamp(): bigint;
}

export interface Ownership {
  /** The claim this node holds on a shard, or undefined. */
  claim(shard: number): ShardClaim | undefined;
  /** Somebody asks for an actor of a shard that this node has no claim on: a hint. Default: nobody wants to know. */
  wanted?(shard: number): void;
  /**
   * Reads this node's own fence. `live`: at some moment after the call began no other node had fenced this one.
   * An embedded store with an exclusive lock answers at once, without a promise.
   */
  readFence(): 'live' | 'fenced' | Promise<'live' | 'fenced'>;
}
