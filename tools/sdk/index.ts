// The client SDK. Owns: the connection, the local view, the queue of outgoing messages. Does not own: the application's
// screen, sign-in, or what a token is. Its behaviour is specified in docs/client/sdk-specification.md, requirement by
// requirement; the IndexedDB store has a door of its own (indexeddb.ts), so that the core stays small.
//
// 1. The core (core/) is pure: state machines whose inputs are results, frames and timers and whose outputs are effects.
// 2. Time, randomness and transport come in through ports.ts.
// 3. The local view is always a prefix of the user's timeline, or being rebuilt.

import type { StarlingClient, StarlingOptions } from './api.ts';
import { createClientIn } from './client.ts';
import { platformEnvironment } from './env.ts';

export type {
  ConnectionState,
  LocalChange,
  LocalSendState,
  LocalStore,
  OutgoingMessage,
  SendTarget,
  StarlingClient,
  StarlingEvents,
  StarlingOptions,
  StateChange,
} from './api.ts';
export { type FieldViolation, SdkError, type SdkErrorOptions, type SdkStatus } from './errors.ts';
export { memoryStore } from './memory.ts';

/** A client for one user on one device. Nothing happens before its first method is called. */
export function createClient(options: StarlingOptions): StarlingClient {
  return createClientIn(platformEnvironment(), options);
}
