// Whether shards have found their places. Owns: asking until they have.

import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterService } from '../../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { createClient } from '../../cli/client.ts';

/** Longest wait, milliseconds. */
const restMsMax = 120_000;

const lookMs = 100;

/**
 * Resolves when every shard is served by the node that it is meant for, and `members` or more take part.
 * @throws Error that says what is not at rest
 */
export async function untilAtRest(address: string, token: string, members: number): Promise<void> {
  const client = createClient({ address, token: () => token });
  const untilMs = performance.now() + restMsMax;
  for (;;) {
    const state = await stateOf(() => client.call(ClusterService.method.getCluster, {}), members);
    if (state === 'at rest') return;
    if (performance.now() > untilMs)
      throw new Error(`the cluster did not come to rest within ${restMsMax / 1_000} s: ${state}`);
    await sleep(lookMs);
  }
}

interface Seen {
  readonly members: readonly {
    readonly node: string;
    readonly shardsServing: number;
    readonly shardsDesired: number;
  }[];
  readonly shardsUnserved: number;
  readonly shardsMoving: number;
}

async function stateOf(look: () => Promise<Seen>, wanted: number): Promise<string> {
  try {
    const { members, shardsUnserved, shardsMoving } = await look();
    const off = members.filter(({ shardsServing, shardsDesired }) => shardsServing !== shardsDesired).length;
    const atRest = members.length >= wanted && shardsUnserved === 0 && shardsMoving === 0 && off === 0;
    if (atRest) return 'at rest';
    const serving = members.map(
      ({ node, shardsServing, shardsDesired }) => `${node} serves ${shardsServing} of ${shardsDesired}`,
    );
    return `${members.length} of ${wanted} members, ${shardsUnserved} shards unserved, ${shardsMoving} moving; ${serving.join(', ')}`;
  } catch (error) {
    return (error as Error).message;
  }
}
