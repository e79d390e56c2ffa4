// What one node believes of itself and of the others: functions of state and event, on its own monotonic clock. Owns: its
// lease, silence, suspicion, how many may be fenced. Does not own: I/O, and any safety: all that follows from a belief is
// that somebody *considers* writing a fence (rule 11 of the safety protocol).
//
// Invariants:
// N1  The lease is renewed only after a fence read that succeeded within the last leaseMs, and only if the store answered
//     this very process then, where another one reads its fence.
// N2  A member's silence is counted from the last change of its key seen here, and only while this node's own lease stands
//     without a gap: after one, everybody's silence begins anew.
// N3  A member is condemned only after silenceMs of silence and a direct question that it did not answer with `well`, and
//     while this node's own lease still stands. That holds for whoever owns a shard and is on no board, too: it is met in
//     a row, its silence begins there.
// N4  In any minute at most max(1, floor(n / 3)) are condemned; beyond that the alarm is up and the suspect is asked again.

import { fencesMaxPerMinute, type MembershipLimits } from './limits.ts';
import type { ProbeAnswer } from './ports.ts';
import { type MemberRecord, nodeOfIncarnation } from './record.ts';

const MINUTE_MS = 60_000;

/** One other member. */
export interface Other {
  readonly record: MemberRecord;
  readonly revision: number;
  /** When its key was last seen to change. */
  readonly heardMs: number;
  readonly standing: 'heard' | 'asked' | 'condemned';
  /** Where it is known from. Who was only met in a row is no member: it is nothing but suspect. */
  readonly from: 'board' | 'row';
}

export interface Members {
  readonly limits: MembershipLimits;
  /** Start of the last fence read that said `live`. */
  readonly fenceReadMs: number | undefined;
  /** Start of the last renewal that the board took. */
  readonly renewedMs: number | undefined;
  /** Since when the lease stands without a gap. */
  readonly standsSinceMs: number | undefined;
  /** By incarnation. */
  readonly others: ReadonlyMap<string, Other>;
  /** When members were condemned, within the last minute. */
  readonly fencesMs: readonly number[];
  /** N4 held a fence back, and still does. */
  readonly alarm: boolean;
}

export function initialMembers(limits: MembershipLimits): Members {
  return {
    limits,
    fenceReadMs: undefined,
    renewedMs: undefined,
    standsSinceMs: undefined,
    others: new Map(),
    fencesMs: [],
    alarm: false,
  };
}

/** A fence read begun at `startMs` said `live`. */
export function fenceRead(state: Members, startMs: number): Members {
  return { ...state, fenceReadMs: startMs };
}

/** N1. */
export function mayRenew({ fenceReadMs, limits }: Members, nowMs: number): boolean {
  return fenceReadMs !== undefined && nowMs - fenceReadMs < limits.leaseMs;
}

/** The board took a renewal that was begun at `startMs` and acknowledged at `nowMs`. */
export function renewed(state: Members, startMs: number, nowMs: number): Members {
  const { renewedMs, limits, standsSinceMs } = state;
  const gap = renewedMs === undefined || nowMs - renewedMs >= limits.leaseMs;
  return { ...state, renewedMs: startMs, standsSinceMs: gap ? nowMs : standsSinceMs };
}

/** Whether the node's own lease stands. */
export function leaseStands({ renewedMs, limits }: Members, nowMs: number): boolean {
  return renewedMs !== undefined && nowMs - renewedMs < limits.leaseMs;
}

/** A member's key was seen. Only a change counts as a sign of life. */
export function seen(state: Members, record: MemberRecord, revision: number, nowMs: number): Members {
  const known = state.others.get(record.incarnation);
  if (known?.standing === 'condemned') return state;
  if (known?.from === 'board' && known.revision === revision) return state;
  const others = new Map(state.others);
  if (known === undefined && !makeRoom(others, state.limits.membersMax)) return state;
  others.set(record.incarnation, { record, revision, heardMs: nowMs, standing: 'heard', from: 'board' });
  return { ...state, others };
}

/** Lets go of whoever was condemned longest ago: heard of again it would only be condemned again. False: no room. */
function makeRoom(others: Map<string, Other>, membersMax: number): boolean {
  if (others.size < membersMax) return true;
  let oldest: Other | undefined;
  for (const other of others.values()) {
    if (other.standing === 'condemned' && (oldest === undefined || other.heardMs < oldest.heardMs))
      oldest = other;
  }
  return oldest !== undefined && others.delete(oldest.record.incarnation);
}

/** Owners of shards that this node should have. Those that it has never heard of become suspects; those of before are let go. */
export function metInRows(state: Members, owners: ReadonlySet<string>, nowMs: number): Members {
  const strangers = [...owners].filter((owner) => !state.others.has(owner));
  const past = [...state.others].filter(
    ([incarnation, { from, standing: now }]) => from === 'row' && now === 'heard' && !owners.has(incarnation),
  );
  if (strangers.length === 0 && past.length === 0) return state;
  const others = new Map(state.others);
  for (const [incarnation] of past) others.delete(incarnation);
  for (const incarnation of strangers) {
    if (!makeRoom(others, state.limits.membersMax)) break;
    const record = strangerRecord(incarnation);
    others.set(incarnation, { record, revision: 0, heardMs: nowMs, standing: 'heard', from: 'row' });
  }
  return { ...state, others };
}

/** All that is known of it is its name, by which it can be asked. */
function strangerRecord(incarnation: string): MemberRecord {
  return {
    node: nodeOfIncarnation(incarnation),
    incarnation,
    address: '',
    version: '',
    weight: 1,
    roles: [],
    state: 'leaving',
    shards: 0,
    wire: { min: 0, max: 0 },
    placementVersion: 0,
    planVersion: 0,
    placementOf: 0,
    serving: new Set(),
  };
}

/** A key is gone. That says nothing of a node that did not say it leaves: its silence goes on. */
export function gone(state: Members, incarnation: string): Members {
  const other = state.others.get(incarnation);
  if (other === undefined || other.from === 'row') return state;
  if (other.record.state !== 'leaving' && other.standing !== 'condemned') return state;
  const others = new Map(state.others);
  others.delete(incarnation);
  return { ...state, others };
}

/** How long a member has been silent, as far as it may be counted (N2). 0 while this node's own lease does not stand. */
export function silenceMs(state: Members, other: Other, nowMs: number): number {
  if (state.standsSinceMs === undefined || !leaseStands(state, nowMs)) return 0;
  return nowMs - Math.max(other.heardMs, state.standsSinceMs);
}

/** The members to ask directly now; they count as asked from here on. */
export function suspects(
  state: Members,
  nowMs: number,
): { readonly state: Members; readonly ask: readonly Other[] } {
  const ask = [...state.others.values()].filter(
    (other) => other.standing === 'heard' && silenceMs(state, other, nowMs) >= state.limits.silenceMs,
  );
  if (ask.length === 0) return { state: quiet(state), ask };
  const others = new Map(state.others);
  for (const other of ask) others.set(other.record.incarnation, { ...other, standing: 'asked' });
  return { state: { ...state, others }, ask };
}

/** Who was held back has been heard again, or is gone: nobody is held back any more. */
function quiet(state: Members): Members {
  const asked = [...state.others.values()].some((other) => other.standing === 'asked');
  return state.alarm && !asked ? { ...state, alarm: false } : state;
}

/**
 * An operator had this incarnation fenced: it is condemned, beyond the limit of N4, which is there for machines that judge by
 * silence. Who else was held back raises the alarm again.
 */
export function dismissed(state: Members, incarnation: string, nowMs: number): Members {
  const known = state.others.get(incarnation);
  const record = known?.record ?? strangerRecord(incarnation);
  const other: Other = {
    ...(known ?? { record, revision: 0, heardMs: nowMs, from: 'row' }),
    standing: 'condemned',
  };
  const others = new Map(state.others);
  if (known === undefined && !makeRoom(others, state.limits.membersMax)) return { ...state, alarm: false };
  others.set(incarnation, other);
  return { ...state, others, alarm: false };
}

/** What a direct question came back with (N3, N4). `condemn`: its fence may be written. */
export function answered(
  state: Members,
  incarnation: string,
  answer: ProbeAnswer | 'silent',
  nowMs: number,
): { readonly state: Members; readonly condemn: boolean } {
  const other = state.others.get(incarnation);
  if (other?.standing !== 'asked') return { state, condemn: false };
  if (answer === 'well')
    return { state: put(state, { ...other, standing: 'heard', heardMs: nowMs }), condemn: false };
  const stillSilent = silenceMs(state, other, nowMs) >= state.limits.silenceMs;
  if (!stillSilent) return { state: put(state, { ...other, standing: 'heard' }), condemn: false };
  const fencesMs = state.fencesMs.filter((each) => nowMs - each < MINUTE_MS);
  // The condemned of this minute still count: a third of the cluster as it was, not of what is left.
  const members =
    1 +
    [...state.others.values()].filter(({ standing, from }) => from === 'board' && standing !== 'condemned')
      .length +
    fencesMs.length;
  if (fencesMs.length >= fencesMaxPerMinute(members, state.limits.fencesShare)) {
    const held = put(state, { ...other, standing: 'heard' });
    return { state: { ...held, fencesMs, alarm: true }, condemn: false };
  }
  const condemned = put(state, { ...other, standing: 'condemned' });
  return { state: { ...condemned, fencesMs: [...fencesMs, nowMs], alarm: false }, condemn: true };
}

function put(state: Members, other: Other): Members {
  const others = new Map(state.others);
  others.set(other.record.incarnation, other);
  return { ...state, others };
}

/** The others that are not condemned, by incarnation ascending. */
export function standing(state: Members): MemberRecord[] {
  return [...state.others.values()]
    .filter((other) => other.from === 'board' && other.standing !== 'condemned')
    .map(({ record }) => record)
    .sort((a, b) => (a.incarnation < b.incarnation ? -1 : 1));
}

/** Another process as this node knows it, for operators. */
export interface PeerStatus {
  readonly record: MemberRecord;
  /** Milliseconds since its key was seen to change. */
  readonly heardAgoMs: number;
  readonly standing: Other['standing'];
  readonly from: Other['from'];
  /** Its key has not changed for so long that its lease has ended. */
  readonly overdue: boolean;
}

/** Everybody known, the condemned too, by incarnation ascending. */
export function peersOf(state: Members, nowMs: number): PeerStatus[] {
  return [...state.others.values()]
    .map(({ record, heardMs, standing: now, from }) => {
      const heardAgoMs = nowMs - heardMs;
      return { record, heardAgoMs, standing: now, from, overdue: heardAgoMs >= state.limits.leaseMs };
    })
    .sort((a, b) => (a.record.incarnation < b.record.incarnation ? -1 : 1));
}

/** Whether this node plans: its lease stands and no smaller incarnation is heard. A hint: two planners are harmless. */
export function isPlanner(state: Members, me: string, nowMs: number): boolean {
  if (!leaseStands(state, nowMs)) return false;
  return [...state.others.values()].every(
    (other) =>
      other.from === 'row' ||
      other.standing === 'condemned' ||
      // Whoever has said that it ends plans no more.
      other.record.state === 'leaving' ||
      other.record.incarnation > me ||
      silenceMs(state, other, nowMs) >= state.limits.silenceMs,
  );
}

/** The incarnation that stands for each node now: of several the one heard last, if it takes shards. */
export function readyIncarnations(state: Members): Map<string, string> {
  const latest = new Map<string, Other>();
  for (const other of state.others.values()) {
    const known = latest.get(other.record.node);
    if (
      other.from === 'row' ||
      other.standing === 'condemned' ||
      (known !== undefined && known.heardMs >= other.heardMs)
    )
      continue;
    latest.set(other.record.node, other);
  }
  const ready = [...latest.values()].filter(({ record }) => record.state === 'ready');
  return new Map(ready.map(({ record }) => [record.node, record.incarnation]));
}
