// Two nodes over one store, joined by a simulated network.

import { type ActorDefinition, createRuntime, type Runtime } from '../index.ts';
import { shardOf } from '../placement.ts';
import type { ScriptType } from './script-actor.ts';
import { SimClock } from './sim-clock.ts';
import { SimNetwork } from './sim-network.ts';
import { SimOwnership } from './sim-ownership.ts';
import { SimRandom } from './sim-random.ts';
import { SimStore } from './sim-store.ts';

const SHARDS = 4;

/** Two nodes, `n0` and `n1`; the first serves even shards, the second odd ones. */
export function twoNodes(definitions: readonly ActorDefinition[]) {
  const clock = new SimClock();
  const store = new SimStore({ type: 'immediate' });
  const network = new SimNetwork(['n0', 'n1']);
  const owners: [SimOwnership, SimOwnership] = [new SimOwnership(), new SimOwnership()];
  const make = (i: 0 | 1): Runtime => {
    const node = `n${i}`;
    const ownership = owners[i];
    for (let shard = 0; shard < SHARDS; shard++) if (shard % 2 !== i) ownership.lose(shard);
    const runtime = createRuntime({
      node,
      store,
      ownership,
      clock,
      random: new SimRandom(i + 1),
      shards: SHARDS,
      peers: { transport: network.transportOf(node), directory: network },
    });
    runtime.register(...definitions);
    return runtime;
  };
  const nodes: [Runtime, Runtime] = [make(0), make(1)];
  return { clock, store, network, owners, nodes };
}

/** A key of a type that is placed on node `node` of two. */
export function keyOn(type: ScriptType, node: 0 | 1): string {
  for (let i = 0; ; i++) if (shardOf(type.placementKey(`k${i}`), SHARDS) % 2 === node) return `k${i}`;
}
