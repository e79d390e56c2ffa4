// What lies between the nodes and the replicas. Owns: links, latencies, requests that are lost or land late, hints.
// Does not own: who is asked and how many answers suffice (coordinator.ts, paxos.ts).
//
// Invariants:
// N1  A request that was sent lands or is lost on its own: what becomes of its sender changes nothing.

import type { SimRandom } from '../sim-random.ts';
import type { QuorumFaults, QuorumStats } from './faults.ts';
import type { Mutation } from './partition.ts';
import type { Replica } from './replica.ts';
import type { Wheel } from './wheel.ts';

/** Number of a replica: 0, 1 or 2. */
export type ReplicaId = 0 | 1 | 2;

export const REPLICA_IDS: readonly ReplicaId[] = [0, 1, 2];

/** Direction of a link: what a node sends to a replica, or what comes back. */
export type LinkDirection = 'requests' | 'answers';

/** What is decided about the requests of one write, beyond chance. */
export type RequestFate = 'by_chance' | 'in_time' | 'late' | 'lost';

interface Deferred {
  readonly land: () => void;
}

/** After `hasten` everything deferred lands within this, milliseconds. */
const HASTE_MS = 100;

export class Network {
  readonly wheel: Wheel;
  readonly random: SimRandom;
  readonly stats: QuorumStats;
  readonly #replicas: readonly [Replica, Replica, Replica];
  readonly #cut = new Set<string>();
  readonly #deferred = new Set<Deferred>();
  faults: QuorumFaults;

  constructor(options: {
    readonly wheel: Wheel;
    readonly random: SimRandom;
    readonly stats: QuorumStats;
    readonly faults: QuorumFaults;
    readonly replicas: readonly [Replica, Replica, Replica];
  }) {
    this.wheel = options.wheel;
    this.random = options.random;
    this.stats = options.stats;
    this.faults = options.faults;
    this.#replicas = options.replicas;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random.float() < probability;
  }

  between(min: number, max: number): number {
    return min + this.random.float() * (max - min);
  }

  replica(id: ReplicaId): Replica {
    return this.#replicas[id];
  }

  cut(node: string, id: ReplicaId, direction: LinkDirection): void {
    this.#cut.add(`${node}/${id}/${direction}`);
  }

  heal(node: string, id: ReplicaId, direction: LinkDirection): void {
    this.#cut.delete(`${node}/${id}/${direction}`);
  }

  healLinks(): void {
    this.#cut.clear();
  }

  /** Replicas that a node believes it can reach, in an order drawn anew. */
  reachable(node: string): ReplicaId[] {
    const found = REPLICA_IDS.filter((id) => this.replica(id).up && this.#open(node, id, 'requests'));
    for (let at = found.length - 1; at > 0; at -= 1) {
      const other = this.random.below(at + 1);
      const [a, b] = [found[at], found[other]];
      if (a === undefined || b === undefined) continue;
      found[at] = b;
      found[other] = a;
    }
    return found;
  }

  /** Sends something that a replica only looks up. */
  ask(node: string, id: ReplicaId, arrive: (replica: Replica) => void): void {
    if (this.chance(this.faults.lostRequest)) {
      this.stats.lostRequests += 1;
      return;
    }
    this.wheel.after(this.#latencyMs(id), () => this.#arrive(node, id, arrive));
  }

  /** Sends something that changes a replica: it may land late. */
  send(node: string, id: ReplicaId, fate: RequestFate, arrive: (replica: Replica) => void): void {
    const { faults, stats } = this;
    const byChance = fate === 'by_chance';
    if (fate === 'lost' || (byChance && this.chance(faults.lostRequest))) {
      stats.lostRequests += 1;
    } else if (fate === 'late' || (byChance && this.chance(faults.lateWrite))) {
      this.#defer(this.between(faults.lateMsMin, faults.lateMsMax), () => {
        if (!this.replica(id).up) return;
        stats.lateWrites += 1;
        arrive(this.replica(id));
      });
    } else {
      this.wheel.after(this.#latencyMs(id), () => this.#arrive(node, id, arrive));
    }
  }

  /** Brings an answer of a replica back. */
  answer(node: string, id: ReplicaId, arrive: () => void): void {
    if (this.chance(this.faults.lostAnswer)) {
      this.stats.lostAnswers += 1;
      return;
    }
    this.wheel.after(this.#latencyMs(id), () => {
      if (this.#open(node, id, 'answers')) arrive();
    });
  }

  /** Keeps a write for a replica that did not acknowledge it, to be replayed. */
  hint(node: string, id: ReplicaId, mutation: Mutation): void {
    if (this.chance(this.faults.lostHint)) {
      this.stats.hintsLost += 1;
      return;
    }
    this.stats.hintsStored += 1;
    this.#replayLater(node, id, mutation);
  }

  /** Lets everything deferred land within `HASTE_MS`. */
  hasten(): void {
    for (const deferred of [...this.#deferred]) {
      this.wheel.after(this.random.float() * HASTE_MS, () => this.#land(deferred));
    }
  }

  /** Requests and hints that wait for their time. */
  get deferred(): number {
    return this.#deferred.size;
  }

  #replayLater(node: string, id: ReplicaId, mutation: Mutation): void {
    const { hintDelayMsMin, hintDelayMsMax } = this.faults;
    this.#defer(this.between(hintDelayMsMin, hintDelayMsMax), () => {
      if (!this.replica(id).up || !this.#open(node, id, 'requests')) {
        this.#replayLater(node, id, mutation);
        return;
      }
      this.replica(id).write(mutation, () => {
        this.stats.hintsReplayed += 1;
      });
    });
  }

  #defer(delayMs: number, land: () => void): void {
    const deferred = { land };
    this.#deferred.add(deferred);
    this.wheel.after(delayMs, () => this.#land(deferred));
  }

  #land(deferred: Deferred): void {
    if (this.#deferred.delete(deferred)) deferred.land();
  }

  #arrive(node: string, id: ReplicaId, arrive: (replica: Replica) => void): void {
    const replica = this.replica(id);
    if (replica.up && this.#open(node, id, 'requests')) arrive(replica);
  }

  #open(node: string, id: ReplicaId, direction: LinkDirection): boolean {
    return this.#cut.size === 0 || !this.#cut.has(`${node}/${id}/${direction}`);
  }

  #latencyMs(id: ReplicaId): number {
    const { latencyMsMin, latencyMsMax } = this.faults;
    return this.between(latencyMsMin, latencyMsMax) * this.replica(id).slowness;
  }
}
