// The desired owner of every shard: weighted rendezvous with bounded load, bound to the former plan so that little moves.
// A change of what it computes is a new PLAN_VERSION, checked when a node joins (rule 12 of the safety protocol).
//
// Let share(m) = shards * weight(m) / weight of all ready members, and f the bound factor.
// P1  Every shard has an owner if any member is ready; only ready members have shards.
// P2  ceil(f * share(m)) bounds the load of m; floor(share(m) / f) is reached by every m, as far as others can spare it.
// P3  A shard leaves a ready member only if that one is above its upper bound, or above its share while another is below
//     its lower bound. So a member that leaves moves its own shards, and one that joins moves only what it takes.
// P4  The plan is a function of its input; the order of members does not matter; a plan of its own result changes nothing.

import { invariant } from '../../runtime/index.ts';

/** Version of the function below. */
export const PLAN_VERSION = 1;

export type PlanMemberState = 'ready' | 'draining' | 'leaving';

export interface PlanMember {
  /** Name of the node: it keeps its shards over a restart. */
  readonly node: string;
  /** Relative capacity, above 0. */
  readonly weight: number;
  readonly state: PlanMemberState;
  /** Roles the member serves. */
  readonly roles: readonly string[];
}

export interface PlanInput {
  readonly role: string;
  readonly members: readonly PlanMember[];
  readonly shards: number;
  /** Owner of each shard in the former plan; shorter or empty where there is none. */
  readonly former: readonly (string | undefined)[];
  /** f: how far a load may be above (and, inverted, below) its share. Above 1; 1.1 to 1.5 is sensible. Default 1.25. */
  readonly boundFactor?: number;
}

/** A member with what the plan gives it so far. */
interface Seat {
  readonly node: string;
  readonly weight: number;
  readonly share: number;
  readonly upper: number;
  readonly lower: number;
  load: number;
}

/** The share of a weight: shards * weight / total. */
export function shareOf(weight: number, total: number, shards: number): number {
  return (shards * weight) / total;
}

/** The desired owner of each shard; undefined only where no member of the role is ready. */
export function planShards(input: PlanInput): readonly (string | undefined)[] {
  const { shards, former } = input;
  const seats = seatsOf(input);
  if (seats.length === 0) return Array.from({ length: shards }, () => undefined);
  const byNode = new Map(seats.map((seat) => [seat.node, seat]));
  const owner = Array.from({ length: shards }, (_, shard) => byNode.get(former[shard] ?? ''));
  for (const seat of owner) if (seat !== undefined) seat.load++;
  shed(owner, seats);
  const fresh = place(owner, seats);
  // What moves anyway fills the lower bounds first; only then is a settled shard taken, down to its owner's share.
  for (const seat of seats) pull(owner, seat, seat.lower, fresh, (from) => from.load > from.lower);
  for (const seat of seats) {
    if (seat.load < seat.lower)
      pull(owner, seat, Math.floor(seat.share), undefined, (from) => from.load > from.share);
  }
  return owner.map((seat) => seat?.node);
}

function seatsOf({ role, members, shards, boundFactor = 1.25 }: PlanInput): Seat[] {
  invariant(boundFactor > 1, 'a load bound of 1 leaves no room to place');
  const ready = members.filter(({ state, roles }) => state === 'ready' && roles.includes(role));
  const total = ready.reduce((sum, { weight }) => sum + weight, 0);
  const seats = ready.map(({ node, weight }) => {
    invariant(weight > 0 && Number.isFinite(weight), 'a weight is above 0');
    const share = shareOf(weight, total, shards);
    const upper = Math.ceil(boundFactor * share);
    return { node, weight, share, upper, lower: Math.floor(share / boundFactor), load: 0 };
  });
  seats.sort((a, b) => (a.node < b.node ? -1 : 1));
  invariant(new Set(seats.map(({ node }) => node)).size === seats.length, 'a node is a member once');
  return seats;
}

/** Takes from members above their upper bound what suits them least. */
function shed(owner: (Seat | undefined)[], seats: readonly Seat[]): void {
  for (const seat of seats) {
    if (seat.load <= seat.upper) continue;
    const own = shardsOf(owner, seat).map((shard) => ({ shard, score: score(seat, shard) }));
    own.sort((a, b) => a.score - b.score || a.shard - b.shard);
    for (const { shard } of own.slice(0, seat.load - seat.upper)) owner[shard] = undefined;
    seat.load = seat.upper;
  }
}

/** Gives every free shard to the member with room that suits it best; answers which were free. */
function place(owner: (Seat | undefined)[], seats: readonly Seat[]): Set<number> {
  const fresh = new Set<number>();
  for (let shard = 0; shard < owner.length; shard++) {
    if (owner[shard] !== undefined) continue;
    let best: { readonly seat: Seat; readonly score: number } | undefined;
    for (const seat of seats) {
      if (seat.load >= seat.upper) continue;
      const found = score(seat, shard);
      if (best === undefined || found > best.score) best = { seat, score: found };
    }
    invariant(best !== undefined, 'the upper bounds together are at least the shards');
    best.seat.load++;
    owner[shard] = best.seat;
    fresh.add(shard);
  }
  return fresh;
}

/** Fills a member up to `goal` with what suits it best of the shards `among` (default all) of members that can spare one. */
function pull(
  owner: (Seat | undefined)[],
  to: Seat,
  goal: number,
  among: ReadonlySet<number> | undefined,
  canSpare: (from: Seat) => boolean,
): void {
  if (to.load >= goal) return;
  const found: { readonly shard: number; readonly from: Seat; readonly gain: number }[] = [];
  owner.forEach((from, shard) => {
    if (from === undefined || from === to || among?.has(shard) === false) return;
    found.push({ shard, from, gain: score(to, shard) / score(from, shard) });
  });
  found.sort((a, b) => b.gain - a.gain || a.shard - b.shard);
  for (const { shard, from } of found) {
    if (to.load >= goal) return;
    if (!canSpare(from)) continue;
    from.load--;
    to.load++;
    owner[shard] = to;
  }
}

function shardsOf(owner: readonly (Seat | undefined)[], seat: Seat): number[] {
  return owner.flatMap((each, shard) => (each === seat ? [shard] : []));
}

/** Weighted rendezvous: weight / -ln(u), u uniform in (0, 1) from the pair. The greatest wins with chance weight / total. */
function score({ node, weight }: { readonly node: string; readonly weight: number }, shard: number): number {
  return weight / -Math.log((pairHash(node, shard) + 0.5) / 2 ** 32);
}

/** 32-bit FNV-1a over node and shard with the avalanche of MurmurHash3. */
function pairHash(node: string, shard: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < node.length; i++) hash = Math.imul(hash ^ node.charCodeAt(i), 0x01000193);
  hash = mix(hash);
  return mix(hash ^ Math.imul(shard + 1, 0x9e3779b1));
}

function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
