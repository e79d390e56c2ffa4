// What an activation needs of the runtime that runs it.

import type { Message } from '@bufbuild/protobuf';
import type { Activation } from './activation.ts';
import type { ActorMethod, ActorType } from './actor-type.ts';
import type { CallSink } from './call.ts';
import type { Caller } from './clients.ts';
import type { ActorDefinition } from './definition.ts';
import type { Due } from './due.ts';
import type { FanOutHow } from './fan-out.ts';
import type { FenceReader } from './fence.ts';
import type { GateWatch } from './gate.ts';
import type { Interceptor } from './interceptor.ts';
import type { RuntimeLimits } from './limits.ts';
import type { MailboxOptions } from './mailbox.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { FanOutResult } from './notes.ts';
import type { Clock } from './ports/clock.ts';
import type { Random } from './ports/random.ts';
import type { ActorAddress, Store } from './ports/store.ts';
import type { Telemetry } from './telemetry/index.ts';
import type { TellOrigin } from './tells.ts';
import type { Work } from './work.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Host extends Caller {
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly fence: FenceReader;
  readonly limits: RuntimeLimits;
  readonly metrics: RuntimeMetrics;
  readonly gateWatch: GateWatch;
  /** The same for every mailbox of the node. */
  readonly mailboxOptions: MailboxOptions<Work>;
  /** Absent = nothing is traced. */
  readonly telemetry: Telemetry | undefined;
  /** What the reminders of this node share. */
  readonly due: Due;
  /** The activation has turns to run. */
  ready(activation: Activation): void;
  /** The activation is gone. `failed`: it may have left work. */
  dropped(activation: Activation, failed: boolean): void;
  /** An activation of the actor ended in this epoch with a write of unknown outcome. */
  endedUnclean(actor: ActorAddress): boolean;
  noteUnclean(actor: ActorAddress): void;
  /** Hands a tell over to its receiver. */
  startTell(
    kind: string,
    key: string,
    method: string,
    decode: (type: ActorType) => Message,
    origin: TellOrigin,
    sink: CallSink,
    traceparent: string,
  ): void;
  exists(type: ActorType, key: string): Promise<boolean>;
  /** The reply of a method with nothing in it. */
  emptyReply(method: ActorMethod): Message;
  /** Those of the node, then those of the kind. */
  interceptorsOf(definition: ActorDefinition): readonly Interceptor[];
  fanOut(
    type: ActorType,
    method: ActorMethod,
    shared: Message,
    receivers: readonly { readonly key: string; readonly own: object }[],
    then: (result: FanOutResult) => void,
    how: FanOutHow,
  ): void;
  log(level: LogLevel, message: string, fields: Record<string, unknown>): void;
}
