// What goes wrong in a run of chaos, drawn from a seed. Owns: kinds of faults, their order, targets and times. Does not own:
// doing them (faults.ts). Pure: the same seed gives the same schedule, however long the machine takes.
//
// Invariants:
// D1  Every kind comes once in each round, in an order of its own.
// D2  At most one Cassandra node and at most one Starling node is harmed at a time: three copies answer with two, and no more
//     than one node a minute may be fenced.

import { Seeded } from '../seeded.ts';

/** Which way a link is cut; `both` = both. */
export type Way = 'both' | 'requests' | 'answers';

export type Fault =
  /** SIGKILL, a start after `holdMs`. */
  | { readonly kind: 'kill'; readonly node: number; readonly holdMs: number }
  /** SIGSTOP, SIGCONT after `holdMs`. */
  | { readonly kind: 'pause'; readonly node: number; readonly holdMs: number }
  /** An orderly stop, then a start at once. */
  | { readonly kind: 'restart'; readonly node: number; readonly holdMs: number }
  /** Its shards go elsewhere by an operator's wish, and come back after `holdMs`. */
  | { readonly kind: 'drain'; readonly node: number; readonly holdMs: number }
  /** One node more takes part for `holdMs`, and leaves. */
  | { readonly kind: 'join'; readonly holdMs: number }
  /** nats-server is killed and comes back empty after `holdMs`. */
  | { readonly kind: 'nats_lost'; readonly holdMs: number }
  /** A Cassandra node is killed and comes back with its data. */
  | { readonly kind: 'cassandra_kill'; readonly server: number; readonly holdMs: number }
  /** A node's link to NATS is cut; mending it lets what was held flow, or resets the connections. */
  | {
      readonly kind: 'cut_nats' | 'cut_nats_requests' | 'cut_nats_answers';
      readonly node: number;
      readonly holdMs: number;
      readonly reset: boolean;
    }
  /** A node's links to all of Cassandra are cut; NATS is still there for it. */
  | {
      readonly kind: 'cut_cassandra';
      readonly node: number;
      readonly holdMs: number;
      readonly way: Way;
      readonly reset: boolean;
    };

export type FaultKind = Fault['kind'];

/** In the order of the table. */
export const FAULT_KINDS: readonly FaultKind[] = [
  'kill',
  'pause',
  'restart',
  'drain',
  'join',
  'nats_lost',
  'cassandra_kill',
  'cut_nats',
  'cut_nats_requests',
  'cut_nats_answers',
  'cut_cassandra',
];

/** Faults that are there together, and the quiet time after them. */
export interface Slot {
  /** At most two. */
  readonly faults: readonly Fault[];
  /** From the first to the second. */
  readonly apartMs: number;
  /** After all are healed. */
  readonly restMs: number;
}

export interface Ground {
  /** Starling nodes. */
  readonly nodes: number;
  readonly cassandraNodes: number;
}

/** One slot in so many has two faults, as far as D2 lets it. */
const togetherEach = 3;

/** Slots without end. */
export function* scheduleOf(seed: number, ground: Ground): Generator<Slot, never> {
  const random = new Seeded(seed);
  let round: FaultKind[] = [];
  for (;;) {
    if (round.length === 0) round = shuffled(FAULT_KINDS, random);
    const first = round.shift() ?? 'kill';
    const faults = [draw(first, ground, random)];
    const second = round.findIndex((kind) => mayMeet(first, kind));
    if (random.below(togetherEach) === 0 && second >= 0) {
      const [kind = 'kill'] = round.splice(second, 1);
      faults.push(draw(kind, ground, random));
    }
    yield { faults, apartMs: random.below(4_000), restMs: between(random, 4_000, 9_000) };
  }
}

/** D2, where harm to one is harm to who needs it. */
export function mayMeet(one: FaultKind, other: FaultKind): boolean {
  return harmed(one) !== harmed(other);
}

function harmed(kind: FaultKind): 'a node' | 'NATS' | 'Cassandra' | 'nobody' {
  switch (kind) {
    case 'kill':
    case 'pause':
    case 'restart':
    case 'drain':
    case 'cut_nats':
    case 'cut_nats_requests':
    case 'cut_nats_answers':
    case 'cut_cassandra':
      return 'a node';
    case 'nats_lost':
      return 'NATS';
    case 'cassandra_kill':
      return 'Cassandra';
    case 'join':
      return 'nobody';
  }
}

function draw(kind: FaultKind, ground: Ground, random: Seeded): Fault {
  const node = random.below(ground.nodes);
  const reset = random.below(3) === 0;
  switch (kind) {
    case 'kill':
      return { kind, node, holdMs: between(random, 200, 10_000) };
    case 'pause':
      return { kind, node, holdMs: between(random, 5_000, 30_000) };
    case 'restart':
      return { kind, node, holdMs: between(random, 0, 1_000) };
    case 'drain':
      return { kind, node, holdMs: between(random, 2_000, 8_000) };
    case 'join':
      return { kind, holdMs: between(random, 3_000, 10_000) };
    case 'nats_lost':
      return { kind, holdMs: between(random, 200, 8_000) };
    case 'cassandra_kill':
      return { kind, server: random.below(ground.cassandraNodes), holdMs: between(random, 1_000, 8_000) };
    case 'cut_nats':
    case 'cut_nats_requests':
    case 'cut_nats_answers':
      return { kind, node, holdMs: between(random, 2_000, 20_000), reset };
    case 'cut_cassandra': {
      const way = random.pick<Way>(['both', 'requests', 'answers']);
      return { kind, node, holdMs: between(random, 2_000, 20_000), way, reset };
    }
  }
}

/** A fault in words, e.g. `pause n2 for 12.3 s`. */
export function describeFault(fault: Fault): string {
  const span = `for ${(fault.holdMs / 1_000).toFixed(1)} s`;
  switch (fault.kind) {
    case 'kill':
      return `kill n${fault.node + 1}, start it ${span.replace('for', 'after')}`;
    case 'pause':
      return `pause n${fault.node + 1} ${span}`;
    case 'restart':
      return `restart n${fault.node + 1} in order`;
    case 'drain':
      return `drain n${fault.node + 1}, uncordon it ${span.replace('for', 'after')}`;
    case 'join':
      return `one node more ${span}`;
    case 'nats_lost':
      return `kill nats-server and its store ${span}`;
    case 'cassandra_kill':
      return `kill Cassandra node ${fault.server + 1} ${span}`;
    case 'cut_nats':
      return `cut n${fault.node + 1} from NATS ${span}${fault.reset ? ', then reset' : ''}`;
    case 'cut_nats_requests':
      return `cut what n${fault.node + 1} sends to NATS ${span}${fault.reset ? ', then reset' : ''}`;
    case 'cut_nats_answers':
      return `cut what NATS sends to n${fault.node + 1} ${span}${fault.reset ? ', then reset' : ''}`;
    case 'cut_cassandra': {
      const what = fault.way === 'both' ? '' : ` (${fault.way} only)`;
      return `cut n${fault.node + 1} from Cassandra${what} ${span}${fault.reset ? ', then reset' : ''}`;
    }
  }
}

/** The node that a fault harms, by index; undefined where it harms none of its own. */
export function nodeOf(fault: Fault): number | undefined {
  return 'node' in fault ? fault.node : undefined;
}

function between(random: Seeded, min: number, max: number): number {
  return min + random.below(max - min + 1);
}

function shuffled<T>(items: readonly T[], random: Seeded): T[] {
  const rest = [...items];
  const result: T[] = [];
  while (rest.length > 0) result.push(...rest.splice(random.below(rest.length), 1));
  return result;
}
