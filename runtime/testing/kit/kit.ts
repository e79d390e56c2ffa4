// Nodes with actors, driven by a test. Owns: time, which nodes run, who serves which shard.
//
// K1  Time passes in `advance` and `until` only. What needs no time (turns, writes, tells to other actors) runs meanwhile.
// K2  A killed node does nothing any more: no timer, no write, no envelope of it. What it had made durable is there.
// K3  The same calls with the same seed give the same run.

import type { DescService } from '@bufbuild/protobuf';
import type { ActorClient, ActorType, CallOptions } from '../../actor-type.ts';
import type { ActorDefinition, Interceptor, LogEntry, Runtime, RuntimeLimits } from '../../index.ts';
import { invariant, shardOf } from '../../index.ts';
import { SimClock, settle } from '../sim-clock.ts';
import { type EnvelopeFate, SimNetwork } from '../sim-network.ts';
import { SimRandom } from '../sim-random.ts';
import { KitNode } from './kit-node.ts';
import { KitShards } from './kit-shards.ts';
import { KitStore, type WriteFate } from './kit-store.ts';

export interface KitOptions {
  /** Nodes, named `n1`, `n2`, …; 1 to 16. Default 1. */
  readonly nodes?: number;
  /** Of everything random. Default 1. */
  readonly seed?: number;
  /** What the clock shows at first, milliseconds since 1970-01-01 UTC. Default 2026-01-01T00:00:00Z. */
  readonly startMs?: number;
  readonly limits?: Partial<RuntimeLimits>;
  /** Run around every call of every actor. Default none. */
  readonly interceptors?: readonly Interceptor[];
}

export interface KitClientOptions {
  /** The node that the calls go to first. Default: the first that runs. */
  readonly via?: string;
}

export interface KitLogEntry extends LogEntry {
  readonly node: string;
}

const NODES_MAX = 16;
const SHARDS = 16;
const STEP_MS = 10;
const DRAIN_MS_MAX = 10_000;

type Methods = Readonly<Record<string, (request: unknown, options?: CallOptions) => Promise<unknown>>>;

/**
 * Starts nodes with these actors.
 * @example
 * const kit = await testActors([packet, wallet]);
 * await kit.client(Packet, 'p1').open({ total: 100n, shares: 3 });
 * await kit.advance(60_000);
 * await kit.crash();
 */
export async function testActors(
  definitions: readonly ActorDefinition[],
  options: KitOptions = {},
): Promise<ActorKit> {
  const kit = new ActorKit(definitions, options);
  await kit.settle();
  return kit;
}

/** Made by `testActors`. Nothing of it outlives the test: there is nothing to close. */
export class ActorKit {
  /** What the nodes logged: refused tells, slow turns, failed activations. */
  readonly log: KitLogEntry[] = [];
  readonly #definitions: readonly ActorDefinition[];
  readonly #options: KitOptions;
  readonly #clock: SimClock;
  readonly #random: SimRandom;
  readonly #names: readonly string[];
  readonly #store = new KitStore();
  readonly #shards = new KitShards(SHARDS);
  readonly #network: SimNetwork;
  readonly #nodes = new Map<string, KitNode>();
  #starts = 0;

  /** Use `testActors`, which lets the nodes come up. */
  constructor(definitions: readonly ActorDefinition[], options: KitOptions) {
    const { nodes = 1, seed = 1, startMs } = options;
    invariant(Number.isInteger(nodes) && nodes >= 1 && nodes <= NODES_MAX, `1 to ${NODES_MAX} nodes`);
    this.#definitions = definitions;
    this.#options = options;
    this.#clock = new SimClock(startMs);
    this.#random = new SimRandom(seed);
    this.#names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
    this.#network = new SimNetwork(this.#names);
    for (const name of this.#names) this.#boot(name, this.#homeShards(name));
  }

  /** Milliseconds since 1970-01-01 UTC, as the nodes see it. */
  get now(): number {
    return this.#clock.now();
  }

  /** Names of the nodes that run. */
  get nodes(): readonly string[] {
    return this.#names.filter((name) => this.#nodes.has(name));
  }

  /** A typed client that stays good over crashes. A call that is under way when its node is killed ends with OUTCOME_UNKNOWN. */
  client<C extends DescService>(
    type: ActorType<C>,
    key: string,
    options: KitClientOptions = {},
  ): ActorClient<C> {
    return type.bind((method, request, callOptions) => {
      const node = this.#node(options.via);
      const client = node.runtime.client(type, key) as unknown as Methods;
      const answer = client[method.localName]?.(request, callOptions as CallOptions | undefined);
      invariant(answer !== undefined, `${type.kind} has a method ${method.localName}`);
      return node.outcome(answer);
    }) as ActorClient<C>;
  }

  /** The runtime of a node that runs, for services that are bound to one. Default: the first. */
  runtime(node?: string): Runtime {
    return this.#node(node).runtime;
  }

  /** Lets time pass; timers, reminders and deadlines that fall due run in order. */
  advance(ms: number): Promise<void> {
    return this.#clock.advance(ms);
  }

  /** Lets everything run that needs no time. */
  settle(): Promise<void> {
    return settle();
  }

  /**
   * Lets time pass until a promise has settled, and gives its outcome.
   * @throws Error where it has not after `limitMs` of simulated time; default 60,000
   */
  async until<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    await settle();
    for (let passed = 0; !settled && passed < limitMs; passed += STEP_MS) await this.advance(STEP_MS);
    if (!settled) throw new Error(`It has not settled after ${limitMs} ms of simulated time.`);
    return promise;
  }

  /** The node that serves an actor; undefined while nobody does. */
  nodeOf(type: ActorType, key: string): string | undefined {
    return this.#shards.nodeOf(this.#shardOf(type, key));
  }

  /** Kills a node (default: the first that runs) and starts it again at once: memory is lost, what was durable is found. */
  async crash(node?: string): Promise<void> {
    const { name } = this.#node(node);
    const shards = this.#shards.of(name);
    this.#end(name);
    this.#boot(name, shards);
    await settle();
  }

  /** Kills a node. Those that still run take its shards over at once; without any, its actors are out of reach. */
  async kill(node: string): Promise<void> {
    const { name } = this.#node(node);
    const shards = this.#shards.of(name);
    this.#end(name);
    const heirs = [...this.#nodes.values()];
    for (const shard of shards) {
      const heir = heirs[shard % Math.max(1, heirs.length)];
      if (heir === undefined) this.#shards.drop(shard);
      else this.#take(heir, shard);
    }
    await settle();
  }

  /** Starts a node that was killed: it takes the shards that nobody serves, and is handed its own by the others. */
  async start(node: string): Promise<void> {
    invariant(this.#names.includes(node), `there is a node ${node}`);
    invariant(!this.#nodes.has(node), `${node} does not run`);
    const all = Array.from({ length: SHARDS }, (_, shard) => shard);
    this.#boot(
      node,
      all.filter((shard) => this.#shards.nodeOf(shard) === undefined),
    );
    await settle();
    for (const shard of this.#homeShards(node)) await this.#move(shard, node);
  }

  /** Hands the shard of an actor over to another node, as an operator's drain does: what was accepted ends first. */
  async move(type: ActorType, key: string, to: string): Promise<void> {
    await this.#move(this.#shardOf(type, key), this.#node(to).name);
  }

  /** From now on nothing written becomes durable, so no reply and no message leaves. The result ends it. */
  holdWrites(): () => void {
    this.#store.hold();
    return () => this.#store.release();
  }

  /** Decides what becomes of the next write of a record, of an actor if one is named. Several are taken in order. */
  failNextWrite(fate: WriteFate, of?: { readonly type: ActorType; readonly key: string }): void {
    this.#store.failNext(
      fate,
      ({ kind, key }) => of === undefined || (of.type.kind === kind && of.key === key),
    );
  }

  /** Decides what becomes of envelopes between nodes from now on. Default: carried. */
  envelopes(fate: (from: string, to: string) => EnvelopeFate): void {
    this.#network.decide(fate);
  }

  #node(name: string | undefined): KitNode {
    const found = name === undefined ? this.#nodes.values().next().value : this.#nodes.get(name);
    invariant(found !== undefined, name === undefined ? 'a node runs' : `the node ${name} runs`);
    return found;
  }

  #shardOf(type: ActorType, key: string): number {
    return shardOf(type.placementKey(key), SHARDS);
  }

  #homeShards(name: string): number[] {
    const place = this.#names.indexOf(name);
    return Array.from({ length: SHARDS }, (_, shard) => shard).filter(
      (shard) => shard % this.#names.length === place,
    );
  }

  #boot(name: string, shards: readonly number[]): void {
    this.#starts += 1;
    const { limits, interceptors } = this.#options;
    const incarnation = `${name}.${this.#starts}`;
    for (const shard of shards) this.#shards.give(shard, name, incarnation);
    const node = new KitNode({
      name,
      incarnation,
      clock: this.#clock,
      seed: this.#random.below(2 ** 32),
      store: this.#store,
      shards: this.#shards,
      network: this.#network,
      definitions: this.#definitions,
      options: {
        ...(limits === undefined ? {} : { limits }),
        ...(interceptors === undefined ? {} : { interceptors }),
      },
      onLog: (entry) => this.log.push({ node: name, ...entry }),
    });
    this.#nodes.set(name, node);
    void node.runtime.start();
  }

  #end(name: string): void {
    this.#node(name).kill();
    this.#nodes.delete(name);
  }

  #take({ name, incarnation, runtime }: KitNode, shard: number): void {
    this.#shards.give(shard, name, incarnation);
    void runtime.shardTaken(shard);
  }

  async #move(shard: number, to: string): Promise<void> {
    const from = this.#shards.nodeOf(shard);
    if (from === to) return;
    if (from !== undefined) {
      await this.until(this.#node(from).runtime.drainShard(shard, DRAIN_MS_MAX), 2 * DRAIN_MS_MAX);
      this.#shards.drop(shard);
      this.#node(from).runtime.shardLost(shard);
    }
    this.#take(this.#node(to), shard);
    await settle();
  }
}
