// What a node stands on. Owns: opening either kind by the settings. Does not own: the drivers (cluster/).
//
// Invariants: B1 … B3 (clustered.ts).

import { isClustered } from '../settings.ts';
import type { Backing, BackingOptions } from './backing.ts';

export type { Backing } from './backing.ts';

/** Opens the store of a node on its own, or joins the servers of a cluster. Loads only the drivers it needs. */
export async function openBacking(options: BackingOptions): Promise<Backing> {
  if (isClustered(options.config)) return (await import('./clustered.ts')).openClustered(options);
  return (await import('./embedded.ts')).openEmbedded(options);
}
