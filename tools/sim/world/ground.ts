// The ground that the nodes stand on: three simulated replicas. Owns: a client for each run of a node, and one for the
// checks, which reads when everything is healed.

import type { ShardTable, Store } from '../../../runtime/index.ts';
import type { SimClock, SimRandom } from '../../../runtime/testing/index.ts';
import { QuorumCluster } from '../../../runtime/testing/quorum/index.ts';
import type { SimProcess } from './process.ts';

export interface GroundClient {
  readonly store: Store;
  readonly table: ShardTable;
}

export class Ground {
  readonly cluster: QuorumCluster;
  readonly auditor: Store;

  constructor(clock: SimClock, random: SimRandom) {
    this.cluster = new QuorumCluster({ clock, random: random.fork() });
    this.auditor = this.cluster.client('auditor').store;
  }

  /** What one run of a node uses; `place` names its end of the links. */
  clientOf(place: string, process: SimProcess): GroundClient {
    const client = this.cluster.client(place, { deliver: (reaction) => process.enter(reaction) });
    process.onKill(() => client.kill());
    return { store: client.store, table: client.shards };
  }

  /** What happened in it, by the names of the table. */
  counts(): Readonly<Record<string, number>> {
    const stats = this.cluster.stats();
    return {
      'late write landed': stats.lateWrites,
      'hint replayed': stats.hintsReplayed,
      'partial batch': stats.partialBatches,
      'unknown write': stats.unknownWrites,
      'read repair': stats.readRepairs,
      'digest mismatch': stats.digestMismatches,
      'proposal completed by a stranger': stats.completedByStranger,
      'unsynced write lost': stats.unsyncedLost,
    };
  }
}
