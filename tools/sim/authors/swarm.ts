// What one seed means for an author's actors: how many nodes, which faults and how often, how tight the bounds are. Every
// seed enables a random subset, so that a fault which hides another one is sometimes away.

import type { RuntimeLimits } from '../../../runtime/index.ts';
import { SimRandom } from '../../../runtime/testing/sim-random.ts';

/** Faults by name; each is on or off for a whole history. */
export const AUTHOR_FAULTS = [
  /** A node ends as by kill -9 and starts again. */
  'kill',
  /** A node stands still, up to beyond everybody's patience, and goes on. */
  'pause',
  /** What a node waits for comes late. */
  'hold',
  /** Envelopes between nodes are lost, late, doubled. */
  'bad_links',
  /** Two nodes do not hear each other, in one direction or both. */
  'cut',
  /** A node does not reach the store. */
  'cut_from_store',
  /** Writes land late or not at all, and their outcome is unknown. */
  'bad_store',
  /** One commit is refused, unknown, or done in part. */
  'bad_commit',
  /** All replicas of the store lose power and come back. */
  'power_cut',
  /** The wall clock of a node is off by up to 20 s for a while. */
  'clock_jump',
  /** A node that lives is believed dead, and its shards are taken over. */
  'false_death',
  /** A shard is handed to another node. */
  'move',
] as const;

export type AuthorFault = (typeof AUTHOR_FAULTS)[number];

/** Mean time between two faults of a kind where it is on, simulated milliseconds. */
const MEAN_MS: Readonly<Record<AuthorFault, number>> = {
  kill: 6_000,
  pause: 5_000,
  hold: 4_000,
  bad_links: 4_000,
  cut: 5_000,
  cut_from_store: 7_000,
  bad_store: 5_000,
  bad_commit: 1_000,
  power_cut: 15_000,
  clock_jump: 8_000,
  false_death: 7_000,
  move: 3_000,
};

export interface AuthorSwarm {
  readonly seed: number;
  readonly nodes: number;
  readonly shards: number;
  /** Simulated milliseconds with faults. */
  readonly faultsMs: number;
  /** When the faults end, all nodes are killed and started. */
  readonly restartAll: boolean;
  /** Mean time between two faults of each kind, milliseconds; 0 = off. */
  readonly faults: Readonly<Record<AuthorFault, number>>;
  readonly limits: Partial<RuntimeLimits>;
}

/** The configuration of a seed. `off` changes nothing else: all draws are made whatever it says. */
export function authorSwarm(
  seed: number,
  off: readonly AuthorFault[],
  limits: Partial<RuntimeLimits>,
): AuthorSwarm {
  const random = new SimRandom(seed ^ 0xac7025);
  const pick = <T>(...choices: readonly [T, ...T[]]): T =>
    choices[random.below(choices.length)] ?? choices[0];
  const drawn = AUTHOR_FAULTS.map((name) => {
    const meanMs = random.float() < 0.45 ? MEAN_MS[name] * (0.5 + random.float()) : 0;
    return [name, off.includes(name) ? 0 : meanMs] as const;
  });
  return {
    seed,
    nodes: pick(3, 3, 2),
    shards: 4,
    faultsMs: 8_000 + random.below(12_000),
    restartAll: random.float() < 0.4,
    faults: Object.fromEntries(drawn) as Record<AuthorFault, number>,
    limits: {
      checkpointRows: pick(4, 8, 64),
      batchRowsMax: pick(4, 16, 256),
      idleMsMax: pick(2_000, 20_000),
      recoveryRowsMax: pick(2, 8, 1024),
      cellDelayMsMax: pick(10, 500),
      callMsDefault: 5_000,
      reviveMsMax: 2_000,
      tellRetryMsMax: 2_000,
      reminderRetryMsMax: 5_000,
      ...limits,
    },
  };
}
