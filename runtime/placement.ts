// Which shard an actor is placed on. Owns the placement function, which is versioned: a change of it is a new version,
// checked when a node joins (rule 12). Does not own which node serves a shard.

/** Version of the function below. */
export const PLACEMENT_VERSION = 1;

/** Shards per role unless the cluster was created with another number. */
export const DEFAULT_SHARDS = 4096;

/**
 * 32-bit FNV-1a over the UTF-16 code units of the placement key, finished with the avalanche of MurmurHash3 (fmix32), so
 * that keys that differ in their last character land far apart.
 */
export function placementHash(placementKey: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < placementKey.length; i++) {
    hash = Math.imul(hash ^ placementKey.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Shard of a placement key: `hash mod shards`. */
export function shardOf(placementKey: string, shards: number): number {
  return placementHash(placementKey) % shards;
}
