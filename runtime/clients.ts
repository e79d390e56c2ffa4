// Typed clients of actors: what their methods do. How they get their methods from a contract is in actor-type.ts.

import type { DescService, Message } from '@bufbuild/protobuf';
import type { Activation } from './activation.ts';
import {
  type ActorClient,
  type ActorMethod,
  type ActorType,
  type CallOptions,
  type OneWayClient,
  type StartCall,
  toMessage,
} from './actor-type.ts';
import { type CallInit, type CallSink, NO_SINK, type Path } from './call.ts';
import type { AskClient, Continuation } from './turn.ts';

/** Who can start calls. */
export interface Caller {
  /** Starts a call; its sink hears the outcome exactly once. */
  startCall(init: CallInit): void;
  /** The deadline that `timeoutMs` from now means, at most `latest`; on the monotonic clock. */
  deadlineAfter(timeoutMs: number | undefined, latest?: number): number;
}

/** The turn on whose behalf a client calls. */
export interface FromTurn {
  readonly activation: Activation;
  readonly deadline: number;
  /** The turns that wait for what this one awaits: its own and those that wait for it. */
  readonly path: Path;
  readonly traceparent: string | undefined;
}

/** A client whose calls are promises. */
export function callClient<C extends DescService>(
  caller: Caller,
  type: ActorType<C>,
  key: string,
  from?: FromTurn,
): ActorClient<C> {
  const start = (method: ActorMethod, init: Message, options?: CallOptions): Promise<Message> =>
    new Promise((resolve, reject) => {
      const call: CallInit = {
        type,
        key,
        method,
        request: toMessage(method.input, init),
        deadline: caller.deadlineAfter(options?.timeoutMs, from?.deadline),
        sink: { resolve, reject },
        signal: options?.signal,
        path: from?.path,
        caller: from?.activation.address,
        metadata: options?.metadata,
        traceparent: from?.traceparent ?? options?.traceparent,
      };
      if (from === undefined) caller.startCall(call);
      else from.activation.output(() => caller.startCall(call), reject);
    });
  return type.bind(start as StartCall) as ActorClient<C>;
}

/** A client whose answers come as turns of the activation that asks. */
export function askClient<C extends DescService>(
  from: Omit<FromTurn, 'path'>,
  type: ActorType<C>,
  key: string,
  passing: boolean,
): AskClient<C> {
  const { activation, deadline, traceparent } = from;
  const { host } = activation;
  const start = (
    method: ActorMethod,
    init: Message,
    then: Continuation<Message>,
    options?: CallOptions,
  ): void => {
    const sink: CallSink = {
      resolve: (value) => activation.continueWith((turn) => then({ ok: true, value }, turn), traceparent),
      reject: (error) => activation.continueWith((turn) => then({ ok: false, error }, turn), traceparent),
    };
    const call: CallInit = {
      type,
      key,
      method,
      request: toMessage(method.input, init),
      deadline: host.deadlineAfter(
        options?.timeoutMs,
        options?.timeoutMs === undefined ? deadline : undefined,
      ),
      sink,
      signal: options?.signal,
      caller: activation.address,
      metadata: options?.metadata,
      traceparent,
    };
    if (passing) host.startCall(call);
    else activation.output(() => host.startCall(call));
  };
  return type.bind(start as StartCall) as AskClient<C>;
}

/** A client that waits for nothing. */
export function oneWayClient<C extends DescService>(
  from: Omit<FromTurn, 'path' | 'deadline'>,
  type: ActorType<C>,
  key: string,
): OneWayClient<C> {
  const { activation, traceparent } = from;
  const { host } = activation;
  const start = (method: ActorMethod, init: Message): void => {
    const request = toMessage(method.input, init);
    activation.output(() =>
      host.startCall({
        type,
        key,
        method,
        request,
        deadline: host.deadlineAfter(undefined),
        sink: NO_SINK,
        caller: activation.address,
        traceparent,
      }),
    );
  };
  return type.bind(start as StartCall) as OneWayClient<C>;
}
