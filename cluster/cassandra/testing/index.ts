// What the tests of the driver share. Owns: one real server and keyspace for a file, a share of it for each test.

export { type Forward, startForward } from './forward.ts';
export { conformanceSuites } from './suites.ts';
