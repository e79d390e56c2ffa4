// `make bench`: measures a node from outside, beside what bounds it on this machine. Every arm runs three times, in turn
// with the others, each time against a fresh server in a process of its own; the median counts.

import type { Arm } from './bench/arm.ts';
import { edgeGrpcArm, edgeHttp1Arm } from './bench/edge.ts';
import { fanoutClosedArm, fanoutPacedArm } from './bench/fanout.ts';
import { idleArm } from './bench/idle.ts';
import { lmdbArm, pushArm } from './bench/limits.ts';
import { runBenchProgram } from './bench/program.ts';
import { sendArm } from './bench/send.ts';
import { startArm } from './bench/start.ts';
import { syncArm } from './bench/sync.ts';

/** What a node is measured by, each beside what bounds it. */
export function nodeArms(): Arm[] {
  return [
    startArm(),
    lmdbArm(),
    sendArm(50, true),
    sendArm(400, false),
    edgeHttp1Arm(),
    edgeGrpcArm(),
    pushArm('tcp'),
    pushArm('http1'),
    fanoutPacedArm(),
    fanoutClosedArm(),
    idleArm(),
    syncArm(),
  ];
}

if (import.meta.main) {
  process.exitCode = await runBenchProgram({ name: 'bench', arms: nodeArms() }, process.argv.slice(2));
}
