// The cluster of one history: nodes with an author's actors over one clock, network and storage. Owns: the calls of clients.
// Does not own: when faults happen (faults.ts), who should serve what (world/keeper.ts).

import type { DescService } from '@bufbuild/protobuf';
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
import { Keeper } from '../world/keeper.ts';
import { SimNet } from '../world/net.ts';
import { NO_HOLDS, type Site } from '../world/site.ts';
import { Trace } from '../world/trace.ts';
import { type AuthorNode, authorNode } from './node.ts';
import type { AuthorSwarm } from './swarm.ts';

/** A client without an answer gives up after this, milliseconds. */
const CLIENT_MS = 8_000;
const CLIENT = 'client';

type Methods = Readonly<Record<string, (request: unknown, options?: CallOptions) => Promise<unknown>>>;

export class AuthorCluster implements Site {
  readonly swarm: AuthorSwarm;
  readonly actors: readonly ActorDefinition[];
  readonly clock = new SimClock();
  readonly random: SimRandom;
  readonly trace: Trace;
  readonly net: SimNet;
  readonly ground: Ground;
  readonly nodes: readonly AuthorNode[];
  readonly keeper: Keeper;
  readonly dead: string[] = [];
  holds = NO_HOLDS;
  readonly #clients: SimRandom;

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
    this.nodes = Array.from({ length: swarm.nodes }, (_, i) => authorNode(this, `n${i + 1}`));
    this.keeper = new Keeper(this);
  }

  start(): void {
    for (const node of this.nodes) node.start();
    this.keeper.start();
  }

  get shards(): number {
    return this.swarm.shards;
  }

  get running(): AuthorNode[] {
    return this.nodes.filter((node) => node.up);
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
}
