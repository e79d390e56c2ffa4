// `make bench-failover`: how long people who write all the time wait when a node is killed, gives its shards away, or is
// restarted in turn with the others. Real processes: three nodes, nats-server, Cassandra; 4,096 shards and the default lease.
// Every message that was acked is looked up at the end.

import { type LocalCluster, startLocalCluster } from '../dev/local-cluster/index.ts';
import { runBenchProgram } from './bench/program.ts';
import { type ClusterSource, failoverArms, WORKERS } from './bench-failover/arms.ts';

/** The default of a node. */
const SHARDS = 4_096;

async function main(argv: readonly string[]): Promise<number> {
  const running: Promise<LocalCluster>[] = [];
  const onStep = (line: string): void => console.log(`  ${line}`);
  const source = (nodes: number, workers: number): ClusterSource => {
    let started: Promise<LocalCluster> | undefined;
    return () => {
      if (started === undefined) {
        const before = Promise.all(running.splice(0).map(async (each) => (await each).close()));
        const options = { nodes, workers, cassandraNodes: 1, shards: SHARDS, onStep } as const;
        // One at a time: both would share the machine.
        started = before.then(() => startLocalCluster(options));
        running.push(started);
      }
      return started;
    };
  };
  try {
    const arms = failoverArms(source(3, 1), source(3, WORKERS));
    return await runBenchProgram({ name: 'bench-failover', arms }, argv);
  } finally {
    for (const cluster of await Promise.allSettled(running))
      if (cluster.status === 'fulfilled') await cluster.value.close();
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
