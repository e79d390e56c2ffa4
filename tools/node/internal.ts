// The light half of tools/node, for the command line: nothing here loads the server.

import type { NodeTokens } from './keys.ts';

export { cassandraConnection } from './backing/connections.ts';
export { resolveConfig } from './config.ts';
export { announce, isAlive, readAnnouncement, writeAtomic } from './files.ts';
export { ensureKeyFile } from './key-file.ts';
export { suggestion } from './nearest.ts';
export { DEV_DEFAULTS, type NodeConfig } from './settings.ts';
export { VERSION } from './version.ts';

/** The authority of a key file; undefined where there is none. Loads the JOSE library when first called. */
export async function openAuthority(path: string): Promise<NodeTokens | undefined> {
  const keys = await import('./keys.ts');
  return keys.openAuthority(path);
}
