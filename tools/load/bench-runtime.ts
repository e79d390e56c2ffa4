// `make bench-runtime`: measures the actor runtime inside one process, beside a bare promise queue, the bare store and other
// actor libraries doing the same work. Every arm runs three times, in turn with the others, each time in a process of its
// own; the median counts. Rates of work in memory are per second of processor time, those of durable work by the clock.

import { runBenchProgram } from './bench/program.ts';
import { runtimeArms } from './bench-runtime/arms.ts';

if (import.meta.main) {
  process.exitCode = await runBenchProgram(
    { name: 'bench-runtime', arms: runtimeArms() },
    process.argv.slice(2),
  );
}
