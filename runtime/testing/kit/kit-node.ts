// One run of one node of a kit: a runtime that can be killed. Owns: that nothing of it goes on after that.

import {
  type ActorDefinition,
  type Clock,
  createRuntime,
  type LogEntry,
  type Runtime,
  type RuntimeOptions,
  StarlingError,
  type Transport,
} from '../../index.ts';
import type { SimNetwork } from '../sim-network.ts';
import { SimRandom } from '../sim-random.ts';
import type { KitShards } from './kit-shards.ts';
import type { KitStore } from './kit-store.ts';

export interface KitNodeParts {
  readonly name: string;
  /** Never used before. */
  readonly incarnation: string;
  readonly clock: Clock;
  readonly seed: number;
  readonly store: KitStore;
  readonly shards: KitShards;
  readonly network: SimNetwork;
  readonly definitions: readonly ActorDefinition[];
  readonly options: Pick<RuntimeOptions, 'limits' | 'interceptors'>;
  readonly onLog: (entry: LogEntry) => void;
}

export class KitNode {
  readonly name: string;
  readonly incarnation: string;
  readonly runtime: Runtime;
  readonly #killed = Promise.withResolvers<never>();
  #alive = true;

  constructor(parts: KitNodeParts) {
    const { name, incarnation, clock, shards, store, network } = parts;
    this.name = name;
    this.incarnation = incarnation;
    const alive = (): boolean => this.#alive;
    this.#killed.promise.catch(() => {});
    this.runtime = createRuntime({
      ...parts.options,
      node: name,
      store: store.of(alive),
      ownership: shards.ownershipOf(incarnation, alive),
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        after: (delayMs, task) => clock.after(delayMs, () => alive() && task()),
      },
      random: new SimRandom(parts.seed),
      shards: shards.count,
      peers: { transport: this.#transport(network), directory: shards },
      onLog: (entry) => alive() && parts.onLog(entry),
    });
    this.runtime.register(...parts.definitions);
  }

  /** The outcome of something that this node does; OUTCOME_UNKNOWN if it is killed meanwhile. */
  outcome<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#killed.promise]);
  }

  kill(): void {
    this.#alive = false;
    this.#killed.reject(new StarlingError('OUTCOME_UNKNOWN', `The node ${this.name} was killed.`));
  }

  #transport(network: SimNetwork): Transport {
    const inner = network.transportOf(this.name);
    return {
      request: (node, envelope, timeoutMs) => this.outcome(inner.request(node, envelope, timeoutMs)),
      serve: (handler) =>
        inner.serve(async (envelope) => {
          if (!this.#alive) throw new StarlingError('NOT_OWNER', `There is no node ${this.name}.`);
          return this.outcome(handler(envelope));
        }),
    };
  }
}
