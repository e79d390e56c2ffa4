// A node by its name, through all its runs: each start takes a new incarnation.

import { ClusterMember } from '../../../cluster/membership/index.ts';
import { ShardOwnership } from '../../../cluster/ownership/index.ts';
import type { Directory, ShardHost, ShardTable } from '../../../runtime/index.ts';
import { REPLICA_IDS } from '../../../runtime/testing/quorum/index.ts';
import { NodeRun } from './node.ts';
import { probeOf } from './probe.ts';
import { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** A node that was fenced starts anew after this, milliseconds. */
const RESTART_MS = 400;

/** What says where shards go, and keeps them. */
interface Driver {
  readonly ownership: ShardOwnership;
  readonly directory: Directory;
  /** Resolves with why it may not join, if so. */
  start(host: ShardHost): Promise<string | undefined>;
}

export class SimNode {
  readonly name: string;
  readonly #world: World;
  #runs = 0;
  #run: NodeRun | undefined;
  #ownership: ShardOwnership | undefined;
  #member: ClusterMember | undefined;
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

  /** Of the run of now, where membership steers. */
  get member(): ClusterMember | undefined {
    return this.run === undefined ? undefined : this.#member;
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
    const driver = this.#driver(incarnation, process, world.table.tableOf(incarnation, table));
    const { ownership, directory } = driver;
    const run = new NodeRun({
      process,
      address: this.name,
      shards: swarm.shards,
      store,
      ownership,
      transport: net.transportOf(process, this.name, this.name),
      directory,
      recorder,
      reminders: world.reminders,
      trace,
      limits: swarm.runtimeLimits,
      imLimits: swarm.imLimits,
      onStopped: () => this.#fenced(process),
    });
    this.#run = run;
    this.#ownership = ownership;
    trace.note(incarnation, 'starts');
    void run.runtime.start();
    driver.start(run.runtime).then(
      (refusal) => {
        if (refusal === undefined) return;
        trace.note(incarnation, `may not join: ${refusal}`);
        this.#endsSoon(process);
      },
      (error: unknown) => trace.note(incarnation, `ends: ${String(error)}`),
    );
  }

  #driver(incarnation: string, process: SimProcess, table: ShardTable): Driver {
    const world = this.#world;
    const limits = { drainMsMax: 2_000, retryMsMax: 1_000 };
    const parts = {
      incarnation,
      shards: world.swarm.shards,
      table,
      clock: process.clock,
      random: process.random,
    };
    const onFenced = (): void => this.#fenced(process);
    if (world.swarm.steering === 'member') {
      const member = new ClusterMember({
        ...parts,
        node: this.name,
        address: this.name,
        board: world.board.viewOf(process),
        probe: probeOf(world, process, this.name),
        // In a small cluster that is disturbed all the time the limit of fences would be all that is seen.
        limits: { fencesShare: 10 },
        ownership: { limits },
        onFenced,
        onEvent: (event) => world.trace.note(incarnation, JSON.stringify(event)),
      });
      this.#member = member;
      const start = async (host: ShardHost) => (await member.start(host))?.message;
      return { ownership: member.ownership, directory: member.directory, start };
    }
    const ownership = new ShardOwnership({
      ...parts,
      limits,
      onFenced,
      onGiven: (shard, to) => {
        const other = world.nodes.find((node) => node.incarnation === to.owner);
        world.net.carry(this.name, other?.name ?? '', () =>
          other?.run?.process.enter(() => other.ownership?.look(shard)),
        );
      },
    });
    const directory = { nodeOf: (shard: number) => this.#nodeOf(shard) };
    return { ownership, directory, start: (host) => ownership.start(host).then(() => undefined) };
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
    this.#world.trace.note(process.name, 'is fenced and ends');
    this.#endsSoon(process);
  }

  #endsSoon(process: SimProcess): void {
    this.#world.clock.after(RESTART_MS, () => {
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
