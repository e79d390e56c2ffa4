import { SimRandom } from '../sim-random.ts';
import { type OpenedStore, storeConformance } from '../store-conformance.ts';
import { QuorumCluster, type QuorumFaults, REPLICA_IDS } from './index.ts';
import { RunningClock } from './running-clock.ts';

async function open(seed: number, faults?: Partial<QuorumFaults>): Promise<OpenedStore> {
  const clock = new RunningClock();
  const cluster = new QuorumCluster({ clock, random: new SimRandom(seed), ...(faults && { faults }) });
  let run = 0;
  let client = cluster.client('n0');
  return {
    store: client.store,
    reopen: async () => {
      client.kill();
      cluster.powerCut();
      for (const id of REPLICA_IDS) cluster.restartReplica(id);
      run += 1;
      client = cluster.client(`n${run}`);
      return client.store;
    },
    // How many syncs take up what is handed over together is known only where all requests travel equally fast.
    ...(faults === undefined && { groups: () => cluster.stats().syncs }),
    dispose: () => client.store.close(),
  };
}

storeConformance('the simulated cluster', () => open(1));
storeConformance('the simulated cluster with answers that often take the slow way', () =>
  open(2, { latencyMsMin: 0.1, latencyMsMax: 20, syncMsMax: 5, speculateMs: 5, digestRead: 0.9 }),
);
