// Who holds what this node should have.

import type { ShardOwnership } from '../ownership/index.ts';

/** Incarnations that own shards which this node should have. `placed`: the node that each shard is meant for. */
export function ownersInTheWay(
  placed: readonly (string | undefined)[],
  { node, incarnation }: { readonly node: string; readonly incarnation: string },
  ownership: Pick<ShardOwnership, 'claim' | 'seen'>,
): Set<string> {
  const owners = new Set<string>();
  for (const [shard, wanted] of placed.entries()) {
    if (wanted !== node || ownership.claim(shard) !== undefined) continue;
    const owner = ownership.seen(shard)?.owner;
    if (owner !== undefined && owner !== incarnation) owners.add(owner);
  }
  return owners;
}
