// The driver against a real server: one for the whole file.

import { conformanceSuites } from './testing/index.ts';

conformanceSuites('Cassandra', 1);
