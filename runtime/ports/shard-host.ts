// Port: what a node does with the shards it is given and loses. The runtime implements it; cluster/ownership calls it.

export interface ShardHost {
  /**
   * A claim has begun: the actors that a former owner left with work are woken, paced. Resolves when all have been tried.
   * Calls are served from the moment `Ownership.claim` answers, before and while this runs.
   */
  shardTaken(shard: number): Promise<void>;
  /**
   * The claim is about to be given away. New calls are refused with NOT_OWNER (callers look again); what was accepted ends,
   * state is flushed. Resolves when no activation of the shard is left in memory: after at most `graceMs` what has not
   * ended is ended. Only then may the claim end and the row be swapped.
   */
  drainShard(shard: number, graceMs: number): Promise<void>;
  /** A drain was given up before anything was sent: calls are served again. */
  undrainShard(shard: number): void;
  /** The claim has ended, without a drain: everything of the shard ends now. */
  shardLost(shard: number): void;
}
