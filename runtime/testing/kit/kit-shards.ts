// Who serves which shard in a kit. Owns: owners and epochs. An epoch rises with every owner; an ended incarnation reads
// that it is fenced.

import { StarlingError } from '../../errors.ts';
import type { Directory, Ownership, ShardClaim } from '../../index.ts';
import { FIRST_EPOCH, firstTimestamp } from '../../timestamp.ts';

interface Owner {
  readonly incarnation: string;
  readonly node: string;
  readonly claim: ShardClaim;
}

export class KitShards implements Directory {
  readonly count: number;
  readonly #owners = new Map<number, Owner>();
  readonly #epochs = new Map<number, number>();

  constructor(count: number) {
    this.count = count;
  }

  nodeOf(shard: number): string | undefined {
    return this.#owners.get(shard)?.node;
  }

  /** Shards of a node. */
  of(node: string): number[] {
    return [...this.#owners].filter(([, owner]) => owner.node === node).map(([shard]) => shard);
  }

  /** Gives a shard to an incarnation of a node, in the next epoch. */
  give(shard: number, node: string, incarnation: string): void {
    const epoch = (this.#epochs.get(shard) ?? FIRST_EPOCH - 1) + 1;
    this.#epochs.set(shard, epoch);
    let last = firstTimestamp(epoch);
    const claim: ShardClaim = {
      shard,
      epoch,
      nextTimestamp: () => {
        if (this.#owners.get(shard)?.claim !== claim) throw new StarlingError('NOT_OWNER', `shard ${shard}`);
        last += 1n;
        return last;
      },
    };
    this.#owners.set(shard, { incarnation, node, claim });
  }

  /** Nobody serves the shard. */
  drop(shard: number): void {
    this.#owners.delete(shard);
  }

  ownershipOf(incarnation: string, alive: () => boolean): Ownership {
    return {
      claim: (shard) => {
        const owner = this.#owners.get(shard);
        return owner?.incarnation === incarnation ? owner.claim : undefined;
      },
      readFence: () => (alive() ? 'live' : 'fenced'),
    };
  }
}
