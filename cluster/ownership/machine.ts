// The ownership of one shard by one incarnation: a function of state and event. Owns: rules 1 to 3 of the safety protocol,
// as far as they say which step may follow which. Does not own: I/O, time, how many shards are busy at once (the rim).
//
// Invariants:
// M1  At most one request to the table is under way for a shard; a `swap` whose outcome is unknown is settled by a read
//     before anything else, and judged by the (epoch, incarnation) found alone.
// M2  The shard is served (`begin` ran, `end` did not) only at an epoch at which a settled row names this incarnation.
// M3  An epoch is begun at most once, and never once a swap away from it was handed to the table: `used` is the highest
//     epoch begun or left, and only a higher one begins. So no counter of write times ever starts again.
// M4  A row of another incarnation is swapped only after that incarnation's fence is known to be at a quorum, and only
//     from exactly the row that was seen; how long ago is of no account, since the swap compares it.
// M5  `ended` is final: a fenced incarnation never returns.

import { invariant, type ShardOwner, type SwapResult } from '../../runtime/index.ts';
import { FIRST_EPOCH } from '../../runtime/timestamp.ts';
import {
  EPOCH_MAX,
  type Phase,
  type ShardAction,
  type ShardEvent,
  type ShardState,
  type Step,
  type Want,
} from './state.ts';

/** A row of the shard table, or none. */
type Row = ShardOwner | undefined;

/** A shard of which nothing is known. */
export function initialShard(me: string): ShardState {
  return {
    me,
    phase: { kind: 'idle' },
    want: { kind: 'keep' },
    used: 0,
    drains: 0,
    seen: undefined,
  };
}

/** Whether a shard has something under way. */
export function isBusy(state: ShardState): boolean {
  switch (state.phase.kind) {
    case 'idle':
    case 'waiting':
    case 'serving':
    case 'refused':
    case 'ended':
      return false;
    case 'reading':
    case 'judging':
    case 'fencing':
    case 'swapping':
    case 'draining':
      return true;
  }
}

/** The next state and what to do. An event that answers nothing under way changes nothing. */
export function step(state: ShardState, event: ShardEvent): Step {
  const { phase } = state;
  if (phase.kind === 'ended') return stay(state);
  switch (event.kind) {
    case 'want':
      return wanted(state, event.want);
    case 'look':
      return isAtRest(phase) ? look(state, event.claims === true) : stay(state);
    case 'read':
      return phase.kind === 'reading' ? read(state, phase.settles, event.row) : stay(state);
    case 'judged':
      return phase.kind === 'judging' ? judged(state, phase.row, event.mayFence) : stay(state);
    case 'fenced-owner':
      return phase.kind === 'fencing' ? claim(state, phase.row) : stay(state);
    case 'swapped':
      return phase.kind === 'swapping' ? swapped(state, phase.from, phase.to, event.result) : stay(state);
    case 'swap-unknown':
      return phase.kind === 'swapping' ? settle(state, phase.from) : stay(state);
    case 'failed':
      return failed(state);
    case 'drained':
      return drained(state, event.drain);
    case 'exhausted':
      return exhausted(state, event.epoch);
    case 'fenced':
      return fenced(state);
  }
}

/** Neither served nor busy. */
function isAtRest({ kind }: Phase): boolean {
  return kind === 'idle' || kind === 'waiting' || kind === 'refused';
}

function stay(state: ShardState): Step {
  return { state, actions: [] };
}

function go(state: ShardState, phase: Phase, ...actions: ShardAction[]): Step {
  return { state: { ...state, phase }, actions };
}

function look(state: ShardState, claims: boolean): Step {
  const { seen, want, me } = state;
  // A row that can't be used is nobody's to swap: only a read finds out that somebody mended it.
  if (claims && want.kind === 'hold' && seen?.owner !== me && isUsable(seen)) {
    if (seen === undefined) return claim(state, undefined);
    return go(state, { kind: 'fencing', row: seen }, { kind: 'fence', owner: seen.owner });
  }
  return go(state, { kind: 'reading' }, { kind: 'read' });
}

/** M1. */
function settle(state: ShardState, from: Row): Step {
  return go(state, { kind: 'reading', settles: { from } }, { kind: 'read' });
}

function read(state: ShardState, settles: { readonly from: Row } | undefined, row: Row): Step {
  // An unknown swap that was not applied never will be: it is tried again, after a pause.
  const again = settles !== undefined && sameRow(settles.from, row);
  return again ? go({ ...state, seen: row }, { kind: 'waiting' }) : decide(state, row);
}

function sameRow(a: Row, b: Row): boolean {
  return a?.epoch === b?.epoch && a?.owner === b?.owner;
}

/** Whether its epoch is one that an owner may have had. */
function isUsable(row: Row): boolean {
  return row === undefined || (row.epoch >= FIRST_EPOCH && row.epoch <= EPOCH_MAX);
}

function wanted(before: ShardState, want: Want): Step {
  const state = { ...before, want };
  const { phase } = state;
  if (phase.kind === 'serving' && want.kind === 'give') return drain(state, phase.epoch);
  if (phase.kind === 'draining' && want.kind !== 'give') {
    // Nothing was sent yet, so the claim still stands.
    return go(state, { kind: 'serving', epoch: phase.epoch }, { kind: 'undrain' });
  }
  return stay(state);
}

function drain(state: ShardState, epoch: number): Step {
  const drains = state.drains + 1;
  return go(
    { ...state, drains },
    { kind: 'draining', epoch, drain: drains },
    { kind: 'drain', drain: drains },
  );
}

/** What follows from a settled row. */
function decide(before: ShardState, row: Row): Step {
  const state = { ...before, seen: row };
  const holding = state.want.kind === 'hold';
  if (!isUsable(row)) return go(state, { kind: 'refused', reason: 'epoch-invalid' });
  if (row === undefined) return holding ? claim(state, undefined) : go(state, { kind: 'idle' });
  if (row.owner !== state.me) {
    if (!holding) return go(state, { kind: 'idle' });
    return go(state, { kind: 'judging', row }, { kind: 'judge', owner: row.owner });
  }
  // A shard that is to go elsewhere is moved on without being served: nothing of it is in memory.
  if (state.want.kind === 'give') return leave(state, row.epoch, state.want.to);
  return row.epoch > state.used ? begin(state, row.epoch) : leave(state, row.epoch, state.me);
}

/** M3: called with a row that names this incarnation at an epoch never used. */
function begin(state: ShardState, epoch: number): Step {
  invariant(epoch > state.used, 'an epoch begins once');
  return go({ ...state, used: epoch }, { kind: 'serving', epoch }, { kind: 'begin', epoch });
}

/** M3: from here on this incarnation never serves at `epoch`. */
function leave(state: ShardState, epoch: number, to: string, ...before: ShardAction[]): Step {
  const used = Math.max(state.used, epoch);
  const from = { epoch, owner: state.me };
  return swap({ ...state, used }, from, to, before);
}

/** M4: called with no row, or with one whose owner's fence is known. */
function claim(state: ShardState, row: Row): Step {
  if (state.want.kind !== 'hold') return go(state, { kind: 'idle' });
  return swap(state, row, state.me, []);
}

function swap(state: ShardState, from: Row, owner: string, before: readonly ShardAction[]): Step {
  const epoch = from === undefined ? FIRST_EPOCH : from.epoch + 1;
  if (epoch > EPOCH_MAX) return go(state, { kind: 'refused', reason: 'epochs-exhausted' }, ...before);
  const to = { epoch, owner };
  return go(state, { kind: 'swapping', from, to }, ...before, { kind: 'swap', from, to });
}

function judged(state: ShardState, row: ShardOwner, mayFence: boolean): Step {
  if (state.want.kind !== 'hold') return go(state, { kind: 'idle' });
  // Its owner lives: it gives the shard away itself. Look again later.
  if (!mayFence) return go(state, { kind: 'waiting' });
  // Also where it already reads fenced: what one read saw need not be at a quorum yet.
  return go(state, { kind: 'fencing', row }, { kind: 'fence', owner: row.owner });
}

function swapped(state: ShardState, from: Row, to: ShardOwner, result: SwapResult): Step {
  if (result.applied) return decide(state, to);
  // A refusal that shows the row it asked for says nothing: it is tried again, after a pause.
  return sameRow(from, result.found) ? go(state, { kind: 'waiting' }) : decide(state, result.found);
}

function failed(state: ShardState): Step {
  switch (state.phase.kind) {
    case 'reading':
    case 'judging':
    case 'fencing':
    case 'swapping':
      return go(state, { kind: 'waiting' });
    default:
      return stay(state);
  }
}

function drained(state: ShardState, drain: number): Step {
  const { phase, want } = state;
  if (phase.kind !== 'draining' || phase.drain !== drain) return stay(state);
  invariant(want.kind === 'give', 'only a shard that is to be given away drains');
  return leave(state, phase.epoch, want.to, { kind: 'end', epoch: phase.epoch });
}

function exhausted(state: ShardState, epoch: number): Step {
  const { phase } = state;
  if ((phase.kind !== 'serving' && phase.kind !== 'draining') || phase.epoch !== epoch) return stay(state);
  return leave(state, epoch, state.me, { kind: 'end', epoch }, { kind: 'lose' });
}

function fenced(state: ShardState): Step {
  const { phase } = state;
  if (phase.kind !== 'serving' && phase.kind !== 'draining') return go(state, { kind: 'ended' });
  return go(state, { kind: 'ended' }, { kind: 'end', epoch: phase.epoch }, { kind: 'lose' });
}
