// Makes a failing run smaller: faults off one by one, fewer users, less time; kept is what still breaks the same
// invariant. Owns: the order in which that is tried. Does not own: how a run is made.

import type { RunResult } from './run.ts';
import { FAULTS, type SwarmOptions, swarmOf } from './swarm.ts';

/** Runs tried at most. */
const TRIES_MAX = 40;

export async function shrink(
  seed: number,
  options: SwarmOptions,
  invariant: string,
  run: (options: SwarmOptions) => Promise<RunResult>,
): Promise<SwarmOptions> {
  let best = options;
  let tries = 0;
  const holds = async (smaller: SwarmOptions): Promise<boolean> => {
    tries += 1;
    const { findings } = await run(smaller);
    return findings.some((finding) => finding.invariant === invariant);
  };
  const attempt = async (smaller: SwarmOptions): Promise<void> => {
    if (tries < TRIES_MAX && (await holds(smaller))) best = smaller;
  };
  const swarm = swarmOf(seed, options);
  for (const name of FAULTS) {
    if (swarm.faults[name] > 0) await attempt({ ...best, off: [...(best.off ?? []), name] });
  }
  for (const part of [0.25, 0.5, 0.75]) {
    const loadMs = Math.round(swarm.loadMs * part);
    if (best.loadMs === undefined) await attempt({ ...best, loadMs });
  }
  for (const users of [2, 3])
    if (users < swarm.users && best.users === undefined) await attempt({ ...best, users });
  return best;
}
