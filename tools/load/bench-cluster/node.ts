// A node of the measurements: a real runtime over the real transport. Which of the two serves the shards is fixed, so that
// only calls between nodes are measured; a claim costs nothing here, and an actor in memory writes nothing.

import { systemClock, systemRandom } from '../../../cluster/clock/index.ts';
import { openLmdbStore } from '../../../cluster/lmdb/index.ts';
import { connectNats, type Nats } from '../../../cluster/nats/index.ts';
import { createRuntime, type Ownership, type Runtime } from '../../../runtime/index.ts';
import { DEFINITIONS } from '../bench-runtime/actors.ts';

/** The node that serves every shard. */
export const ANSWERER = 'answerer';

/** Bytes of a request. */
export const REQUEST_BYTES = 200;

/** Where the bare client is answered. */
export const ECHO_SUBJECT = 'bench.echo';

export interface ClusterNode {
  readonly runtime: Runtime;
  readonly nats: Nats;
  close(): Promise<void>;
}

export async function openNode(url: string, node: string, directory: string): Promise<ClusterNode> {
  const clock = systemClock();
  const random = systemRandom();
  const process = `${node}-${random.bits64()}`;
  const nats = await connectNats({ servers: [url], cluster: 'bench', node, process, clock, random });
  const store = await openLmdbStore({ directory, clock });
  const nothing: Ownership = { claim: () => undefined, readFence: () => 'live' };
  const runtime = createRuntime({
    ...{ node, store, clock, random },
    ownership: node === ANSWERER ? store.ownership() : nothing,
    peers: { transport: nats.transport, directory: { nodeOf: () => ANSWERER } },
  });
  runtime.register(...DEFINITIONS);
  await runtime.start();
  await nats.listening();
  return {
    runtime,
    nats,
    close: async () => {
      await runtime.stop(1_000);
      await nats.close();
      await store.close();
    },
  };
}
