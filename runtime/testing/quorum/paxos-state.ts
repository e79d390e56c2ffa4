// What one replica knows of one shard's row. Owns: promises, the proposal it accepted, the last one committed.
// Does not own: rounds (paxos.ts), durability (replica.ts).
//
// Invariants:
// X1  A promise binds: nothing of a lower ballot is accepted after it.

import type { ShardOwner } from '../../ports/shard-table.ts';

/** A change proposed under a ballot; without a row it changes nothing, and only shuts out what is older. */
export interface Proposal {
  readonly ballot: number;
  readonly row: ShardOwner | undefined;
  /** Number of the operation that proposed it first. */
  readonly origin: number;
}

/** Answer to a request of a round. */
export interface PaxosAnswer {
  readonly ok: boolean;
  /** The highest ballot promised. */
  readonly promised: number;
  readonly accepted: Proposal | undefined;
  readonly committed: Proposal | undefined;
}

export class PaxosState {
  #promised = 0;
  #accepted: Proposal | undefined;
  #committed: Proposal | undefined;

  prepare(ballot: number): PaxosAnswer {
    const ok = ballot > this.#promised;
    if (ok) this.#promised = ballot;
    return this.#answer(ok);
  }

  accept(proposal: Proposal): PaxosAnswer {
    const ok = proposal.ballot >= this.#promised;
    if (ok) {
      this.#promised = proposal.ballot;
      this.#accepted = proposal;
    }
    return this.#answer(ok);
  }

  commit(proposal: Proposal): PaxosAnswer {
    if (proposal.ballot > (this.#committed?.ballot ?? 0)) this.#committed = proposal;
    if (proposal.ballot >= (this.#accepted?.ballot ?? 0)) this.#accepted = undefined;
    return this.#answer(true);
  }

  #answer(ok: boolean): PaxosAnswer {
    return { ok, promised: this.#promised, accepted: this.#accepted, committed: this.#committed };
  }
}
