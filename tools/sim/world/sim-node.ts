// A node by its name, through all its runs: each start takes a new incarnation.

import { ShardOwnership } from '../../../cluster/ownership/index.ts';
import { REPLICA_IDS } from '../../../runtime/testing/quorum/index.ts';
import { NodeRun } from './node.ts';
import { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** A node that was fenced starts anew after this, milliseconds. */
const RESTART_MS = 400;

export class SimNode {
  readonly name: string;
  readonly #world: World;
  #runs = 0;
  #run: NodeRun | undefined;
  #ownership: ShardOwnership | undefined;
  /** Cut from the store, by the world. */
  offStore = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  /** The run of now; undefined while it is down. */
  get run(): NodeRun | undefined {
    return this.#run?.process.killed === false ? this.#run : undefined;
  }

  get up(): boolean {
    return this.run?.process.paused === false;
  }

  /** As far as an operator can see. */
  get reachable(): boolean {
    return this.up && !this.offStore;
  }

  /** Of the run of now. */
  get incarnation(): string | undefined {
    return this.run?.process.name;
  }

  get ownership(): ShardOwnership | undefined {
    return this.run === undefined ? undefined : this.#ownership;
  }

  /** Starts a new incarnation. */
  start(): void {
    const world = this.#world;
    const { swarm, clock, trace, recorder, net, ground } = world;
    this.#runs += 1;
    const incarnation = `${this.name}.${this.#runs}`;
    const process = new SimProcess({
      name: incarnation,
      clock,
      random: world.random.fork(),
      trace,
      holds: () => world.holds,
    });
    process.onKill(() => world.dead.push(incarnation));
    const { store, table } = ground.clientOf(this.name, process);
    const ownership = new ShardOwnership({
      incarnation,
      shards: swarm.shards,
      table: world.table.tableOf(incarnation, table),
      clock: process.clock,
      random: process.random,
      limits: { drainMsMax: 2_000, retryMsMax: 1_000 },
      onFenced: () => this.#fenced(process),
      onGiven: (shard, to) => {
        const other = world.nodes.find((node) => node.incarnation === to.owner);
        net.carry(this.name, other?.name ?? '', () =>
          other?.run?.process.enter(() => other.ownership?.look(shard)),
        );
      },
    });
    const run = new NodeRun({
      process,
      address: this.name,
      shards: swarm.shards,
      store,
      ownership,
      transport: net.transportOf(process, this.name, this.name),
      directory: { nodeOf: (shard) => this.#nodeOf(shard) },
      recorder,
      trace,
      limits: swarm.runtimeLimits,
      imLimits: swarm.imLimits,
      onStopped: () => this.#fenced(process),
    });
    this.#run = run;
    this.#ownership = ownership;
    trace.note(incarnation, 'starts');
    void run.runtime.start();
    ownership.start(run.runtime).catch((error: unknown) => trace.note(incarnation, `ends: ${String(error)}`));
  }

  /** Where a shard is served, as this node has heard. */
  #nodeOf(shard: number): string | undefined {
    const seen = this.#ownership?.seen(shard)?.owner;
    const { random, keeper } = this.#world;
    if (seen !== undefined && seen !== this.incarnation && random.float() < 0.5) return seen.split('.')[0];
    return keeper.wishOf(shard)?.name;
  }

  serves(shard: number): boolean {
    return this.ownership?.claim(shard) !== undefined;
  }

  /** A fenced process ends; its supervisor starts another one. */
  #fenced(process: SimProcess): void {
    const { clock, trace } = this.#world;
    trace.note(process.name, 'is fenced and ends');
    clock.after(RESTART_MS, () => {
      if (this.#run?.process !== process || process.killed) return;
      process.kill();
      this.start();
    });
  }

  kill(): void {
    if (this.run === undefined) return;
    this.#run?.process.kill();
    this.#world.trace.count('killed');
  }

  /** Cuts it from every replica. */
  cutOffStore(direction: 'requests' | 'answers' | undefined): void {
    this.offStore = true;
    const { cluster } = this.#world.ground;
    for (const id of REPLICA_IDS) cluster.cut(this.name, id, direction);
  }

  mendStore(): void {
    this.offStore = false;
    this.#world.ground.cluster.heal(this.name);
  }
}
