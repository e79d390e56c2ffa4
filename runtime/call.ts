// One call under way: what the caller waits for and what the callee answers. Owns: that a call is answered exactly once,
// and that it ends by its deadline (invariant I13).

import type { Message } from '@bufbuild/protobuf';
import type { StarlingError } from './errors.ts';
import type { TellOrigin } from './tells.ts';

/** What became of a call, for those who take it as a value. */
export type CallOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: StarlingError };

/** Takes the one answer of a call. */
export interface CallSink {
  resolve(value: Message): void;
  reject(error: StarlingError): void;
}

export class Call {
  readonly method: string;
  readonly request: Message;
  /** On the monotonic clock, milliseconds. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  /** Set where the call hands over a tell. */
  readonly origin: TellOrigin | undefined;
  #sink: CallSink | undefined;

  constructor(
    method: string,
    request: Message,
    deadline: number,
    signal: AbortSignal | undefined,
    sink: CallSink,
    origin?: TellOrigin,
  ) {
    this.method = method;
    this.request = request;
    this.deadline = deadline;
    this.signal = signal;
    this.origin = origin;
    this.#sink = sink;
  }

  /** False once answered. */
  get pending(): boolean {
    return this.#sink !== undefined;
  }

  resolve(value: Message): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.resolve(value);
  }

  reject(error: StarlingError): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.reject(error);
  }
}

/** The sink of a one-way call: nobody waits. */
export const NO_SINK: CallSink = { resolve: () => {}, reject: () => {} };
