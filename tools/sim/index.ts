// The simulator: a whole cluster with the real runtime and actors in one process, everything from one seed. Owns: the
// world (time, network, board, processes), the faults, the workload, the checks of the invariants, replay and shrinking.
// Does not own: the rules that are checked, and the simulated replicas (runtime/testing/quorum).
//
// Invariants: P1, P2 (world/process.ts), N1, N2 (world/net.ts); I1 … I17 of the safety protocol are what it checks.

export { runSeed } from './run.ts';
export { FAULTS, type SwarmOptions, swarmOf } from './swarm.ts';
