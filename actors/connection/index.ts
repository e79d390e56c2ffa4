// The actor of one device's stream. Owns the window of unacknowledged pushes, notifications, heartbeats, the end of a
// token and the replacing of an older stream. In memory: what a device has missed it pulls from the user's timeline.
//
// Invariants: W1 … W3 (window.ts); one stream per device, the latest.

import { type ActorDefinition, defineCustomActor } from '../../runtime/index.ts';
import type { ImLimits } from '../limits.ts';
import { ConnectionActor } from '../types.ts';
import { Connection } from './connection.ts';

export { clientLimits } from './client-limits.ts';
export { encodeFrame } from './frames.ts';

/** Defines the kind `connection`. */
export function connectionDefinition(limits: ImLimits): ActorDefinition {
  return defineCustomActor(ConnectionActor, { create: (self) => new Connection(self, limits) });
}
