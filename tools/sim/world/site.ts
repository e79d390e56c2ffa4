// What nodes, keeper and faults need of the cluster that they are in: that of the simulator, or that of an author.

import type { ShardOwnership } from '../../../cluster/ownership/index.ts';
import type { SimClock, SimRandom } from '../../../runtime/testing/index.ts';
import type { Ground } from './ground.ts';
import type { Keeper } from './keeper.ts';
import type { SimNet } from './net.ts';
import type { SimProcess } from './process.ts';
import type { Trace } from './trace.ts';

/** How likely completions are held, and for how long. */
export interface Holds {
  readonly chance: number;
  readonly msMax: number;
}

export const NO_HOLDS: Holds = { chance: 0, msMax: 1 };

/** One run of a node. */
export interface SiteRun {
  readonly process: SimProcess;
  readonly ownership: ShardOwnership;
  /** Starts what runs in the process. */
  begin(): void;
}

/** A node by its name, through all its runs. */
export interface SiteNode {
  readonly name: string;
  /** The run of now; undefined while it is down. */
  readonly run: SiteRun | undefined;
  /** It runs and is not paused. */
  readonly up: boolean;
  /** Of the run of now. */
  readonly incarnation: string | undefined;
  /** Of the run of now. */
  readonly ownership: ShardOwnership | undefined;
  /** Cut from the store, by a fault. */
  offStore: boolean;
  serves(shard: number): boolean;
  start(): void;
  kill(): void;
  cutOffStore(direction: 'requests' | 'answers' | undefined): void;
  mendStore(): void;
}

export interface Site {
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly trace: Trace;
  readonly net: SimNet;
  readonly ground: Ground;
  readonly shards: number;
  readonly nodes: readonly SiteNode[];
  /** Nodes that run and are not paused. */
  readonly running: readonly SiteNode[];
  readonly keeper: Keeper;
  /** Runs that have ended. */
  readonly dead: string[];
  holds: Holds;
}
