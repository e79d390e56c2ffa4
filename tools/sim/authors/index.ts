// The simulator for actors of other repositories, published as `starling/sim`. Owns: what an author states (a workload and
// a check), which seeds run, and what is said of a failing one. Does not own: processes, network and storage of the
// simulated cluster, which are those of tools/sim, and the product's own workload.
//
// Invariants: A1, A2 (history.ts).

export type { HistoryContext, Simulated } from './history.ts';
export { SimulationFailure, type SimulationOptions, type SimulationReport, simulate } from './simulate.ts';
export { AUTHOR_FAULTS, type AuthorFault } from './swarm.ts';
