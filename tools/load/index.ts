// Load: what drives a running system from outside, and judges it. Owns: a lean gRPC-web client, the checker of histories,
// the crash run, the corpus and the import demo, the bench. Does not own: the system under load, of which it knows only the
// client API, the server API and the command line; behaviour of a real client (tools/sdk).
//
// Invariants:
// 1. Nothing is read but what a client, a back end or an operator is given.
// 2. Randomness follows from a seed that is printed, so that a run's schedule and contents can be had again.
// 3. A figure counts only when the work behind it was verified: counts, positions, no gaps.
//
// Programs: crash.ts (`make crash`), import-demo.ts (`make import-demo`), bench.ts (`make bench`).

export { check } from './checker.ts';
export { type Corpus, generateCorpus } from './corpus.ts';
export { type Report, VERDICTS } from './findings.ts';
export type { Histories } from './history.ts';
