// `make bench-cluster`: measures what goes between nodes, on a real nats-server, beside one NATS request a call, and what goes
// to a real Cassandra, beside what its library reaches alone; and what one message costs in a whole cluster. Every arm runs
// three times, in turn with the others, each time with a server and processes of its own; the median counts.
import { runBenchProgram } from './bench/program.ts';
import { clusterArms } from './bench-cluster/arms.ts';
import { liveArms } from './bench-cluster/live.ts';
import { timelineArm } from './bench-cluster/timeline.ts';

if (import.meta.main) {
  process.exitCode = await runBenchProgram(
    { name: 'bench-cluster', arms: [...clusterArms(), timelineArm(), ...liveArms()] },
    process.argv.slice(2),
  );
}
