// One request to many actors. Owns the collecting of answers: receivers that answer with an empty reply have taken it,
// the others are reported once all have answered.

import { type DescMessage, isFieldSet, type Message } from '@bufbuild/protobuf';
import type { ActorMethod, ActorType } from './actor-type.ts';
import { Call, type CallOutcome, type CallSink } from './call.ts';
import type { StarlingError } from './errors.ts';

/** What all parts of a fan-out have in common. */
export interface FanOutHow {
  /** Left beside receivers that have no activation, instead of a turn; undefined = they are opened. */
  readonly absentNote: string | undefined;
  /** W3C trace context of the turn that sends it. */
  readonly traceparent: string | undefined;
}

export interface FanOutPart {
  readonly key: string;
  readonly own: object;
}

export interface Refused {
  readonly key: string;
  readonly outcome: CallOutcome<Message>;
}

export interface LocalFanOut {
  readonly type: ActorType;
  readonly method: ActorMethod;
  readonly requests: readonly { readonly key: string; readonly request: Message }[];
  readonly deadline: number;
  readonly traceparent?: string | undefined;
  /** Hands a call to the activation of a key. */
  readonly deliver: (call: Call) => void;
  /** Called once, when every receiver has answered or its time is up. */
  readonly done: (refused: Refused[]) => void;
}

/**
 * Gives each receiver its call and collects the answers. Returns how to end it with an error for those who have not
 * answered; harmless once all have.
 */
export function fanOutLocally(options: LocalFanOut): (error: StarlingError) => void {
  const { type, method, requests, deadline, traceparent, deliver } = options;
  const refused: Refused[] = [];
  let open = requests.length;
  if (open === 0) {
    options.done(refused);
    return () => {};
  }
  const answered = (): void => {
    open--;
    if (open === 0) options.done(refused);
  };
  const calls: Call[] = [];
  for (const { key, request } of requests) {
    const sink: CallSink = {
      resolve: (value) => {
        if (!isEmpty(method.output, value)) refused.push({ key, outcome: { ok: true, value } });
        answered();
      },
      reject: (error) => {
        refused.push({ key, outcome: { ok: false, error } });
        answered();
      },
    };
    const call = new Call({ type, key, method, request, deadline, sink, traceparent });
    calls.push(call);
    deliver(call);
  }
  return (error) => {
    for (const call of calls) call.reject(error);
  };
}

function isEmpty(schema: DescMessage, value: Message): boolean {
  for (const field of schema.fields) {
    if (isFieldSet(value, field)) return false;
  }
  return true;
}
