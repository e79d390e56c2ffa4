// Conditional writes and serial reads of one shard's row. Owns: the rounds of one operation. Does not own: what a replica
// promises (paxos-state.ts).
//
// Invariants:
// Y1  A proposal that a round finds in progress is completed before the round decides anything, whoever began it.
// Y2  A round that changes nothing is accepted by a quorum too: so nothing older can take effect after its answer (O3).
// Y3  Once an own proposal may be accepted somewhere the operation ends with applied or unknown, never with a refusal.
// Y4  Before a round proposes anything, the last commit it saw is at a quorum: a proposal takes the place of the accepted
//     one, which may be all that the other replicas have of that commit.

import { StarlingError } from '../../errors.ts';
import type { ShardOwner, SwapResult } from '../../ports/shard-table.ts';
import { replicasOf, SHARD_COMMIT } from './levels.ts';
import { type Network, REPLICA_IDS } from './network.ts';
import type { Outcome } from './outcome.ts';
import type { PaxosAnswer, PaxosState, Proposal } from './paxos-state.ts';

/** Promises and acceptances that make a quorum. */
const QUORUM = 2;
/** The longest wait after the first ballot lost, milliseconds; it grows with each. */
const BACKOFF_MS = 20;
/** Ballots are times of the proposer's clock, which may be this wrong; milliseconds. */
const SKEW_MS = 5;
const BALLOTS_PER_MS = 16;
/** Operations told apart within one time. */
const PROPOSERS = 65_536;

export interface PaxosOptions {
  readonly node: string;
  readonly net: Network;
  readonly shard: number;
  /** Number of the operation, unlike all others. */
  readonly origin: number;
  /** The new row, or undefined to change nothing. */
  readonly decide: (current: ShardOwner | undefined) => ShardOwner | undefined;
  readonly outcome: Outcome<SwapResult>;
}

type Step = (state: PaxosState) => PaxosAnswer;

/** One operation, from its first ballot to its answer. */
export class PaxosRound {
  readonly #options: PaxosOptions;
  #ballot = 0;
  #seen = 0;
  #attempts = 0;
  #settled = false;

  constructor(options: PaxosOptions) {
    this.#options = options;
  }

  start(): void {
    const { net, outcome } = this.#options;
    net.wheel.timeout(net.faults.casTimeoutMs, () => {
      this.#end(() => outcome.failed(unknown('Too few replicas answered a conditional write in time.')));
    });
    this.#prepare();
  }

  #prepare(): void {
    if (this.#settled) return;
    this.#ballot = this.#nextBallot();
    const ballot = this.#ballot;
    this.#broadcast(
      (state) => state.prepare(ballot),
      (answers) => {
        // One refusal means that a higher ballot is about: it is cheaper to draw again than to go on below it.
        if (answers.some(({ ok }) => !ok)) this.#again();
        else if (answers.length >= QUORUM) this.#prepared(answers);
        else return false;
        return true;
      },
    );
  }

  /** Y1, Y4. */
  #prepared(promises: readonly PaxosAnswer[]): void {
    const committed = newest(promises.map((answer) => answer.committed));
    const accepted = newest(promises.map((answer) => answer.accepted));
    const current = committed?.row;
    if (accepted?.row !== undefined && accepted.ballot > (committed?.ballot ?? 0)) {
      this.#complete({ ...accepted, ballot: this.#ballot });
      return;
    }
    const next = (): void => {
      const row = this.#options.decide(current);
      const proposal = { ballot: this.#ballot, row, origin: this.#options.origin };
      if (row === undefined) this.#shutOut(proposal, current);
      else this.#propose(proposal);
    };
    const known = promises.every((answer) => answer.committed?.ballot === committed?.ballot);
    if (committed === undefined || known) next();
    else this.#commit(committed, next);
  }

  /** Y1. */
  #complete(proposal: Proposal): void {
    const { net, origin } = this.#options;
    this.#accept(proposal, {
      accepted: () => {
        if (proposal.origin !== origin) net.stats.completedByStranger += 1;
        this.#commit(proposal, () => this.#prepare());
      },
      refused: () => this.#again(),
    });
  }

  /** Y2. */
  #shutOut(proposal: Proposal, current: ShardOwner | undefined): void {
    const { outcome } = this.#options;
    this.#accept(proposal, {
      accepted: () => this.#end(() => outcome.done({ applied: false, found: current })),
      refused: () => this.#again(),
    });
  }

  /** Y3. */
  #propose(proposal: Proposal): void {
    const { outcome } = this.#options;
    this.#accept(proposal, {
      accepted: () => this.#commit(proposal, () => this.#end(() => outcome.done({ applied: true }))),
      refused: (yes, no) => {
        if (no === REPLICA_IDS.length) this.#again();
        else if (yes > 0) this.#end(() => outcome.failed(unknown('Another ballot came between.')));
        // The third replica decides between the two; if it stays silent, the time-out does.
        else return false;
        return true;
      },
    });
  }

  /** `refused`: a quorum is out of reach; answers whether that is enough to go on. */
  #accept(
    proposal: Proposal,
    then: { readonly accepted: () => void; readonly refused: (yes: number, no: number) => boolean },
  ): void {
    this.#broadcast(
      (state) => state.accept(proposal),
      (answers) => {
        const yes = answers.filter(({ ok }) => ok).length;
        const no = answers.length - yes;
        if (yes < QUORUM) return no >= QUORUM && then.refused(yes, no);
        then.accepted();
        return true;
      },
    );
  }

  #commit(proposal: Proposal, committed: () => void): void {
    this.#broadcast(
      (state) => state.commit(proposal),
      (answers) => {
        if (answers.length < replicasOf(SHARD_COMMIT)) return false;
        committed();
        return true;
      },
    );
  }

  /** Sends one step to all replicas; `judge` sees all answers so far and says whether it has heard enough. */
  #broadcast(step: Step, judge: (answers: readonly PaxosAnswer[]) => boolean): void {
    const { net, node, shard } = this.#options;
    const answers: PaxosAnswer[] = [];
    let judged = false;
    for (const id of REPLICA_IDS) {
      net.send(node, id, 'by_chance', (replica) => {
        let answer: PaxosAnswer | undefined;
        replica.append({
          apply: () => {
            answer = step(replica.paxos(shard));
          },
          done: () =>
            net.answer(node, id, () => {
              if (judged || this.#settled || answer === undefined) return;
              this.#seen = Math.max(this.#seen, answer.promised);
              answers.push(answer);
              judged = judge(answers);
            }),
        });
      });
    }
  }

  /** Another ballot was higher: waits a little and draws again. */
  #again(): true {
    const { net } = this.#options;
    net.stats.contended += 1;
    this.#attempts += 1;
    net.wheel.after(net.random.float() * BACKOFF_MS * this.#attempts, () => this.#prepare());
    return true;
  }

  #nextBallot(): number {
    const { net, origin } = this.#options;
    const clock = (net.wheel.nowMs + net.random.float() * SKEW_MS) * BALLOTS_PER_MS;
    const time = Math.max(Math.floor(clock), Math.floor(Math.max(this.#seen, this.#ballot) / PROPOSERS) + 1);
    return time * PROPOSERS + (origin % PROPOSERS);
  }

  #end(answer: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    answer();
  }
}

function newest(proposals: readonly (Proposal | undefined)[]): Proposal | undefined {
  return proposals.reduce(
    (best, next) => (next !== undefined && next.ballot > (best?.ballot ?? 0) ? next : best),
    undefined,
  );
}

function unknown(detail: string): StarlingError {
  return new StarlingError('OUTCOME_UNKNOWN', detail);
}
