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
  /** The actor that sends it. */
  readonly caller: { readonly kind: string; readonly key: string } | undefined;
}

export interface FanOutPart {
  readonly key: string;
  readonly own: object;
}

export interface Refused {
  readonly key: string;
  readonly outcome: CallOutcome<Message>;
}

/** Receivers of this node, and those of others by node. `nodeOf`: undefined = this one. */
export function byNode(receivers: readonly FanOutPart[], nodeOf: (key: string) => string | undefined) {
  const here: FanOutPart[] = [];
  const elsewhere = new Map<string, FanOutPart[]>();
  for (const receiver of receivers) {
    const node = nodeOf(receiver.key);
    const parts = node === undefined ? here : elsewhere.get(node);
    if (parts !== undefined) parts.push(receiver);
    else if (node !== undefined) elsewhere.set(node, [receiver]);
  }
  return { here, elsewhere };
}

export interface LocalFanOut {
  readonly type: ActorType;
  readonly method: ActorMethod;
  readonly requests: readonly { readonly key: string; readonly request: Message }[];
  readonly deadline: number;
  readonly traceparent?: string | undefined;
  readonly caller?: FanOutHow['caller'];
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
  const { type, method, requests, deadline, traceparent, caller, deliver } = options;
  if (requests.length === 0) {
    options.done([]);
    return () => {};
  }
  const collected = new Collected(requests.length, method.output, options.done);
  const calls: Call[] = [];
  for (const { key, request } of requests) {
    const sink = new Receiver(collected, key);
    const call = new Call({ type, key, method, request, deadline, sink, traceparent, caller });
    calls.push(call);
    deliver(call);
  }
  return (error) => {
    for (const call of calls) call.reject(error);
  };
}

/** The answers of one fan-out. */
class Collected {
  readonly #output: DescMessage;
  readonly #done: (refused: Refused[]) => void;
  readonly #refused: Refused[] = [];
  #open: number;

  constructor(open: number, output: DescMessage, done: (refused: Refused[]) => void) {
    this.#open = open;
    this.#output = output;
    this.#done = done;
  }

  answered(key: string, value: Message): void {
    if (!isEmpty(this.#output, value)) this.#refused.push({ key, outcome: { ok: true, value } });
    this.#one();
  }

  failed(key: string, error: StarlingError): void {
    this.#refused.push({ key, outcome: { ok: false, error } });
    this.#one();
  }

  #one(): void {
    this.#open--;
    if (this.#open === 0) this.#done(this.#refused);
  }
}

/** Where one receiver's answer goes: one object each, since there are many. */
class Receiver implements CallSink {
  readonly #collected: Collected;
  readonly #key: string;

  constructor(collected: Collected, key: string) {
    this.#collected = collected;
    this.#key = key;
  }

  resolve(value: Message): void {
    this.#collected.answered(this.#key, value);
  }

  reject(error: StarlingError): void {
    this.#collected.failed(this.#key, error);
  }
}

function isEmpty(schema: DescMessage, value: Message): boolean {
  for (const field of schema.fields) {
    if (isFieldSet(value, field)) return false;
  }
  return true;
}
