// One process's place among those of its host. Owns: that its fence is read by who watches over it, and by itself where that
// one can't. Does not own: how that one is asked (tools/node/supervisor).
//
// Invariants:
// P1  An answer is that of a read begun after the question, whoever made it.
// P2  Where the host has no answer this process reads for itself, until the host has one again: so a supervisor that hangs or
//     is cut off from the store takes no process with it, and nobody who was fenced goes on without knowing.

import type { ShardOwner, ShardTable, SwapResult } from '../../runtime/index.ts';

/** What watches over a process, as the process sees it. */
export interface HostPlace {
  /** Name that the processes of the host share. */
  readonly host: string;
  /** Where each process of the host listens for the others, by node; its own too. */
  readonly sockets: ReadonlyMap<string, string>;
  /** Says which incarnation this process is; resolves when that is known there: to be awaited before its first claim. */
  begun(incarnation: string): Promise<void>;
  /**
   * Whether this process is live, at some moment after the call began.
   * @throws StarlingError OUTCOME_UNKNOWN, OVERLOADED if it can't be read
   */
  readLife(incarnation: string): Promise<'live' | 'fenced'>;
  /**
   * Calls `listener` with the incarnation of every other process of the host that has ended and whose fence is at a quorum.
   * `tell`: the rest of the cluster does not know; the promise resolves when it was told.
   */
  onEnded(listener: (incarnation: string, tell: boolean) => Promise<void>): void;
}

/** A shard table whose read of this process's own life is the one that the host shares, where it can be had (P2). */
export class HostTable implements ShardTable {
  readonly #table: ShardTable;
  readonly #incarnation: string;
  readonly #place: Pick<HostPlace, 'readLife'>;
  /** The host had no answer, and has had none since. */
  #isAlone = false;
  #isAsking = false;

  constructor(table: ShardTable, incarnation: string, place: Pick<HostPlace, 'readLife'>) {
    this.#table = table;
    this.#incarnation = incarnation;
    this.#place = place;
  }

  readLife(incarnation: string): Promise<'live' | 'fenced'> {
    if (incarnation === this.#incarnation && !this.#isAlone) {
      return this.#place.readLife(incarnation).catch(() => {
        this.#isAlone = true;
        return this.#table.readLife(incarnation);
      });
    }
    if (incarnation === this.#incarnation && !this.#isAsking) void this.#askAgain();
    return this.#table.readLife(incarnation);
  }

  /** Whether the host answers again; what it says is of no account. */
  async #askAgain(): Promise<void> {
    this.#isAsking = true;
    try {
      await this.#place.readLife(this.#incarnation);
      this.#isAlone = false;
    } catch {
      // Not yet: asked again with the next read.
    }
    this.#isAsking = false;
  }

  markLive(incarnation: string): Promise<void> {
    return this.#table.markLive(incarnation);
  }

  fence(incarnation: string): Promise<void> {
    return this.#table.fence(incarnation);
  }

  readOwner(shard: number): Promise<ShardOwner | undefined> {
    return this.#table.readOwner(shard);
  }

  swap(shard: number, from: ShardOwner | undefined, to: ShardOwner): Promise<SwapResult> {
    return this.#table.swap(shard, from, to);
  }
}
