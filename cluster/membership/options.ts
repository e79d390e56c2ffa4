// What a ClusterMember is made of, and what it tells of itself.

import type { Clock, Random, ShardTable } from '../../runtime/index.ts';
import type { OwnershipStatus, ShardOwnershipOptions } from '../ownership/index.ts';
import type { MembershipLimits } from './limits.ts';
import type { PeerStatus } from './members.ts';
import type { Board, Probe } from './ports.ts';
import type { MemberRecord } from './record.ts';

export interface ClusterMemberOptions {
  /** Name of the node; the same after a restart. */
  readonly node: string;
  /** This process: drawn from 64 random bits, never used twice. */
  readonly incarnation: string;
  /** Where other nodes reach it. */
  readonly address: string;
  /** Name that the nodes of one host share. Default: a node on its own. */
  readonly host?: string;
  /** Release of the program, for operators. Default: not announced. */
  readonly version?: string;
  /** Relative capacity, a whole number above 0. Default 1. */
  readonly weight?: number;
  /** The role whose shards this member serves. Default `core`. */
  readonly role?: string;
  /** Shards of the role; fixed when the cluster was created. */
  readonly shards: number;
  /** Versions of the wire between nodes, both inclusive. Default 1 to 1. */
  readonly wire?: { readonly min: number; readonly max: number };
  readonly table: ShardTable;
  /**
   * Asks the store over this process's own connections, where `table` has another process read the fence: the lease is renewed
   * only while both answer (N1). Default: the fence read is its own.
   */
  readonly reachStore?: () => Promise<unknown>;
  readonly board: Board;
  readonly probe: Probe;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: Partial<MembershipLimits>;
  /** Passed on to the ownership. */
  readonly ownership?: Pick<ShardOwnershipOptions, 'limits' | 'machine' | 'onStep' | 'timesMax'>;
  /** Called once when this incarnation was fenced: everything ended, the process needs a new incarnation. */
  readonly onFenced?: () => void;
  /** Called when a process is known to answer nobody any more: who waits for it waits in vain. Default: nothing. */
  readonly onGone?: (incarnation: string) => void;
  /** Told of what an operator would want to read. */
  readonly onEvent?: (event: MemberEvent) => void;
}

/** What happened, for logs, traces and counters. */
export type MemberEvent =
  | { readonly kind: 'asked'; readonly node: string; readonly answer: string }
  | { readonly kind: 'condemned'; readonly node: string; readonly incarnation: string }
  /** More members seem dead than may be fenced in a minute: probably this node's own view is at fault. */
  | { readonly kind: 'alarm' }
  | { readonly kind: 'planned'; readonly version: number; readonly moves: number }
  | { readonly kind: 'board-failed'; readonly call: 'renew' | 'list' | 'plan' | 'withdraw' };

export interface ClusterMemberStatus {
  readonly state: MemberRecord['state'];
  /** Whether the board takes this node's renewals. */
  readonly lease: boolean;
  /** Whether the store answers this node. */
  readonly store: boolean;
  readonly planner: boolean;
  /** The fence limit held somebody back. */
  readonly alarm: boolean;
  /** Version of the placement it follows; 0 = none. */
  readonly placement: number;
  /** The node that each shard is meant for; empty where no plan is known. */
  readonly owners: readonly (string | undefined)[];
  /** This node and the others that are not condemned. */
  readonly members: readonly MemberRecord[];
  /** Every other process this node knows of, the condemned and those met in rows too. */
  readonly peers: readonly PeerStatus[];
  readonly shards: OwnershipStatus;
}
