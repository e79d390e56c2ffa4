// The cluster of one history: nodes with an author's actors over one clock, network and storage. Owns: who should serve
// what, as a careless operator would say it, and the calls of clients. Does not own: when faults happen (faults.ts).

import type { DescService } from '@bufbuild/protobuf';
import type { Want } from '../../../cluster/ownership/index.ts';
import {
  type ActorClient,
  type ActorDefinition,
  type ActorType,
  type CallOptions,
  StarlingError,
} from '../../../runtime/index.ts';
import { SimClock } from '../../../runtime/testing/sim-clock.ts';
import { SimRandom } from '../../../runtime/testing/sim-random.ts';
import { Ground } from '../world/ground.ts';
import { SimNet } from '../world/net.ts';
import { Trace } from '../world/trace.ts';
import { AuthorNode } from './node.ts';
import type { AuthorSwarm } from './swarm.ts';

const TICK_MS = 250;
/** Ticks between two shards that a node looks at without a reason. */
const SWEEP_TICKS = 8;
/** A node that is out of reach for so long is believed dead, milliseconds. */
const PATIENCE_MS = 1_500;
/** A client without an answer gives up after this, milliseconds. */
const CLIENT_MS = 8_000;
const CLIENT = 'client';

type Methods = Readonly<Record<string, (request: unknown, options?: CallOptions) => Promise<unknown>>>;

export class AuthorCluster {
  readonly swarm: AuthorSwarm;
  readonly actors: readonly ActorDefinition[];
  readonly clock = new SimClock();
  readonly random: SimRandom;
  readonly trace: Trace;
  readonly net: SimNet;
  readonly ground: Ground;
  readonly nodes: readonly AuthorNode[];
  /** How likely completions are held, and for how long. */
  holds = { chance: 0, msMax: 1 };
  readonly #clients: SimRandom;
  readonly #wishes: number[];
  #ticks = 0;
  readonly #condemned = new Set<string>();
  readonly #silentSince = new Map<AuthorNode, number>();

  constructor(swarm: AuthorSwarm, actors: readonly ActorDefinition[]) {
    this.swarm = swarm;
    this.actors = actors;
    this.random = new SimRandom(swarm.seed);
    this.#clients = this.random.fork();
    const { clock } = this;
    this.trace = new Trace(clock);
    const watch = { answered: () => {} };
    this.net = new SimNet({ clock, random: this.random.fork(), trace: this.trace, watch });
    this.ground = new Ground(clock, this.random.fork());
    this.nodes = Array.from({ length: swarm.nodes }, (_, i) => new AuthorNode(this, `n${i + 1}`));
    this.#wishes = Array.from({ length: swarm.shards }, (_, shard) => shard % swarm.nodes);
  }

  start(): void {
    for (const node of this.nodes) node.start();
    this.#scheduleTick();
  }

  /** Nodes that run and are not paused. */
  get running(): AuthorNode[] {
    return this.nodes.filter((node) => node.up);
  }

  /** Every shard is served by somebody. */
  get complete(): boolean {
    return this.#wishes.every((_, shard) => this.nodes.some((node) => node.serves(shard)));
  }

  /** Gives a shard to another node. */
  moveOne(): void {
    this.#wishes[this.random.below(this.#wishes.length)] = this.random.below(this.nodes.length);
  }

  /** Believes a run of a node dead, whatever it is. */
  condemn(incarnation: string): void {
    if (this.#condemned.has(incarnation)) return;
    this.#condemned.add(incarnation);
    this.trace.note('operator', `believes ${incarnation} dead`);
  }

  /** The node that should serve a shard: a hint for who looks for it. */
  wishOf(shard: number): AuthorNode | undefined {
    const wish = this.nodes[this.#wishes[shard] ?? 0];
    if (wish !== undefined && this.#fit(wish)) return wish;
    const fit = this.nodes.filter((node) => this.#fit(node));
    return fit[shard % Math.max(1, fit.length)];
  }

  /** A client of an actor: each call goes to a random node that runs. */
  client<C extends DescService>(type: ActorType<C>, key: string): ActorClient<C> {
    return type.bind((method, request, options) => {
      const call = (methods: Methods) => methods[method.localName]?.(request, options as CallOptions);
      return this.#call(`${type.kind}/${key}.${method.localName}`, (node) =>
        call(node.runtime.client(type, key) as unknown as Methods),
      );
    }) as ActorClient<C>;
  }

  #call(
    what: string,
    start: (node: NonNullable<AuthorNode['run']>) => Promise<unknown> | undefined,
  ): Promise<unknown> {
    const { running } = this;
    const node = running[this.#clients.below(Math.max(1, running.length))];
    const run = node?.run;
    return new Promise((resolve, reject) => {
      const over = (code: string, settle: () => void): void => {
        timer.cancel();
        this.trace.note(CLIENT, `${what}: ${code}`);
        settle();
      };
      const failed = (error: StarlingError): void => over(error.code, () => reject(error));
      const timer = this.clock.after(CLIENT_MS, () => failed(new StarlingError('DEADLINE_EXCEEDED', what)));
      if (node === undefined || run === undefined) {
        this.clock.after(1, () => failed(new StarlingError('NOT_OWNER', 'No node runs.')));
        return;
      }
      run.process.onKill(() => failed(new StarlingError('OUTCOME_UNKNOWN', 'The connection broke.')));
      const back = (settle: () => void): void =>
        run.process.leave(() => this.net.carry(node.name, CLIENT, settle, true));
      const arrived = (): void =>
        run.process.enter(() => {
          start(run)?.then(
            (value) => back(() => over('OK', () => resolve(value))),
            (error: StarlingError) => back(() => failed(error)),
          );
        });
      this.net.carry(CLIENT, node.name, arrived, true);
    });
  }

  #fit({ incarnation }: AuthorNode): boolean {
    return incarnation !== undefined && !this.#condemned.has(incarnation);
  }

  #scheduleTick(): void {
    this.clock.after(TICK_MS, () => {
      this.#tick();
      this.#scheduleTick();
    });
  }

  #tick(): void {
    for (const node of this.nodes) {
      for (const incarnation of node.dead) this.condemn(incarnation);
      if (node.up && !node.offStore) this.#silentSince.delete(node);
      else if (!this.#silentSince.has(node)) this.#silentSince.set(node, this.clock.monotonic());
      const since = this.#silentSince.get(node);
      const { incarnation } = node;
      const lost = since !== undefined && this.clock.monotonic() - since > PATIENCE_MS;
      if (incarnation !== undefined && lost) this.condemn(incarnation);
    }
    for (const node of this.running) {
      for (const incarnation of this.#condemned) node.ownership?.condemn(incarnation);
      node.ownership?.want((shard) => this.#wantOf(node, shard));
      // As membership does: one shard at a time is looked at, whose row may name this node although nobody said so.
      const shard = (this.#ticks / SWEEP_TICKS) % this.swarm.shards;
      if (Number.isInteger(shard) && !node.serves(shard)) node.ownership?.look(shard);
    }
    this.#ticks += 1;
  }

  #wantOf(node: AuthorNode, shard: number): Want {
    const wish = this.wishOf(shard);
    if (wish === node) return { kind: 'hold' };
    const to = wish?.incarnation;
    return to === undefined ? { kind: 'keep' } : { kind: 'give', to };
  }
}
