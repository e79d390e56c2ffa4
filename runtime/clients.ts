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
import { type Call, type CallInit, type CallOutcome, type CallSink, NO_SINK, type Path } from './call.ts';
import type { AskClient, Continuation } from './turn.ts';

/** Who can start calls. */
export interface Caller {
  /** Starts a call; its sink hears the outcome exactly once. */
  startCall(init: CallInit): void;
  /** The same for a call that has to wait at its sender's gate: it ends by its deadline even there. */
  holdCall(init: CallInit): Call;
  /** Lets a held call go. */
  releaseCall(call: Call): void;
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
      else gated(caller, from.activation, call);
    });
  return type.bind(start as StartCall) as ActorClient<C>;
}

/** Lets a call leave through the gate of the activation that makes it. */
function gated(caller: Caller, activation: Activation, init: CallInit): void {
  if (!activation.gated) {
    caller.startCall(init);
    return;
  }
  const call = caller.holdCall(init);
  activation.output(
    () => caller.releaseCall(call),
    (error) => call.reject(error),
  );
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
    const goOn = (outcome: CallOutcome<Message>): void => {
      activation.expected();
      activation.continueWith((turn) => then(outcome, turn), traceparent);
    };
    const sink: CallSink = {
      resolve: (value) => goOn({ ok: true, value }),
      reject: (error) => goOn({ ok: false, error }),
    };
    activation.expect();
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
    else gated(host, activation, call);
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
