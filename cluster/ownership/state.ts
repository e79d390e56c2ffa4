// The states, events and actions of the machine of one shard.

import type { ShardOwner, SwapResult } from '../../runtime/index.ts';

/** The last epoch whose write times fit into the 63 bits of a store's timestamp: 134 million owners of one shard. */
export const EPOCH_MAX = 2 ** 27 - 1;

/** A row of the shard table, or none. */
type Row = ShardOwner | undefined;

/** What the placement asks of this node for one shard. */
export type Want =
  /** Serve it: take it from nobody, or from an owner that may be fenced. */
  | { readonly kind: 'hold' }
  /** Give it to another incarnation, if it is ours. */
  | { readonly kind: 'give'; readonly to: string }
  /** Serve it if it is ours, and ask for nothing. */
  | { readonly kind: 'keep' };

/** Where the shard stands. Each names what is under way. */
export type Phase =
  | { readonly kind: 'idle' }
  /** Something failed or must be looked at again: the rim looks after a pause. */
  | { readonly kind: 'waiting' }
  /** `settles`: the swap of unknown outcome that the read settles. */
  | { readonly kind: 'reading'; readonly settles?: { readonly from: Row } }
  /** Asking whether the owner found may be fenced. */
  | { readonly kind: 'judging'; readonly row: ShardOwner }
  | { readonly kind: 'fencing'; readonly row: ShardOwner }
  | { readonly kind: 'swapping'; readonly from: Row; readonly to: ShardOwner }
  | { readonly kind: 'serving'; readonly epoch: number }
  | { readonly kind: 'draining'; readonly epoch: number; readonly drain: number }
  /** The row can't be used: an operator has to look. Looked at again like `waiting`, in case somebody mended it. */
  | { readonly kind: 'refused'; readonly reason: Refusal }
  | { readonly kind: 'ended' };

/** Why a row can't be used: all epochs are used up, or it holds one that no owner ever had. */
export type Refusal = 'epochs-exhausted' | 'epoch-invalid';

export interface ShardState {
  /** This incarnation. */
  readonly me: string;
  readonly phase: Phase;
  readonly want: Want;
  /** M3; 0 = none. */
  readonly used: number;
  /** Drains begun so far: tells a drain that was given up from the one under way. */
  readonly drains: number;
  /** The row as last read or written; a hint for others. */
  readonly seen: Row;
}

export type ShardEvent =
  | { readonly kind: 'want'; readonly want: Want }
  /**
   * Read the row, unless it is served or something is under way. `claims`: where it is wanted, and was seen with an owner that
   * may be fenced, or was never seen, begin with the claim: the swap compares the row by itself.
   */
  | { readonly kind: 'look'; readonly claims?: boolean }
  | { readonly kind: 'read'; readonly row: Row }
  | { readonly kind: 'judged'; readonly mayFence: boolean }
  /** The fence is known to be at a quorum. */
  | { readonly kind: 'fenced-owner' }
  | { readonly kind: 'swapped'; readonly result: SwapResult }
  /** The swap may have taken effect, or may yet. */
  | { readonly kind: 'swap-unknown' }
  /** A read, a judgement or a fence of unknown outcome, or a swap that was refused and surely not done. */
  | { readonly kind: 'failed' }
  | { readonly kind: 'drained'; readonly drain: number }
  /** All write times of an epoch are drawn. */
  | { readonly kind: 'exhausted'; readonly epoch: number }
  /** This incarnation was fenced. */
  | { readonly kind: 'fenced' };

/** What the rim does, in this order; `end` before anything is sent. */
export type ShardAction =
  | { readonly kind: 'read' }
  | { readonly kind: 'judge'; readonly owner: string }
  | { readonly kind: 'fence'; readonly owner: string }
  | { readonly kind: 'swap'; readonly from: Row; readonly to: ShardOwner }
  /** The claim begins: write times of this epoch may be drawn. */
  | { readonly kind: 'begin'; readonly epoch: number }
  /** The claim ends: no write time can be drawn any more. */
  | { readonly kind: 'end'; readonly epoch: number }
  | { readonly kind: 'drain'; readonly drain: number }
  | { readonly kind: 'undrain' }
  /** Everything of the shard in memory ends. */
  | { readonly kind: 'lose' };

export interface Step {
  readonly state: ShardState;
  readonly actions: readonly ShardAction[];
}
