// A node by its name, through all its runs: each start takes a new incarnation, with the real runtime and ownership in a
// simulated process.

import { ShardOwnership } from '../../../cluster/ownership/index.ts';
import { createRuntime, type Runtime, type Store } from '../../../runtime/index.ts';
import { REPLICA_IDS } from '../../../runtime/testing/quorum/index.ts';
import { SimProcess } from '../world/process.ts';
import type { AuthorCluster } from './cluster.ts';

/** A node that was fenced starts anew after this, milliseconds. */
const RESTART_MS = 400;

interface Run {
  readonly process: SimProcess;
  readonly runtime: Runtime;
  readonly ownership: ShardOwnership;
}

export class AuthorNode {
  readonly name: string;
  /** Runs that have ended. */
  readonly dead: string[] = [];
  /** Cut from the store, by a fault. */
  offStore = false;
  readonly #cluster: AuthorCluster;
  #runs = 0;
  #run: Run | undefined;

  constructor(cluster: AuthorCluster, name: string) {
    this.#cluster = cluster;
    this.name = name;
  }

  /** The run of now; undefined while it is down. */
  get run(): Run | undefined {
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

  start(): void {
    const cluster = this.#cluster;
    const { swarm, clock, trace, net } = cluster;
    this.#runs += 1;
    const incarnation = `${this.name}.${this.#runs}`;
    const random = cluster.random.fork();
    const process = new SimProcess({ name: incarnation, clock, random, trace, holds: () => cluster.holds });
    process.onKill(() => this.dead.push(incarnation));
    const { store, table } = cluster.ground.clientOf(this.name, process);
    const ownership = new ShardOwnership({
      incarnation,
      shards: swarm.shards,
      table,
      clock: process.clock,
      random: process.random,
      limits: { drainMsMax: 2_000, retryMsMax: 1_000 },
      onFenced: () => this.#fenced(process),
      onGiven: (shard, to) => {
        const other = cluster.nodes.find((node) => node.incarnation === to.owner);
        net.carry(this.name, other?.name ?? '', () =>
          other?.run?.process.enter(() => other.ownership?.look(shard)),
        );
      },
      onStep: (_shard, { kind }) => trace.count(`shard ${kind}`),
    });
    const runtime = createRuntime({
      node: this.name,
      store: arriving(store, process),
      ownership,
      clock: process.clock,
      random: process.random,
      shards: swarm.shards,
      peers: {
        transport: net.transportOf(process, this.name, this.name),
        directory: { nodeOf: (shard) => this.#nodeOf(shard) },
      },
      limits: swarm.limits,
      onLog: ({ level, message, fields }) => {
        trace.note(incarnation, `${level}: ${message} ${JSON.stringify(fields)}`);
        if (message.startsWith('this node was fenced')) this.#fenced(process);
      },
    });
    runtime.register(...cluster.actors);
    this.#run = { process, runtime, ownership };
    trace.note(incarnation, 'starts');
    void runtime.start();
    ownership.start(runtime).catch((error: unknown) => trace.note(incarnation, `ends: ${String(error)}`));
  }

  kill(): void {
    if (this.run === undefined) return;
    this.run.process.kill();
    this.#cluster.trace.count('node killed');
  }

  cutOffStore(): void {
    this.offStore = true;
    for (const id of REPLICA_IDS) this.#cluster.ground.cluster.cut(this.name, id);
  }

  mendStore(): void {
    this.offStore = false;
    this.#cluster.ground.cluster.heal(this.name);
  }

  /** Where a shard is served, as this node has heard. */
  #nodeOf(shard: number): string | undefined {
    const seen = this.#run?.ownership.seen(shard)?.owner;
    const { random } = this.#cluster;
    if (seen !== undefined && seen !== this.incarnation && random.float() < 0.5) return seen.split('.')[0];
    return this.#cluster.wishOf(shard)?.name;
  }

  /** A fenced process ends; its supervisor starts another one. */
  #fenced(process: SimProcess): void {
    const { clock, trace } = this.#cluster;
    trace.note(process.name, 'is fenced and ends');
    trace.count('node fenced');
    clock.after(RESTART_MS, () => {
      if (this.#run?.process !== process || process.killed) return;
      process.kill();
      this.start();
    });
  }
}

/** A store whose answers reach a process as everything does: later if it is held or paused, never once it is killed. */
function arriving(store: Store, process: SimProcess): Store {
  return {
    readHead: (actor) => process.arrive(store.readHead(actor)),
    readRows: (actor, range, head) => process.arrive(store.readRows(actor, range, head)),
    readCell: (actor, table, key) => process.arrive(store.readCell(actor, table, key)),
    readCells: (actor, table, range) => process.arrive(store.readCells(actor, table, range)),
    readNotes: (actor, range) => process.arrive(store.readNotes(actor, range)),
    readMarks: (shard, range) => process.arrive(store.readMarks(shard, range)),
    readDue: (shard, range) => process.arrive(store.readDue(shard, range)),
    listActors: (kind, range) => process.arrive(store.listActors(kind, range)),
    commit: (commit) => process.arrive(store.commit(commit)),
    trim: (actor, below, ts) => process.arrive(store.trim(actor, below, ts)),
    dropMarks: (shard, epoch) => process.arrive(store.dropMarks(shard, epoch)),
    dropDue: (marks, ts) => process.arrive(store.dropDue(marks, ts)),
    health: () => store.health(),
    onFatal: (listener) => store.onFatal(listener),
    close: () => Promise.resolve(),
  };
}
