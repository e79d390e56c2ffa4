// Ports of membership: the board on which nodes announce themselves, the direct question to another node, and what an
// operator has it do. Owns: the words and promises. Does not own: how a driver keeps them. None is ever an input to safety
// (rule 11 of the safety protocol): whatever they answer, two nodes never serve one shard.
//
// Promises of every board, and what it does not promise:
// B1  A `put` that resolved was taken by the board. It may be lost later: a board may forget any suffix of what it
//     acknowledged, expire everything at once, or come back empty.
// B2  `list` and `watch` may be stale; two reads may contradict each other.
// B3  The revision of a key rises with every put of it, as long as the board does not lose data; readers compare it for
//     "changed", never for "newer".
// B4  Every call settles: what the board can't answer in its driver's time-out rejects.

/** One key of the board. */
export interface BoardEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Differs after every put of this key (B3). */
  readonly revision: number;
}

/** What a watch reports. Only a reason to look: the same may come twice, late, or not at all. */
export type BoardEvent =
  | { readonly kind: 'put'; readonly entry: BoardEntry }
  /** Removed or expired. */
  | { readonly kind: 'gone'; readonly key: string }
  /** Events were missed: list again. */
  | { readonly kind: 'reset' };

export interface PutOptions {
  /** The key vanishes when it was not put again for this long, milliseconds. Default: it stays. */
  readonly ttlMs?: number;
  /** Put only if the key is at this revision, 0 = absent; else the put rejects with NOT_OWNER. Default: always. */
  readonly revision?: number;
}

export interface Board {
  /**
   * Writes a key and resolves with its new revision.
   * @throws StarlingError NOT_OWNER (it is at another revision), OUTCOME_UNKNOWN, OVERLOADED
   */
  put(key: string, value: Uint8Array, options?: PutOptions): Promise<number>;
  /** Removes a key; nothing happens where there is none. @throws StarlingError OUTCOME_UNKNOWN, OVERLOADED */
  remove(key: string): Promise<void>;
  /** Every key that begins with a prefix, in any order. @throws StarlingError OUTCOME_UNKNOWN, OVERLOADED */
  list(prefix: string): Promise<readonly BoardEntry[]>;
  /** Reports changes of keys with a prefix until the returned function is called. Begins with no past event. */
  watch(prefix: string, listener: (event: BoardEvent) => void): () => void;
}

/** What a node says of itself when it is asked directly. */
export type ProbeAnswer =
  /** It is that incarnation, and its last fence read succeeded within its lease. */
  | 'well'
  /** It is that incarnation, but it can't reach the store: others may take its shards. */
  | 'unwell'
  /** Another incarnation runs there: the one asked for has ended. */
  | 'replaced';

export interface Probe {
  /**
   * Asks a node directly. `silent`: no answer in time, or no such node. Never rejects.
   * The asked node answers with `ClusterMember.answerProbe`.
   */
  ask(node: string, incarnation: string, timeoutMs: number): Promise<ProbeAnswer | 'silent'>;
  /**
   * Tells a node that rows of these shards name it now, so that it looks at once instead of at its next round. May be
   * lost. The node told calls `ClusterMember.handed`.
   */
  nudge(node: string, shards: readonly number[]): void;
}

/** What an operator has a node do. */
export type ControlCommand =
  /** Say how it is. */
  | { readonly kind: 'status' }
  /** Give its shards away and take none. */
  | { readonly kind: 'drain' }
  /** Take shards again. */
  | { readonly kind: 'uncordon' }
  /** End in order; refused while it serves a shard. */
  | { readonly kind: 'stop' }
  /** Take another incarnation, whose fence is at a quorum, as condemned. */
  | { readonly kind: 'dismiss'; readonly incarnation: string };

/** Something a node needs, as it finds it. */
export interface DependencyStatus {
  /** E.g. `nats`, `cassandra`, `lmdb`. */
  readonly name: string;
  readonly ok: boolean;
  /** `ok`, or what is wrong and what to do. */
  readonly detail: string;
}

/** How a node is, as it says itself. */
export interface NodeStatus {
  readonly state: 'ready' | 'draining' | 'leaving';
  /** Whether the store answers it. */
  readonly store: boolean;
  /** Whether the board takes its renewals. */
  readonly lease: boolean;
  readonly planner: boolean;
  readonly alarm: boolean;
  /** Version of the placement that it follows; 0 = none. */
  readonly placementOf: number;
  readonly serving: ReadonlySet<number>;
  /** Shards being given away. */
  readonly draining: number;
  /** Shards meant for it that are being read, claimed or settled. */
  readonly claiming: number;
  /** Shards that it will look at again. */
  readonly waiting: number;
  /** Shards whose row it can't use. */
  readonly refused: readonly number[];
  readonly dependencies: readonly DependencyStatus[];
  readonly uptimeMs: number;
}

/** What became of a command. */
export type ControlAnswer =
  /** Done, or begun. */
  | { readonly kind: 'done'; readonly status: NodeStatus }
  /** Not done. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Another incarnation runs there. */
  | { readonly kind: 'replaced' };

export interface Control {
  /**
   * Has one incarnation do something. `silent`: no answer in time, or no such node; whether it was done is not known. Never
   * rejects. The asked node answers with `MemberControl.answer`.
   */
  ask(
    node: string,
    incarnation: string,
    command: ControlCommand,
    timeoutMs: number,
  ): Promise<ControlAnswer | 'silent'>;
}
