// Three simulated replicas and the nodes that use them. Owns: faults on demand, counters, clients.
// Does not own: time and randomness, which are given: the same seed and the same calls replay exactly.

import type { Clock } from '../../ports/clock.ts';
import type { ShardTable } from '../../ports/shard-table.ts';
import type { Commit, Store } from '../../ports/store.ts';
import type { SimRandom } from '../sim-random.ts';
import { Coordinator, type WriteOptions } from './coordinator.ts';
import { NO_FAULTS, noStats, type QuorumFaults, type QuorumStats } from './faults.ts';
import { type LinkDirection, Network, REPLICA_IDS, type ReplicaId } from './network.ts';
import { type Deliver, NodeCalls } from './node-calls.ts';
import type { Mutation } from './partition.ts';
import { Replica } from './replica.ts';
import { QuorumShards } from './shards.ts';
import { QuorumStore } from './store.ts';
import { Wheel } from './wheel.ts';

/** What is planned for one commit. */
export type CommitFate =
  /** Refused before anything is sent. */
  | 'refused'
  /** Unknown, and all of it lands in time. */
  | 'unknown_applied'
  /** Unknown, and all of it lands late. */
  | 'unknown_late'
  /** Unknown, and nothing of it lands. */
  | 'unknown_lost'
  /** Unknown; of its partitions only the first lands, in time. */
  | 'partial';

interface Planned {
  readonly node: string;
  readonly fate: CommitFate;
  readonly match: (commit: Commit) => boolean;
}

export interface QuorumClusterOptions {
  readonly clock: Clock;
  readonly random: SimRandom;
  /** Default: nothing fails. */
  readonly faults?: Partial<QuorumFaults>;
}

/** One run of one node. A node that starts again takes a new client; links are the node's. */
export interface QuorumClient {
  readonly node: string;
  readonly store: Store;
  readonly shards: ShardTable;
  /** Nothing settles any more and nothing new is sent. What is on the wire may land. */
  kill(): void;
}

export class QuorumCluster {
  readonly #net: Network;
  readonly #stats = noStats();
  readonly #planned: Planned[] = [];
  #operations = 0;

  constructor({ clock, random, faults = {} }: QuorumClusterOptions) {
    const wheel = new Wheel(clock);
    const stats = this.#stats;
    const replica = (): Replica => new Replica({ wheel, random, stats, faults: () => this.#net.faults });
    this.#net = new Network({
      wheel,
      random,
      stats,
      faults: { ...NO_FAULTS, ...faults },
      replicas: [replica(), replica(), replica()],
    });
  }

  /** `deliver`: default at once. It is asked for each answer; dropping the reaction is a node that died. */
  client(node: string, options: { readonly deliver?: Deliver } = {}): QuorumClient {
    const coordinator = new Coordinator(node, this.#net, () => ++this.#operations);
    const calls = new NodeCalls(coordinator, options.deliver ?? ((reaction) => reaction()));
    const store = new QuorumStore({
      calls,
      plan: (commit) => this.#take(node, commit),
      markTs: (epoch) => this.#markTs(epoch),
    });
    return { node, store, shards: new QuorumShards(calls), kill: () => calls.kill() };
  }

  // --- faults ------------------------------------------------------------------------------------------------------

  get faults(): QuorumFaults {
    return this.#net.faults;
  }

  /** Changes some latencies and probabilities; the others stay. */
  setFaults(faults: Partial<QuorumFaults>): void {
    this.#net.faults = { ...this.#net.faults, ...faults };
  }

  /** Cuts the link of a node and one replica; `direction`: default both. */
  cut(node: string, replica: ReplicaId, direction?: LinkDirection): void {
    for (const way of directions(direction)) this.#net.cut(node, replica, way);
  }

  /** Cuts a node from all replicas. */
  cutOff(node: string, direction?: LinkDirection): void {
    for (const id of REPLICA_IDS) this.cut(node, id, direction);
  }

  /** Mends the links of a node and one replica, or all replicas. */
  heal(node: string, replica?: ReplicaId, direction?: LinkDirection): void {
    for (const id of replica === undefined ? REPLICA_IDS : [replica]) {
      for (const way of directions(direction)) this.#net.heal(node, id, way);
    }
  }

  /** Stops a replica: what its commit log had not synced may be lost. */
  crashReplica(replica: ReplicaId): void {
    this.#net.replica(replica).crash();
  }

  /** Starts a replica again with what its disk has. */
  restartReplica(replica: ReplicaId): void {
    this.#net.replica(replica).restart();
  }

  replicaUp(replica: ReplicaId): boolean {
    return this.#net.replica(replica).up;
  }

  /** All replicas at one moment. They stay down until they are restarted. */
  powerCut(): void {
    for (const id of REPLICA_IDS) this.crashReplica(id);
  }

  /** What a replica does takes `factor` times as long; 1 = as ever. */
  slow(replica: ReplicaId, factor: number): void {
    this.#net.replica(replica).slowness = factor;
  }

  /** Plans what becomes of a node's next commit that matches (default any); plans are taken in order, one commit each. */
  planCommit(node: string, fate: CommitFate, match: (commit: Commit) => boolean = () => true): void {
    this.#planned.push({ node, fate, match });
  }

  /**
   * Ends all faults: links are whole, replicas are up and fast, nothing fails by chance from now on, and hints and late writes
   * land within 0.2 s of simulated time; those of writes still under way within `writeTimeoutMs` more.
   */
  healAll(): void {
    this.setFaults({ lateWrite: 0, lostRequest: 0, lostAnswer: 0, writeTimeout: 0, lostHint: 0 });
    this.setFaults({ hintDelayMsMin: 0, hintDelayMsMax: 100 });
    this.#planned.length = 0;
    this.#net.healLinks();
    for (const id of REPLICA_IDS) {
      this.restartReplica(id);
      this.slow(id, 1);
    }
    this.#net.hasten();
  }

  // --- what happened -----------------------------------------------------------------------------------------------

  /** Late writes and hints that have not landed. */
  get deferred(): number {
    return this.#net.deferred;
  }

  stats(): QuorumStats {
    return { ...this.#stats };
  }

  // --- inside ------------------------------------------------------------------------------------------------------

  #take(node: string, commit: Commit): Partial<WriteOptions> | 'refused' {
    const at = this.#planned.findIndex((plan) => plan.node === node && plan.match(commit));
    const [plan] = at < 0 ? [] : this.#planned.splice(at, 1);
    return plan === undefined ? {} : optionsOf(plan.fate);
  }

  /** Rises with every mark, so that a mark is never hidden by the drop of an older one. */
  #markTs(epoch: number): bigint {
    this.#operations += 1;
    return (BigInt(epoch) << 36n) + BigInt(this.#operations);
  }
}

function optionsOf(fate: CommitFate): Partial<WriteOptions> | 'refused' {
  switch (fate) {
    case 'refused':
      return 'refused';
    case 'unknown_applied':
      return { fate: 'in_time', giveUp: true };
    case 'unknown_late':
      return { fate: 'late', giveUp: true };
    case 'unknown_lost':
      return { fate: 'lost', giveUp: true };
    case 'partial':
      return { fate: 'in_time', sent: (_mutation: Mutation, at: number) => at === 0 };
    default:
      return fate satisfies never;
  }
}

function directions(direction: LinkDirection | undefined): readonly LinkDirection[] {
  return direction === undefined ? ['requests', 'answers'] : [direction];
}
