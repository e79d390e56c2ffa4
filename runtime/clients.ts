// Typed clients of actors: what their methods do. How they get their methods from a contract is in definition.ts.

import type { DescMethodUnary, DescService, Message } from '@bufbuild/protobuf';
import type { Activation } from './activation.ts';
import { type CallSink, NO_SINK } from './call.ts';
import {
  type ActorClient,
  type ActorType,
  type CallOptions,
  type OneWayClient,
  type StartCall,
  toMessage,
} from './definition.ts';
import type { AskClient, Continuation } from './turn.ts';

/** Who can start calls. */
export interface Caller {
  /** Starts a call; `sink` hears the outcome exactly once. `deadline` on the monotonic clock. */
  startCall(
    type: ActorType,
    key: string,
    method: string,
    request: Message,
    deadline: number,
    signal: AbortSignal | undefined,
    sink: CallSink,
  ): void;
  /** The deadline that `timeoutMs` from now means, at most `latest`. */
  deadlineAfter(timeoutMs: number | undefined, latest?: number): number;
}

/** A client whose calls are promises. */
export function callClient<C extends DescService>(
  caller: Caller,
  type: ActorType<C>,
  key: string,
  bounds: { readonly deadline?: number; readonly from?: Activation } = {},
): ActorClient<C> {
  const start = (method: DescMethodUnary, init: Message, options?: CallOptions): Promise<Message> =>
    new Promise((resolve, reject) => {
      const deadline = caller.deadlineAfter(options?.timeoutMs, bounds.deadline);
      const request = toMessage(method.input, init);
      const go = (): void => {
        caller.startCall(type, key, method.localName, request, deadline, options?.signal, {
          resolve,
          reject,
        });
      };
      if (bounds.from === undefined) go();
      else bounds.from.output(go, reject);
    });
  return type.bind(start as StartCall) as ActorClient<C>;
}

/** A client whose answers come as turns of the activation that asks. */
export function askClient<C extends DescService>(
  activation: Activation,
  type: ActorType<C>,
  key: string,
  latest: number,
  passing: boolean,
): AskClient<C> {
  const start = (
    method: DescMethodUnary,
    init: Message,
    then: Continuation<Message>,
    options?: CallOptions,
  ): void => {
    const { host } = activation;
    const deadline = host.deadlineAfter(
      options?.timeoutMs,
      options?.timeoutMs === undefined ? latest : undefined,
    );
    const request = toMessage(method.input, init);
    const sink: CallSink = {
      resolve: (value) => activation.continueWith((turn) => then({ ok: true, value }, turn)),
      reject: (error) => activation.continueWith((turn) => then({ ok: false, error }, turn)),
    };
    const go = (): void =>
      host.startCall(type, key, method.localName, request, deadline, options?.signal, sink);
    if (passing) go();
    else activation.output(go);
  };
  return type.bind(start as StartCall) as AskClient<C>;
}

/** A client that waits for nothing. */
export function oneWayClient<C extends DescService>(
  activation: Activation,
  type: ActorType<C>,
  key: string,
): OneWayClient<C> {
  const start = (method: DescMethodUnary, init: Message): void => {
    const { host } = activation;
    const request = toMessage(method.input, init);
    activation.output(() =>
      host.startCall(type, key, method.localName, request, host.deadlineAfter(undefined), undefined, NO_SINK),
    );
  };
  return type.bind(start as StartCall) as OneWayClient<C>;
}
