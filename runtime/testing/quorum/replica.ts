// One simulated replica. Owns: its commit log, its partitions, its Paxos state, and what a crash leaves of them.
// Does not own: how requests and answers travel (network.ts).
//
// Invariants:
// R1  Nothing is visible or acknowledged before the commit log is synced: so what was acknowledged survives every crash.
// R2  Requests take effect in the order in which they came, at the sync that takes them up.

import type { SimRandom } from '../sim-random.ts';
import type { QuorumFaults, QuorumStats } from './faults.ts';
import { actorsPartition, headOwner } from './layout.ts';
import { EMPTY_ANSWER, type Mutation, Partition, type Slice, type SliceAnswer } from './partition.ts';
import { PaxosState } from './paxos-state.ts';
import { versionOf } from './version.ts';
import type { Wheel } from './wheel.ts';

/** A change that a replica makes durable. */
interface LogEntry {
  readonly apply: () => void;
  /** Called after the sync, unless the replica crashed. */
  readonly done: () => void;
}

export interface ReplicaOptions {
  readonly wheel: Wheel;
  readonly random: SimRandom;
  readonly stats: QuorumStats;
  readonly faults: () => QuorumFaults;
}

const LISTED = versionOf(0n, new Uint8Array(0));

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #partitions = new Map<string, Partition>();
  readonly #paxos = new Map<number, PaxosState>();
  #log: LogEntry[] = [];
  #up = true;
  /** Rises with every crash: a sync of before it does nothing. */
  #life = 0;
  /** Latencies and syncs take this many times as long. */
  slowness = 1;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  get up(): boolean {
    return this.#up;
  }

  /** Takes up a mutation; `done` once it is durable. */
  write(mutation: Mutation, done: () => void): void {
    this.append({ apply: () => this.#apply(mutation), done });
  }

  /** Makes a change durable and effective with the next sync. */
  append(entry: LogEntry): void {
    this.#log.push(entry);
    if (this.#log.length > 1) return;
    const { wheel, random, faults } = this.#options;
    const life = this.#life;
    wheel.after(random.float() * faults().syncMsMax * this.slowness, () => {
      if (life === this.#life) this.#sync();
    });
  }

  read(slice: Slice): SliceAnswer {
    return this.#partitions.get(slice.partition)?.read(slice) ?? EMPTY_ANSWER;
  }

  paxos(shard: number): PaxosState {
    let state = this.#paxos.get(shard);
    if (state === undefined) {
      state = new PaxosState();
      this.#paxos.set(shard, state);
    }
    return state;
  }

  /** Stops. Of what was not synced a beginning may have reached the disk; nobody is told. */
  crash(): void {
    if (!this.#up) return;
    const { random, stats } = this.#options;
    this.#up = false;
    this.#life += 1;
    stats.crashes += 1;
    const kept = random.below(this.#log.length + 1);
    for (const entry of this.#log.slice(0, kept)) entry.apply();
    stats.unsyncedKept += kept;
    stats.unsyncedLost += this.#log.length - kept;
    this.#log = [];
  }

  restart(): void {
    this.#up = true;
  }

  /** R1. */
  #sync(): void {
    const entries = this.#log;
    this.#log = [];
    this.#options.stats.syncs += 1;
    for (const entry of entries) {
      entry.apply();
      entry.done();
    }
  }

  #apply(mutation: Mutation): void {
    this.#partition(mutation.partition).apply(mutation);
    // The list of actors is an index that each replica keeps of its own heads.
    const owner = headOwner(mutation.partition);
    if (owner === undefined) return;
    const cells = [[owner.key, LISTED] as const];
    const partition = actorsPartition(owner.kind);
    this.#partition(partition).apply({ partition, cells, ranges: [] });
  }

  #partition(name: string): Partition {
    let found = this.#partitions.get(name);
    if (found === undefined) {
      found = new Partition();
      this.#partitions.set(name, found);
    }
    return found;
  }
}
