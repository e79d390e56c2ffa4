// From a path and a message to a handler and back. Owns: admission (bounds, draining, who calls), deadlines, decoding
// and encoding, and what becomes of anything thrown (E4). Does not own: how bytes came or go.

import { type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { StarlingError, toStarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type {
  Authenticator,
  CallContext,
  EncodedMessage,
  Principal,
  ServerStream,
} from '../../runtime/service.ts';
import type { Call, CallShared } from './call.ts';
import type { EdgeLimits } from './limits.ts';
import type { EdgeLogEntry, EdgeOptions } from './options.ts';
import type { Route, Router } from './router.ts';
import { WireError, type WireStatus } from './status.ts';
import { parseTimeout } from './timeout.ts';
import { TimerWheel, type WheelEntry } from './wheel.ts';

export interface DispatcherOptions {
  readonly router: Router;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly limits: EdgeLimits;
  readonly log: (entry: EdgeLogEntry) => void;
  /** Wire form of an error. */
  readonly describe: (error: StarlingError) => WireStatus;
  /** Begins the trace of a unary call; absent = nothing is traced. */
  readonly trace: EdgeOptions['trace'];
}

// Handlers as they are called here; `bindService` has checked their real types.
type AnyUnary = (request: Message, context: CallContext) => Answer | Promise<Answer>;
type AnyStream = (
  request: Message,
  stream: ServerStream,
  context: CallContext,
) => Promise<undefined> | undefined;
type Answer = Message | EncodedMessage;

export class Dispatcher implements CallShared {
  readonly limits: EdgeLimits;
  readonly clock: Clock;
  readonly streamBufferBytesMax: number;
  readonly lingerMsMax: number;
  readonly log: (entry: EdgeLogEntry) => void;
  readonly describe: (error: StarlingError) => WireStatus;
  readonly #router: Router;
  readonly #authenticator: Authenticator;
  readonly #wheel: TimerWheel;
  readonly #trace: EdgeOptions['trace'];
  readonly #open = new Set<Call>();
  #calls = 0;
  #streams = 0;
  #draining = false;
  #dirty: Call[] = [];
  #whenIdle: (() => void) | undefined = undefined;
  readonly #flushDirty = () => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const call of dirty) call.flush();
  };

  constructor(options: DispatcherOptions) {
    this.limits = options.limits;
    this.clock = options.clock;
    this.streamBufferBytesMax = options.limits.streamBufferBytesMax;
    this.lingerMsMax = options.limits.lingerMsMax;
    this.log = options.log;
    this.describe = options.describe;
    this.#router = options.router;
    this.#trace = options.trace;
    this.#authenticator = options.authenticator;
    this.#wheel = new TimerWheel(options.clock, options.limits.deadlineStepMs);
  }

  /** Server-streaming calls that are open. */
  get streams(): number {
    return this.#streams;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Admits a call once its headers are here, or fails it and returns undefined. */
  admit(call: Call, path: string): Route | undefined {
    try {
      const route = this.#admit(call, path);
      call.kind = route.kind;
      if (route.kind === 'stream') this.#streams++;
      else this.#calls++;
      this.#open.add(call);
      return route;
    } catch (thrown) {
      this.fail(call, path, thrown);
      return undefined;
    }
  }

  #admit(call: Call, path: string): Route {
    if (this.#draining) throw new StarlingError('SHUTTING_DOWN');
    const route = this.#router.find(path);
    if (route === undefined) throw new StarlingError('METHOD_NOT_FOUND', undefined, { metadata: { path } });
    const full =
      route.kind === 'stream' ? this.#streams >= this.limits.streamsMax : this.#calls >= this.limits.callsMax;
    if (full) throw new StarlingError('OVERLOADED');
    const timeoutMs = parseTimeout(call.header('grpc-timeout'));
    if (timeoutMs === 'invalid')
      throw new StarlingError('MALFORMED', 'The header grpc-timeout is not valid.');
    call.givenUpAfter(timeoutMs);
    if (route.allow === 'public') return route;
    const principal = this.#authenticator.authenticate(call.header('authorization'));
    if (principal instanceof Promise) {
      // A refusal may come before the body does, when nobody waits for it yet.
      principal.catch(() => undefined);
      call.authentication = principal;
    } else this.#allow(call, route, principal);
    return route;
  }

  #allow(call: Call, route: Route, principal: Principal): void {
    if (route.allow !== 'public' && !route.allow.includes(principal.scope)) {
      const metadata = { scope: principal.scope, path: route.path };
      throw new StarlingError('PERMISSION_DENIED', undefined, { metadata });
    }
    call.principal = principal;
  }

  /** Runs an admitted call once its message is here. */
  run(call: Call, route: Route, payload: Uint8Array): void {
    if (call.closed) return;
    const timeoutMs = this.#deadlineMs(call, route);
    if (timeoutMs !== undefined && timeoutMs <= 0) {
      this.fail(call, route.path, new StarlingError('DEADLINE_EXCEEDED'));
    } else if (call.authentication === undefined) this.#invoke(call, route, payload);
    else {
      if (timeoutMs !== undefined) call.expireAfter(timeoutMs);
      call.authentication.then(
        (principal) => {
          call.authentication = undefined;
          if (call.closed) return;
          try {
            this.#allow(call, route, principal);
          } catch (thrown) {
            this.fail(call, route.path, thrown);
            return;
          }
          this.#invoke(call, route, payload);
        },
        (thrown: unknown) => this.fail(call, route.path, thrown),
      );
    }
  }

  /** Milliseconds the call may take; undefined = as long as it likes. */
  #deadlineMs(call: Call, route: Route): number | undefined {
    if (route.kind === 'stream') return call.timeoutMs;
    return Math.min(call.timeoutMs ?? this.limits.unaryMsMax, this.limits.unaryMsMax);
  }

  #invoke(call: Call, route: Route, payload: Uint8Array): void {
    try {
      const request = decode(route.method.input, payload);
      const { handler } = route;
      if (this.#trace !== undefined && route.kind !== 'stream')
        call.trace = this.#trace(route.path, call.header('traceparent'));
      // Method syntax would bind `handlers` as `this`; handlers are plain functions.
      const result =
        route.kind === 'stream'
          ? (handler as unknown as AnyStream)(request, call, call)
          : (handler as unknown as AnyUnary)(request, call);
      if (route.kind === 'stream') call.startStream();
      if (!(result instanceof Promise)) {
        this.#answer(call, route, result);
        if (route.kind === 'stream') call.forgetRequest();
        // A stream goes on after its handler returned, until its deadline.
        const leftMs = call.timeoutMs;
        if (!call.closed && leftMs !== undefined) call.expireAfter(leftMs);
        return;
      }
      const deadlineMs = this.#deadlineMs(call, route);
      if (deadlineMs !== undefined && !call.closed) call.expireAfter(deadlineMs);
      result.then(
        (answer) => {
          this.#answer(call, route, answer);
          if (route.kind === 'stream') call.forgetRequest();
        },
        (thrown: unknown) => this.fail(call, route.path, thrown),
      );
    } catch (thrown) {
      this.fail(call, route.path, thrown);
    }
  }

  #answer(call: Call, route: Route, answer: Answer | undefined): void {
    if (answer === undefined || call.closed) return;
    try {
      call.trace?.end();
      call.reply(isEncoded(answer) ? answer.encoded : [toBinary(route.method.output, answer)]);
    } catch (thrown) {
      this.fail(call, route.path, thrown);
    }
  }

  /** Ends a call with whatever was thrown. */
  fail(call: Call, path: string, thrown: unknown): void {
    if (thrown instanceof WireError) {
      call.fail(thrown.status);
      return;
    }
    const error = toStarlingError(thrown);
    call.trace?.end(error.code);
    if (error.entry.status === 'INTERNAL') {
      this.log({ level: 'error', text: 'A call failed inside.', method: path, error: thrown });
    }
    call.fail(this.describe(error));
  }

  flushLater(call: Call): void {
    if (this.#dirty.length === 0) setImmediate(this.#flushDirty);
    this.#dirty.push(call);
  }

  schedule(delayMs: number, task: () => void): WheelEntry {
    return this.#wheel.schedule(delayMs, task);
  }

  finished(call: Call): void {
    if (!this.#open.delete(call)) return;
    if (call.kind === 'stream') this.#streams--;
    else this.#calls--;
    if (this.#open.size === 0) this.#whenIdle?.();
  }

  /** Refuses new calls from now on; resolves once none is left, or after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    if (this.#open.size > 0 && graceMs > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
        this.#wheel.schedule(graceMs, resolve);
      });
    }
    for (const call of [...this.#open]) call.end(new StarlingError('SHUTTING_DOWN'));
    this.#flushDirty();
  }
}

function isEncoded(answer: Answer): answer is EncodedMessage {
  return 'encoded' in answer && !('$typeName' in answer);
}

/**
 * Decodes a request. Unknown fields are kept but not looked at.
 * @throws StarlingError MALFORMED
 */
function decode(schema: DescMessage, payload: Uint8Array): Message {
  try {
    // A plain view: handlers must not get a Buffer, whose `slice` does not copy.
    return fromBinary(schema, new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength));
  } catch (cause) {
    throw new StarlingError('MALFORMED', `It is not a ${schema.typeName}.`, { cause });
  }
}
