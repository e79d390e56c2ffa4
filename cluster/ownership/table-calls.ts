// The calls to the shard table, each turned into the event that its outcome is. Owns: that many shards of one dead node
// share one fence write, and that only a write known to be at a quorum counts. Does not own: what follows.
//
// Invariant: F1 an incarnation is taken as fenced only after a `fence` of it resolved in this process.

import { type ShardOwner, type ShardTable, toStarlingError } from '../../runtime/index.ts';
import type { ShardEvent } from './state.ts';

export class TableCalls {
  readonly #table: ShardTable;
  readonly #fencesMax: number;
  /** F1; the oldest leaves first. */
  readonly #known = new Set<string>();
  readonly #condemned = new Set<string>();
  readonly #fences = new Map<string, Promise<void>>();
  readonly #lives = new Map<string, Promise<'live' | 'fenced'>>();

  constructor(table: ShardTable, fencesMax: number) {
    this.#table = table;
    this.#fencesMax = fencesMax;
  }

  /** From now on claims may fence this incarnation. Says whether that is new. */
  condemn(incarnation: string): boolean {
    if (this.#condemned.has(incarnation)) return false;
    remember(this.#condemned, incarnation, this.#fencesMax);
    return true;
  }

  /** Whether this node may fence an incarnation, as far as it knows without asking. */
  mayFence(incarnation: string): boolean {
    return this.#known.has(incarnation) || this.#condemned.has(incarnation);
  }

  async read(shard: number): Promise<ShardEvent> {
    try {
      return { kind: 'read', row: await this.#table.readOwner(shard) };
    } catch {
      return { kind: 'failed' };
    }
  }

  /** Whether an owner may be fenced: it was condemned here, or somebody's fence of it was seen. Never an input to safety. */
  async judge(owner: string): Promise<ShardEvent> {
    if (this.mayFence(owner)) return { kind: 'judged', mayFence: true };
    try {
      const life = await shared(this.#lives, owner, () => this.#table.readLife(owner));
      return { kind: 'judged', mayFence: life === 'fenced' };
    } catch {
      return { kind: 'failed' };
    }
  }

  async fence(owner: string): Promise<ShardEvent> {
    if (this.#known.has(owner)) return { kind: 'fenced-owner' };
    try {
      await shared(this.#fences, owner, async () => {
        await this.#table.fence(owner);
        remember(this.#known, owner, this.#fencesMax);
      });
      return { kind: 'fenced-owner' };
    } catch {
      // Unknown is not done: it is written again until it is known, or the claim is given up.
      return { kind: 'failed' };
    }
  }

  async swap(shard: number, from: ShardOwner | undefined, to: ShardOwner): Promise<ShardEvent> {
    try {
      return { kind: 'swapped', result: await this.#table.swap(shard, from, to) };
    } catch (error) {
      const surelyNot = toStarlingError(error).entry.outcome === 'not_done';
      return { kind: surelyNot ? 'failed' : 'swap-unknown' };
    }
  }
}

function remember(set: Set<string>, value: string, max: number): void {
  set.add(value);
  if (set.size <= max) return;
  const [oldest] = set;
  if (oldest !== undefined) set.delete(oldest);
}

/** One call under way serves everybody who asks for the same. */
function shared<T>(underWay: Map<string, Promise<T>>, key: string, start: () => Promise<T>): Promise<T> {
  const running = underWay.get(key);
  if (running !== undefined) return running;
  const fresh = start().finally(() => underWay.delete(key));
  underWay.set(key, fresh);
  return fresh;
}
