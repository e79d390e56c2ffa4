// The actor runtime, as authors of actors and programs use it.
//
// Owns: activations, turns, the gate, timelines, state and tables of one node. Does not own: where data lies (ports/store),
// which shards are served (ports/ownership), wires, and everything about instant messaging.

export {
  type ActorClient,
  type ActorMethod,
  type ActorType,
  actorType,
  type CallOptions,
  type OneWayClient,
} from './actor-type.ts';
export type { CallMetadata, CallOutcome } from './call.ts';
export type {
  ActorDefinition,
  Answer,
  DeepReadonly,
  Durable,
  Effects,
  Handlers,
  Lifecycle,
  RecordCodec,
  Self,
} from './definition.ts';
export { defineActor, defineCustomActor, defineMemoryActor, messageCodec } from './definition.ts';
export type { ErrorCode, ErrorEntry, FieldViolation, Outcome, StatusName } from './errors.ts';
export { ERRORS, invalidRequest, invariant, StarlingError, toStarlingError } from './errors.ts';
export type { LogLevel } from './host.ts';
export type { ActorView } from './inspect.ts';
export type { Interceptor, Invocation } from './interceptor.ts';
export { DEFAULT_LIMITS, type RuntimeLimits } from './limits.ts';
export {
  type EndCause,
  Histogram,
  type MailboxDepth,
  RuntimeMetrics,
  type TurnMetrics,
} from './metrics.ts';
export type { ActorPlace, LogEntry, RuntimeOptions, RuntimeStats } from './options.ts';
export { DEFAULT_SHARDS, PLACEMENT_VERSION, shardOf } from './placement.ts';
export type { Clock, Timer } from './ports/clock.ts';
export type { Memory, MemoryUse } from './ports/memory.ts';
export type { Ownership, ShardClaim } from './ports/ownership.ts';
export type { Random } from './ports/random.ts';
export type { ShardHost } from './ports/shard-host.ts';
export type { ShardOwner, ShardTable, SwapResult } from './ports/shard-table.ts';
export type * from './ports/store.ts';
export type { Directory, Transport, TransportLane } from './ports/transport.ts';
export type { OpenOptions } from './relay.ts';
export {
  type CatchUp,
  cancelReminder,
  type ReminderCancel,
  type ReminderInfo,
  type ReminderSet,
  type ReminderSetOrCancel,
  type RemindOptions,
  remind,
} from './reminders.ts';
export type { Peers } from './router.ts';
export { createRuntime, type Runtime } from './runtime.ts';
export type {
  Authenticator,
  CallContext,
  EncodedMessage,
  Principal,
  Scope,
  ServerStream,
  ServiceBinding,
  ServiceHandlers,
  StreamHandler,
  UnaryHandler,
} from './service.ts';
export { bindService } from './service.ts';
export {
  formatTraceparent,
  isSampled,
  type OpenSpan,
  openTelemetry,
  parseTraceparent,
  type SpanStart,
  type Telemetry,
} from './telemetry/index.ts';
export { type Tell, tell } from './tells.ts';
export type {
  AskClient,
  Continuation,
  FanOutOptions,
  FanOutReceiver,
  FanOutRefusal,
  ReadTurn,
  Turn,
} from './turn.ts';
export { Later } from './turn.ts';
