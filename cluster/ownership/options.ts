// What a ShardOwnership is made of, and what it tells of itself.

import type { Clock, Random, ShardOwner, ShardTable } from '../../runtime/index.ts';
import type { OwnershipLimits } from './limits.ts';
import type { step } from './machine.ts';
import type { ShardEvent, ShardState } from './state.ts';

export interface ShardOwnershipOptions {
  /** This process's incarnation: never used before, by anybody. */
  readonly incarnation: string;
  /** Shards of the role, numbered from 0. */
  readonly shards: number;
  readonly table: ShardTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: Partial<OwnershipLimits>;
  /** Called once when this incarnation turns out to be fenced: the process needs a new one. */
  readonly onFenced?: () => void;
  /** A shard was given to another incarnation, and the row says so. */
  readonly onGiven?: (shard: number, to: ShardOwner) => void;
  /** Told of every step: for logs and traces. */
  readonly onStep?: (shard: number, event: ShardEvent, state: ShardState) => void;
  /** The machine. Default `step`; tests of the checks give one that breaks a rule. */
  readonly machine?: typeof step;
  /** Write times per epoch; default 2^36 - 1. Only a test has fewer. */
  readonly timesMax?: bigint;
}

/** Counts of shards by what is done with them. */
export interface OwnershipStatus {
  readonly serving: number;
  readonly draining: number;
  /** Being read, claimed or settled. */
  readonly busy: number;
  /** Those of the busy ones that this node is meant to serve. */
  readonly claiming: number;
  readonly waiting: number;
  /** Shards whose row can't be used. */
  readonly refused: readonly number[];
  readonly fenced: boolean;
}
