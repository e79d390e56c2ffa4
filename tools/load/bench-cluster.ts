// `make bench-cluster`: measures what goes between nodes, on a real nats-server, beside one NATS request a call. Every arm
// runs three times, in turn with the others, each time with a server and two processes of its own; the median counts.

import { runBenchProgram } from './bench/program.ts';
import { clusterArms } from './bench-cluster/arms.ts';

if (import.meta.main) {
  process.exitCode = await runBenchProgram(
    { name: 'bench-cluster', arms: clusterArms() },
    process.argv.slice(2),
  );
}
