// What the rim knows of one shard beside the machine's state.

import type { ShardOwner, Timer } from '../../runtime/index.ts';
import type { HeldClaim } from './claim.ts';
import { initialShard, isBusy } from './machine.ts';
import type { OwnershipStatus } from './options.ts';
import type { ShardState, Want } from './state.ts';

export interface Entry {
  state: ShardState;
  claim: HeldClaim | undefined;
  /** What was asked for last; reaches the machine when there is room (W3). */
  asked: Want;
  failures: number;
  retry: Timer | undefined;
  /** Asked to look while something was under way. */
  lookAgain: boolean;
  /** The row that a move is to leave behind. */
  givenTo: ShardOwner | undefined;
}

/** A shard of which nothing is known and for which nothing is asked. */
export function freshEntry(incarnation: string): Entry {
  return {
    state: initialShard(incarnation),
    claim: undefined,
    asked: { kind: 'keep' },
    failures: 0,
    retry: undefined,
    lookAgain: false,
    givenTo: undefined,
  };
}

/** Counts the shards by their phase. */
export function statusOf(entries: ReadonlyMap<number, Entry>, fenced: boolean): OwnershipStatus {
  const states = [...entries].map(([shard, { state }]) => ({ shard, state, kind: state.phase.kind }));
  const count = (kind: string): number => states.filter((each) => each.kind === kind).length;
  const draining = count('draining');
  return {
    serving: count('serving'),
    draining,
    busy: states.filter(({ state }) => isBusy(state)).length - draining,
    claiming: states.filter(
      ({ state, kind }) => isBusy(state) && kind !== 'draining' && state.want.kind === 'hold',
    ).length,
    waiting: count('waiting'),
    refused: states.flatMap(({ shard, kind }) => (kind === 'refused' ? [shard] : [])),
    fenced,
  };
}

export function sameWant(a: Want, b: Want): boolean {
  return a.kind === b.kind && (a.kind !== 'give' || b.kind !== 'give' || a.to === b.to);
}

export function sameOwner(a: ShardOwner, b: ShardOwner | undefined): boolean {
  return a.epoch === b?.epoch && a.owner === b.owner;
}
