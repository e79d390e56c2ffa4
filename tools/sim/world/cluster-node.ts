// A node by its name, through all its runs: each start takes a new incarnation in a simulated process. Owns: its life, and
// its links to the store. Does not own: what runs in the process.

import { ShardOwnership } from '../../../cluster/ownership/index.ts';
import type { Directory, ShardTable } from '../../../runtime/index.ts';
import { REPLICA_IDS } from '../../../runtime/testing/quorum/index.ts';
import { SimProcess } from './process.ts';
import type { Site, SiteNode, SiteRun } from './site.ts';

/** A node that was fenced starts anew after this, milliseconds. */
const RESTART_MS = 400;
/** Of the ownership of every node. */
export const OWNERSHIP_LIMITS = { drainMsMax: 2_000, retryMsMax: 1_000 };

/** Puts a run together; the node begins it. */
export type Launch<R extends SiteRun> = (node: ClusterNode<R>, process: SimProcess) => R;

export class ClusterNode<R extends SiteRun> implements SiteNode {
  readonly name: string;
  readonly #site: Site;
  readonly #launch: Launch<R>;
  #runs = 0;
  #run: R | undefined;
  #retired = false;
  offStore = false;

  constructor(site: Site, name: string, launch: Launch<R>) {
    this.name = name;
    this.#site = site;
    this.#launch = launch;
  }

  get run(): R | undefined {
    return this.#run?.process.killed === false ? this.#run : undefined;
  }

  get up(): boolean {
    return this.run?.process.paused === false;
  }

  get incarnation(): string | undefined {
    return this.run?.process.name;
  }

  get ownership(): ShardOwnership | undefined {
    return this.run?.ownership;
  }

  serves(shard: number): boolean {
    return this.ownership?.claim(shard) !== undefined;
  }

  /** Starts a new incarnation, unless one runs, or the node was removed. */
  start(): void {
    if (this.run !== undefined || this.#retired) return;
    const { clock, random, trace, dead } = this.#site;
    this.#runs += 1;
    const name = `${this.name}.${this.#runs}`;
    const holds = () => this.#site.holds;
    const process = new SimProcess({ name, clock, random: random.fork(), trace, holds });
    process.onKill(() => dead.push(name));
    this.#run = this.#launch(this, process);
    trace.note(name, 'starts');
    this.#run.begin();
  }

  /** Never starts again. */
  retire(): void {
    this.#retired = true;
  }

  kill(): void {
    if (this.run === undefined) return;
    this.run.process.kill();
    this.#site.trace.count('killed');
  }

  /** A fenced process ends; its supervisor starts another one. */
  fenced(process: SimProcess): void {
    this.#site.trace.note(process.name, 'is fenced and ends');
    this.#site.trace.count('process ended by its fence');
    this.endsSoon(process);
  }

  /** The process ends by itself, and another one is started. */
  endsSoon(process: SimProcess): void {
    this.#site.clock.after(RESTART_MS, () => {
      if (this.#run?.process !== process || process.killed) return;
      process.kill();
      this.start();
    });
  }

  cutOffStore(direction: 'requests' | 'answers' | undefined): void {
    this.offStore = true;
    const { cluster } = this.#site.ground;
    for (const id of REPLICA_IDS) cluster.cut(this.name, id, direction);
  }

  mendStore(): void {
    this.offStore = false;
    this.#site.ground.cluster.heal(this.name);
  }

  /** An ownership steered by the keeper: who is given a shard hears of it over the network. */
  keptOwnership(
    process: SimProcess,
    table: ShardTable,
    onStep: (shard: number, step: { readonly kind: string }) => void = () => {},
  ): ShardOwnership {
    const { net, nodes, shards } = this.#site;
    return new ShardOwnership({
      incarnation: process.name,
      shards,
      table,
      clock: process.clock,
      random: process.random,
      limits: OWNERSHIP_LIMITS,
      onFenced: () => this.fenced(process),
      onGiven: (shard, to) => {
        const other = nodes.find((node) => node.incarnation === to.owner);
        net.carry(this.name, other?.name ?? '', () =>
          other?.run?.process.enter(() => other.ownership?.look(shard)),
        );
      },
      onStep,
    });
  }

  /** Where shards are served, as a node has heard that the keeper steers. */
  readonly keptDirectory: Directory = {
    nodeOf: (shard) => {
      const seen = this.#run?.ownership.seen(shard)?.owner;
      const { random, keeper } = this.#site;
      if (seen !== undefined && seen !== this.incarnation && random.float() < 0.5) return seen.split('.')[0];
      return keeper.wishOf(shard)?.name;
    },
  };
}
