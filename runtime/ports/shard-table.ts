// Port: who owns which shard, and which nodes have been fenced (rules 1 and 2 of the safety protocol). Safety rests on these
// few rows alone. Owns: the words and promises. Does not own: how a driver keeps them, and when they are written
// (cluster/ownership).
//
// Promises of every driver:
// O1  `markLive` and `fence` resolve once the mark is at a quorum of the replicas. The mark only rises: absent, then live,
//     then fenced. Writing the lower one again changes nothing.
// O2  `readLife` sees every mark whose write had resolved before the read began. A mark that was never written reads `fenced`.
// O3  Changes of one shard's row are linearizable: `swap` takes effect at one moment between call and answer iff it answers
//     `applied`; with OUTCOME_UNKNOWN it has taken effect, takes effect later, or never does. A `readOwner` that begins
//     after that answer settles it: what it returns is final, nothing begun before can change the row afterwards.
// O4  A successful `swap` waits until the row is at a quorum (commit consistency QUORUM).

/** The owner of a shard. */
export interface ShardOwner {
  /** Rises with every owner; the first is 65,536. */
  readonly epoch: number;
  /** Incarnation of the node that owns it. */
  readonly owner: string;
}

/** What became of a `swap`. */
export type SwapResult =
  | { readonly applied: true }
  /** Not applied: the row as it was found; undefined = there is none. */
  | { readonly applied: false; readonly found: ShardOwner | undefined };

export interface ShardTable {
  /**
   * Marks an incarnation as live, before its first claim.
   * @throws StarlingError OUTCOME_UNKNOWN, OVERLOADED (not done)
   */
  markLive(incarnation: string): Promise<void>;
  /**
   * Marks an incarnation as fenced, for ever.
   * @throws StarlingError OUTCOME_UNKNOWN, OVERLOADED (not done)
   */
  fence(incarnation: string): Promise<void>;
  /**
   * Reads the mark of an incarnation (O2).
   * @throws StarlingError OUTCOME_UNKNOWN, OVERLOADED if it can't be read
   */
  readLife(incarnation: string): Promise<'live' | 'fenced'>;
  /**
   * Reads the row of a shard, linearizably (O3); undefined = it never had an owner.
   * @throws StarlingError OUTCOME_UNKNOWN, OVERLOADED if it can't be read
   */
  readOwner(shard: number): Promise<ShardOwner | undefined>;
  /**
   * Changes the row of a shard from exactly `from` to `to` (O3, O4).
   * @throws StarlingError OUTCOME_UNKNOWN, OVERLOADED (not done)
   */
  swap(shard: number, from: ShardOwner | undefined, to: ShardOwner): Promise<SwapResult>;
}
