// The driver against three nodes with a copy each: `node --test cluster/cassandra/testing/three-nodes.fixture.ts`. Not a part of
// `make test`: three servers want four cores and a minute to join.

import { conformanceSuites } from './suites.ts';

conformanceSuites('Cassandra with three nodes', 3);
