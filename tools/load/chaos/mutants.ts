// The known faults that a run of chaos must find, each with what brings it out. Owns: the table.

import { fileURLToPath } from 'node:url';
import { provokeGhosts } from './provoke/ghosts.ts';
import { provokeLateClaim } from './provoke/late-claim.ts';
import { provokeLateOwner } from './provoke/late-owner.ts';
import type { ChaosRun, Load } from './run.ts';

export interface ChaosMutant {
  readonly name: string;
  /** Does to the cluster what shows the fault, once; tried again while nothing was found. */
  provoke(run: ChaosRun): Promise<void>;
  readonly load: Load;
  /** Shards of the cluster. */
  readonly shards: number;
  /** Variables of the environment of the nodes at first. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Times that a fault is provoked while nothing was found. */
export const provocationsMax = 8;

export const CHAOS_MUTANTS: readonly ChaosMutant[] = [
  {
    name: 'no-fence-read',
    provoke: provokeLateOwner,
    // So many in flight that sends which can't get on do not keep others from being made.
    load: { senders: 12, pauseMsMax: 60, answerMsMax: 6_000, inFlightMax: 64 },
    shards: 48,
    environment: {},
  },
  {
    name: 'no-seal',
    provoke: provokeGhosts,
    // Many at once in one log, so that one batch holds many of its rows.
    load: { senders: 12, pauseMsMax: 10, answerMsMax: 6_000, inFlightMax: 6, targets: 'everybody' },
    shards: 48,
    environment: {},
  },
  {
    name: 'cas-on-epoch-only',
    provoke: provokeLateClaim,
    load: { senders: 12, pauseMsMax: 60, answerMsMax: 6_000, inFlightMax: 64 },
    shards: 48,
    environment: { MUTANT_EPOCH_STEP: '5' },
  },
];

/** Arguments of Node.js that put the fault named by the variable MUTANT into a node. */
export function hookArguments(): readonly string[] {
  return ['--import', fileURLToPath(new URL('./mutate.ts', import.meta.url))];
}
