// Plain reads and writes over the three replicas, for one node. Owns: acknowledgement at a consistency, time-outs, hints,
// digests, merging and read repair. Does not own: what is written where (layout.ts), conditional writes (paxos.ts).
//
// Invariants:
// Q1  A write is acknowledged once each of its mutations is durable at as many replicas as its consistency says.
// Q2  A read of BLOCKING repair returns only what is durable at every replica it heard.
// Q3  A refusal comes before anything is sent; after that a failure is of unknown outcome.
// Q4  An operation goes on when its node is killed or paused: its coordinator is another process.

import { StarlingError } from '../../errors.ts';
import type { SwapResult } from '../../ports/shard-table.ts';
import { type Consistency, type ReadLevel, replicasOf } from './levels.ts';
import { agree, mergeAnswers, type Page, pageOf } from './merge.ts';
import { type Network, REPLICA_IDS, type ReplicaId, type RequestFate } from './network.ts';
import type { Outcome } from './outcome.ts';
import type { Mutation, Slice, SliceAnswer } from './partition.ts';
import { type PaxosOptions, PaxosRound } from './paxos.ts';

export interface WriteOptions {
  readonly consistency: Consistency;
  /** Default by chance. */
  readonly fate?: RequestFate;
  /** Only these of its mutations get further than the node; default all. */
  readonly sent?: (mutation: Mutation, at: number) => boolean;
  /** Answered `unknown` within `GIVE_UP_MS`, whatever becomes of it; default by chance. */
  readonly giveUp?: boolean;
}

/** A write that is given up early is so within this, milliseconds. */
const GIVE_UP_MS = 50;

/** A write is looked at after this, milliseconds, and again at its time-out if it needs that. */
const FIRST_LOOK_MS = 48;

/** The bits of all replicas. */
const EVERYWHERE = 0b111;

interface WriteOp {
  readonly mutations: readonly Mutation[];
  readonly need: number;
  readonly outcome: Outcome<void>;
  /** Its coordinator does not live to hear of success. */
  readonly givenUp: boolean;
  /** For each mutation, a bit for each replica where it is durable. */
  readonly durable: number[];
  atQuorum: number;
  settled: boolean;
}

interface ReadOp {
  readonly slice: Slice;
  readonly level: ReadLevel;
  readonly outcome: Outcome<Page>;
  readonly need: number;
  readonly answers: { readonly id: ReplicaId; readonly answer: SliceAnswer }[];
  readonly asked: Set<ReplicaId>;
  /** The second answer is a digest: unlike ones cost a further round. */
  digest: boolean;
  gathered: boolean;
  settled: boolean;
}

export class Coordinator {
  readonly #node: string;
  readonly #net: Network;
  readonly #nextOrigin: () => number;

  /** `nextOrigin`: numbers conditional writes, each unlike all others of the cluster. */
  constructor(node: string, net: Network, nextOrigin: () => number) {
    this.#node = node;
    this.#net = net;
    this.#nextOrigin = nextOrigin;
  }

  /** The error of an operation refused by `node` for want of replicas, or undefined where it is tried. */
  refusal(need: number): StarlingError | undefined {
    const { stats, faults } = this.#net;
    if (this.#net.reachable(this.#node).length >= need || !this.#net.chance(faults.refuse)) return undefined;
    stats.refused += 1;
    return new StarlingError('OVERLOADED', 'Too few replicas are in reach; nothing was sent.');
  }

  write(mutations: readonly Mutation[], options: WriteOptions, outcome: Outcome<void>): void {
    const { stats, faults, wheel } = this.#net;
    stats.writes += 1;
    const need = replicasOf(options.consistency);
    const refusal = this.refusal(need);
    if (refusal !== undefined) {
      outcome.failed(refusal);
      return;
    }
    const givenUp = options.giveUp ?? this.#net.chance(faults.writeTimeout);
    const durable = mutations.map(() => 0);
    const op: WriteOp = { mutations, need, outcome, givenUp, durable, atQuorum: 0, settled: false };
    for (const [at, mutation] of mutations.entries()) {
      if (options.sent?.(mutation, at) === false) continue;
      for (const id of REPLICA_IDS) this.#sendMutation(op, at, id, options.fate ?? 'by_chance');
    }
    if (givenUp) {
      wheel.after(this.#net.random.float() * GIVE_UP_MS, () => this.#failWrite(op));
    }
    const { writeTimeoutMs } = faults;
    // Most writes are everywhere by the first look, and nothing of them has to be kept until the time-out.
    const firstMs = Math.min(FIRST_LOOK_MS, writeTimeoutMs);
    wheel.timeout(firstMs, () => {
      if (op.settled && op.durable.every((mask) => mask === EVERYWHERE)) return;
      wheel.timeout(writeTimeoutMs - firstMs, () => {
        this.#failWrite(op);
        this.#storeHints(op, options);
      });
    });
  }

  read(slice: Slice, level: ReadLevel, outcome: Outcome<Page>): void {
    const { stats, faults, wheel } = this.#net;
    stats.reads += 1;
    const need = replicasOf(level.consistency);
    const refusal = this.refusal(need);
    if (refusal !== undefined) {
      outcome.failed(refusal);
      return;
    }
    const op: ReadOp = {
      slice,
      level,
      outcome,
      need,
      answers: [],
      asked: new Set(),
      digest: need > 1 && this.#net.chance(faults.digestRead),
      gathered: false,
      settled: false,
    };
    const order = [...new Set([...this.#net.reachable(this.#node), ...REPLICA_IDS])];
    for (const id of order.slice(0, need)) this.#askOne(op, id);
    const { readTimeoutMs, speculateMs } = faults;
    wheel.timeout(Math.min(speculateMs, readTimeoutMs), () => {
      if (op.settled) return;
      if (!op.gathered) {
        stats.speculated += 1;
        for (const id of order) if (!op.asked.has(id)) this.#askOne(op, id);
      }
      wheel.timeout(readTimeoutMs - speculateMs, () => this.#failRead(op));
    });
  }

  /** A conditional write, or a serial read. */
  decide(
    wanted: Pick<PaxosOptions, 'shard' | 'decide'> & { readonly reads: boolean },
    outcome: Outcome<SwapResult>,
  ): void {
    const { stats } = this.#net;
    if (wanted.reads) stats.serialReads += 1;
    else stats.swaps += 1;
    const refusal = this.refusal(replicasOf('QUORUM'));
    if (refusal !== undefined) {
      outcome.failed(refusal);
      return;
    }
    const { shard, decide } = wanted;
    new PaxosRound({
      node: this.#node,
      net: this.#net,
      shard,
      decide,
      origin: this.#nextOrigin(),
      outcome: {
        done: (result) => outcome.done(result),
        failed: (error) => {
          if (!wanted.reads) stats.unknownSwaps += 1;
          outcome.failed(error);
        },
      },
    }).start();
  }

  // --- writes ------------------------------------------------------------------------------------------------------

  #sendMutation(op: WriteOp, at: number, id: ReplicaId, fate: RequestFate): void {
    const mutation = op.mutations[at];
    if (mutation === undefined) return;
    this.#net.send(this.#node, id, fate, (replica) =>
      replica.write(mutation, () => {
        // Nobody waits for the answer to a settled write; only whether a hint is needed hangs on it.
        if (op.settled) this.#note(op, at, id);
        else this.#net.answer(this.#node, id, () => this.#acknowledged(op, at, id));
      }),
    );
  }

  /** Q1. */
  #acknowledged(op: WriteOp, at: number, id: ReplicaId): void {
    if (this.#note(op, at, id) !== op.need) return;
    op.atQuorum += 1;
    if (op.atQuorum < op.mutations.length || op.settled || op.givenUp) return;
    op.settled = true;
    op.outcome.done();
  }

  /** Returns at how many replicas the mutation is durable; 0 where that was known before. */
  #note(op: WriteOp, at: number, id: ReplicaId): number {
    const before = op.durable[at] ?? 0;
    const after = before | (1 << id);
    op.durable[at] = after;
    return before === after ? 0 : bits(after);
  }

  #failWrite(op: WriteOp): void {
    if (op.settled) return;
    op.settled = true;
    this.#net.stats.unknownWrites += 1;
    if (op.atQuorum > 0 && op.atQuorum < op.mutations.length) this.#net.stats.partialBatches += 1;
    op.outcome.failed(new StarlingError('OUTCOME_UNKNOWN', 'Too few replicas acknowledged a write in time.'));
  }

  #storeHints(op: WriteOp, { sent, fate }: WriteOptions): void {
    if (fate === 'lost') return;
    for (const [at, mutation] of op.mutations.entries()) {
      if (op.durable[at] === EVERYWHERE || sent?.(mutation, at) === false) continue;
      for (const id of REPLICA_IDS) {
        if (((op.durable[at] ?? 0) & (1 << id)) === 0) this.#net.hint(this.#node, id, mutation);
      }
    }
  }

  // --- reads -------------------------------------------------------------------------------------------------------

  #askOne(op: ReadOp, id: ReplicaId): void {
    op.asked.add(id);
    this.#net.ask(this.#node, id, (replica) => {
      const answer = replica.read(op.slice);
      this.#net.answer(this.#node, id, () => this.#answered(op, id, answer));
    });
  }

  #answered(op: ReadOp, id: ReplicaId, answer: SliceAnswer): void {
    if (op.settled || op.gathered || op.answers.some((known) => known.id === id)) return;
    op.answers.push({ id, answer });
    if (op.answers.length < op.need) return;
    op.gathered = true;
    const first = op.answers[0]?.answer ?? answer;
    if (op.answers.every((other) => agree(first, other.answer))) this.#finish(op, pageOf(first));
    else if (op.digest) this.#askAgain(op);
    else this.#merge(op);
  }

  /** The digests differ: both replicas are asked for all they have. */
  #askAgain(op: ReadOp): void {
    this.#net.stats.digestMismatches += 1;
    op.digest = false;
    op.gathered = false;
    for (const { id } of op.answers.splice(0)) this.#askOne(op, id);
  }

  #merge(op: ReadOp): void {
    const answers = op.answers.map(({ answer }) => answer);
    const { page, missing } = mergeAnswers(op.slice, answers);
    const repairs = op.answers.flatMap(({ id }, at) => {
      const mutation = missing[at];
      return mutation === undefined ? [] : [{ id, mutation }];
    });
    if (op.level.readRepair === 'NONE' || repairs.length === 0) {
      this.#finish(op, page);
      return;
    }
    this.#net.stats.readRepairs += 1;
    let waiting = repairs.length;
    for (const { id, mutation } of repairs) {
      this.#net.send(this.#node, id, 'by_chance', (replica) =>
        replica.write(mutation, () =>
          this.#net.answer(this.#node, id, () => {
            waiting -= 1;
            if (waiting === 0) this.#finish(op, page);
          }),
        ),
      );
    }
  }

  #failRead(op: ReadOp): void {
    if (op.settled) return;
    op.settled = true;
    this.#net.stats.readTimeouts += 1;
    op.outcome.failed(new StarlingError('OUTCOME_UNKNOWN', 'Too few replicas answered a read in time.'));
  }

  #finish(op: ReadOp, page: Page): void {
    if (op.settled) return;
    op.settled = true;
    op.outcome.done(page);
  }
}

function bits(mask: number): number {
  return (mask & 1) + ((mask >> 1) & 1) + ((mask >> 2) & 1);
}
