// What the runners of the state machines share: the means, and who we are.

import type { Calls } from './calls.ts';
import type { Environment } from './ports.ts';
import type { Timers } from './timers.ts';
import type { Emit } from './writer.ts';

export interface Session {
  readonly env: Environment;
  readonly calls: Calls;
  readonly timers: Timers;
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal;
  readonly emit: Emit;
  /** From the token or the local store; Navigate has the last word. */
  userId: string;
  deviceId: string;
  readonly deviceName: string;
  /** Longest wait of a long poll that the server allows, milliseconds; 0 = not said. */
  pullWaitMsMax: number;
}
