// The driver against three nodes with a copy of everything each. Their servers start together; the suites share them.

import { conformanceSuites } from './testing/index.ts';

conformanceSuites('Cassandra with three nodes', 3);
