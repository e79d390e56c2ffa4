// What one seed means: which faults are on and how often, how many of everything there are, how tight the bounds are.
// Every seed enables a random subset, so that rare mixes come up and a fault that hides another one is sometimes away.

import type { ImLimits } from '../../actors/limits.ts';
import type { RuntimeLimits } from '../../runtime/index.ts';
import { SimRandom } from '../../runtime/testing/index.ts';

/** Faults by name; each is on or off for a whole run. */
export const FAULTS = [
  'kill',
  'pause',
  'hold',
  'bad_links',
  'cut_one_way',
  'cut_both_ways',
  'cut_from_store',
  'cut_replica',
  'replica_crash',
  'power_cut',
  'slow_replica',
  'bad_store',
  'bad_commit',
  'clock_jump',
  'false_death',
  'rebalance',
  'stale_wishes',
  'rolling_restart',
  'client_cut',
  'bad_board',
  'board_down',
  'board_forgets',
  'board_expires',
  'node_joins',
  'node_leaves',
  'rolling_upgrade',
  'stranger_joins',
] as const;

export type FaultName = (typeof FAULTS)[number];

/** Mean time between two faults of a kind where it is on, milliseconds. */
const MEAN_MS: Readonly<Record<FaultName, number>> = {
  kill: 12_000,
  pause: 8_000,
  hold: 6_000,
  bad_links: 8_000,
  cut_one_way: 8_000,
  cut_both_ways: 12_000,
  cut_from_store: 10_000,
  cut_replica: 6_000,
  replica_crash: 12_000,
  power_cut: 25_000,
  slow_replica: 8_000,
  bad_store: 8_000,
  bad_commit: 1_500,
  clock_jump: 10_000,
  false_death: 10_000,
  rebalance: 4_000,
  stale_wishes: 8_000,
  rolling_restart: 15_000,
  client_cut: 10_000,
  bad_board: 8_000,
  board_down: 12_000,
  board_forgets: 8_000,
  board_expires: 12_000,
  node_joins: 12_000,
  node_leaves: 12_000,
  rolling_upgrade: 12_000,
  stranger_joins: 12_000,
};

export interface Swarm {
  readonly seed: number;
  readonly nodes: number;
  /** Who says where shards go: the careless keeper, or the real membership over the board. */
  readonly steering: 'keeper' | 'member';
  /** Nothing but the board fails: then nobody is fenced (I16). */
  readonly boardOnly: boolean;
  readonly shards: number;
  readonly users: number;
  readonly groups: number;
  readonly ledgers: number;
  /** Reminders are due within this time of being set, milliseconds. */
  readonly remindMsMax: number;
  /** Simulated milliseconds under load. */
  readonly loadMs: number;
  /** Mean pause between two acts of the workload, milliseconds. */
  readonly pauseMs: number;
  /** At the end of the load all nodes are killed, and nobody calls until everything has drained by itself. */
  readonly silentRestart: boolean;
  /** Mean time between two faults of each kind, milliseconds; 0 = off. */
  readonly faults: Readonly<Record<FaultName, number>>;
  readonly runtimeLimits: Partial<RuntimeLimits>;
  readonly imLimits: Partial<ImLimits>;
}

/** What a command line changes of a seed's configuration. */
export interface SwarmOptions {
  /** Faults that stay off. */
  readonly off?: readonly FaultName[];
  /** Faults that are on, and twice as often as usual. */
  readonly on?: readonly FaultName[];
  readonly users?: number;
  readonly loadMs?: number;
}

export function isFault(name: string): name is FaultName {
  return (FAULTS as readonly string[]).includes(name);
}

/** The configuration of a seed. Options change nothing else: all draws are made whatever they say. */
export function swarmOf(seed: number, options: SwarmOptions = {}): Swarm {
  const drawn = drawnSwarm(seed);
  const faults = { ...drawn.faults };
  for (const name of options.on ?? []) faults[name] = MEAN_MS[name] / 2;
  for (const name of options.off ?? []) faults[name] = 0;
  return { ...drawn, faults, users: options.users ?? drawn.users, loadMs: options.loadMs ?? drawn.loadMs };
}

const isBoardFault = (name: FaultName): boolean => name.startsWith('board_') || name === 'bad_board';

function drawnSwarm(seed: number): Swarm {
  const random = new SimRandom(seed ^ 0x5eed);
  const pick = <T>(...choices: readonly [T, ...T[]]): T =>
    choices[random.below(choices.length)] ?? choices[0];
  const steering = pick<'keeper' | 'member'>('keeper', 'member');
  const boardOnly = random.float() < 0.15 && steering === 'member';
  const chanceOf = (name: FaultName): number => {
    if (!boardOnly) return 0.4;
    // Who joins must fence nobody either, whatever the board says.
    return isBoardFault(name) ? 1 : name === 'node_joins' ? 0.5 : 0;
  };
  return {
    seed,
    steering,
    boardOnly,
    nodes: pick(3, 3, 3, 2, 4),
    shards: pick(4, 8),
    users: 4 + random.below(4),
    groups: 1 + random.below(2),
    ledgers: 2 + random.below(2),
    // The longest outlives an activation, so that only the due mark in the store wakes the actor.
    remindMsMax: pick(8_000, 30_000, 30_000, 30_000, 200_000),
    loadMs: 30_000 + random.below(40_000),
    pauseMs: 100 + random.below(150),
    silentRestart: random.float() < 0.4 && !boardOnly,
    faults: Object.fromEntries(
      FAULTS.map((name) => [
        name,
        random.float() < chanceOf(name) ? MEAN_MS[name] * (0.5 + random.float()) : 0,
      ]),
    ) as Record<FaultName, number>,
    runtimeLimits: {
      checkpointRows: pick(4, 8, 64),
      batchRowsMax: pick(4, 16, 256),
      idleMsMax: pick(1_000, 5_000, 20_000),
      recoveryRowsMax: pick(2, 8, 1024),
      cellDelayMsMax: pick(10, 500),
      callMsDefault: 5_000,
      reviveMsMax: 2_000,
      tellRetryMsMax: 2_000,
      reminderRetryMsMin: 200,
      reminderRetryMsMax: 2_000,
      reminderCatchUpMax: 5,
      dueRescanMsMin: 1_000,
      dueRescanMsMax: 8_000,
      dueMarksPageMax: pick(2, 256),
    },
    imLimits: {
      ringRowsMax: pick(20, 60, 30_000),
      syncGapMax: pick(10, 40, 20_000),
      sentIdsInMemoryMax: pick(2, 4096),
      fanOutEntriesMax: pick(2, 128),
      postEntriesMax: pick(2, 64),
      redeliverMsMax: 1_000,
      heartbeatMs: 4_000,
      pullDeliveriesMax: pick(5, 500),
      windowDeliveriesMax: pick(3, 32),
    },
  };
}
