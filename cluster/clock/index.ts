// Real time and real randomness. Owns: the only use of the machine's clocks, timers and entropy by a running node.
//
// Invariant: T1  A timer never fires before its delay has passed on the monotonic clock, and keeps no process alive.

export { systemClock } from './clock.ts';
export { systemRandom } from './random.ts';
