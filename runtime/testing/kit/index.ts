// The test kit: actors under simulated time, in the process of the test. Published as `starling/testing`. Owns: a node or
// several over one simulated store, their crashes, takeovers and hand-offs, time. Does not own: random histories
// (`starling/sim`), and the ports' own suites (runtime/testing).
//
// Invariants: K1 … K3 (kit.ts).

export {
  type ActorKit,
  type KitClientOptions,
  type KitLogEntry,
  type KitOptions,
  testActors,
} from './kit.ts';
export type { WriteFate } from './kit-store.ts';
export { type ServiceCaller, serviceClient } from './service-client.ts';
