// One call under way: what the caller waits for and what the callee answers. Owns: that a call is answered exactly once,
// that who watches it hears so, and the path of the turns that wait for it.

import type { Message } from '@bufbuild/protobuf';
import type { ActorMethod, ActorType } from './actor-type.ts';
import { StarlingError } from './errors.ts';
import type { Origin } from './origin.ts';
import type { OpenSpan } from './telemetry/index.ts';

/** What became of a call, for those who take it as a value. */
export type CallOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: StarlingError };

/** Takes the one answer of a call. */
export interface CallSink {
  resolve(value: Message): void;
  /** `begun`: its turn had begun; false = surely nothing was done. */
  reject(error: StarlingError, begun: boolean): void;
}

/** Hears when a call is answered. */
export interface CallWatcher {
  done(call: Call): void;
  /** True: the call is tried again, so this is not its answer. */
  again(call: Call, error: StarlingError): boolean;
}

/** The turns that wait for a call, the innermost first. */
export interface Path {
  readonly kind: string;
  readonly key: string;
  readonly up: Path | undefined;
}

/** Facts about a call for interceptors; not for its handler. */
export type CallMetadata = Readonly<Record<string, string>>;

export interface CallInit {
  readonly type: ActorType;
  readonly key: string;
  readonly method: ActorMethod;
  readonly request: Message;
  /** On the monotonic clock, milliseconds. */
  readonly deadline: number;
  readonly sink: CallSink;
  readonly signal?: AbortSignal | undefined;
  /** Set where the call hands over a tell, or is a reminder. */
  readonly origin?: Origin | undefined;
  /** The turns that wait for it. */
  readonly path?: Path | undefined;
  /** `kind/key` of the actor that calls; absent = from outside of actors. */
  readonly caller?: { readonly kind: string; readonly key: string } | undefined;
  readonly metadata?: CallMetadata | undefined;
  /** W3C trace context of the caller. */
  readonly traceparent?: string | undefined;
  /** Another node has handed it over. Default false. */
  readonly guest?: boolean;
}

/** A call, which is also what waits in a mailbox for its turn. */
export class Call {
  readonly kind = 'call';
  /** It has no room beyond the bounds of a mailbox. */
  readonly reserved = false;
  /** What the mailbox notes while it waits. */
  bytes: number | undefined = undefined;
  since: number | undefined = undefined;
  readonly type: ActorType;
  readonly key: string;
  readonly method: ActorMethod;
  readonly request: Message;
  /** On the monotonic clock, milliseconds. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly origin: Origin | undefined;
  readonly path: Path | undefined;
  readonly caller: { readonly kind: string; readonly key: string } | undefined;
  readonly metadata: CallMetadata | undefined;
  readonly traceparent: string | undefined;
  readonly guest: boolean;
  /** What is traced of it; ends with its answer. */
  span: OpenSpan | undefined = undefined;
  /** Its turn has begun: a refusal no longer means that nothing was done. */
  begun = false;
  /** A try of it that changes something has ended with an unknown outcome. */
  perhapsDone = false;
  /** It waits at its sender's gate: watched already, but nobody may be asked yet. */
  held = false;
  /** Times it was tried again. */
  retries = 0;
  watcher: CallWatcher | undefined = undefined;
  /** Listens to `signal`. */
  abort: (() => void) | undefined = undefined;
  /** Where the answer goes; undefined once it has gone. */
  sink: CallSink | undefined;

  constructor(init: CallInit) {
    this.type = init.type;
    this.key = init.key;
    this.method = init.method;
    this.request = init.request;
    this.deadline = init.deadline;
    this.signal = init.signal;
    this.origin = init.origin;
    this.path = init.path;
    this.caller = init.caller;
    this.metadata = init.metadata;
    this.traceparent = init.traceparent;
    this.guest = init.guest === true;
    this.sink = init.sink;
  }

  /** Itself, as work for a turn. */
  get call(): Call {
    return this;
  }

  /** False once answered. */
  get pending(): boolean {
    return this.sink !== undefined;
  }

  resolve(value: Message): void {
    const sink = this.sink;
    if (sink === undefined) return;
    this.sink = undefined;
    this.watcher?.done(this);
    this.span?.end();
    sink.resolve(value);
  }

  reject(error: StarlingError): void {
    const sink = this.sink;
    if (sink === undefined) return;
    this.span?.end(error.code);
    if (this.watcher?.again(this, error) === true) return;
    this.sink = undefined;
    this.watcher?.done(this);
    // That the last try was refused says nothing of those before.
    if (this.perhapsDone && !this.begun && error.entry.outcome === 'not_done')
      sink.reject(new StarlingError('OUTCOME_UNKNOWN', undefined, { cause: error }), true);
    else sink.reject(error, this.begun);
  }
}

/** The names along a path down to `last`, for the person who reads the error. */
export function pathNames(path: Path, last: { readonly kind: string; readonly key: string }): string {
  const names = [`${last.kind}/${last.key}`];
  for (let hop: Path | undefined = path; hop !== undefined; hop = hop.up)
    names.unshift(`${hop.kind}/${hop.key}`);
  return names.join(' -> ');
}

/** `kind/key` of every turn that waits, the first caller first. */
export function namesOf(path: Path | undefined): string[] {
  const names: string[] = [];
  for (let hop = path; hop !== undefined; hop = hop.up) names.unshift(`${hop.kind}/${hop.key}`);
  return names;
}

/** The path of such names; undefined for none. */
export function pathOf(names: readonly string[]): Path | undefined {
  let path: Path | undefined;
  for (const name of names) path = { ...actorNamed(name), up: path };
  return path;
}

/** The actor of a name `kind/key`. */
export function actorNamed(name: string): { readonly kind: string; readonly key: string } {
  const at = name.indexOf('/');
  return { kind: name.slice(0, at), key: name.slice(at + 1) };
}

/** Whether an actor's turn waits for this call. */
export function onPath(path: Path, actor: { readonly kind: string; readonly key: string }): boolean {
  for (let hop: Path | undefined = path; hop !== undefined; hop = hop.up) {
    if (hop.key === actor.key && hop.kind === actor.kind) return true;
  }
  return false;
}

/** The sink of a one-way call: nobody waits. */
export const NO_SINK: CallSink = { resolve: () => {}, reject: () => {} };
