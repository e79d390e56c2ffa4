// The turns of one activation: what waits for one, which one runs, and what becomes of its result.
//
// A1  One turn at a time. A handler that returns a promise holds the mailbox until it settles, unless its method has
//     NO_SIDE_EFFECTS: then it interleaves.
// A3  Expected failures (StarlingError) are answers. Anything else that a handler throws ends the activation: its state
//     may be half changed, the next one rebuilds it from the store.
// A5  A call that would wait for a turn which waits for it is refused at once, and says along which path.

import type { Message } from '@bufbuild/protobuf';
import type { Activation } from './activation.ts';
import { toMessage } from './actor-type.ts';
import { type Call, NO_SINK, onPath, pathNames } from './call.ts';
import { StarlingError } from './errors.ts';
import { outcomeUnknown } from './gate.ts';
import { intercept } from './interceptor.ts';
import { type Full, Mailbox } from './mailbox.ts';
import { isSampled } from './telemetry/index.ts';
import { Later } from './turn.ts';
import { TurnContext } from './turn-context.ts';
import { methodOfWork, NO_DEADLINE, refuse, type TaskWork, type Work } from './work.ts';

/** An actor may wait longer for others than it may keep the thread. */
const HELD_FACTOR = 10;

export class Turns {
  readonly #activation: Activation;
  readonly #mailbox: Mailbox<Work>;
  /** A turn holds the mailbox. */
  #busy = false;
  /** Turns with NO_SIDE_EFFECTS that have not ended. */
  #interleaved = 0;

  constructor(activation: Activation) {
    this.#activation = activation;
    this.#mailbox = new Mailbox(activation.host.mailboxOptions);
  }

  /** A turn holds the mailbox: nothing else begins. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Nothing runs and nothing waits. */
  get idle(): boolean {
    return !this.#busy && this.#interleaved === 0 && this.#mailbox.size === 0;
  }

  /** Work that waits for a turn. */
  get waiting(): number {
    return this.#mailbox.size;
  }

  /** When the oldest of it began to wait, on the monotonic clock; undefined where nothing has to wait. */
  get oldestSince(): number | undefined {
    return this.#mailbox.oldestSince;
  }

  /** Why a call may not wait here; undefined = it may. */
  refusal(call: Call): StarlingError | undefined {
    const { address, host } = this.#activation;
    if (call.path !== undefined && onPath(call.path, address))
      return new StarlingError('CALL_CYCLE', `${pathNames(call.path, address)}.`);
    if (this.#interleaved >= host.limits.mailboxTurnsMax) return this.#overloaded('turns');
    return undefined;
  }

  /** Undefined: it waits for its turn. Else why not. */
  push(work: Work): StarlingError | undefined {
    const full = this.#mailbox.push(work, this.#busy || this.#mailbox.size > 0 || isTraced(work));
    return full === undefined ? undefined : this.#overloaded(full);
  }

  #overloaded(full: Full): StarlingError {
    const { kind, key } = this.#activation.address;
    return new StarlingError('OVERLOADED', `${kind}/${key}: its mailbox is full (${full}).`, {
      metadata: { actor: `${kind}/${key}`, bound: full },
    });
  }

  /** It is the next turn, whatever waits. */
  pushFirst(work: TaskWork): void {
    this.#mailbox.pushFirst(work);
  }

  /** What waits, for those who have to refuse it. */
  drain(): Work[] {
    return this.#mailbox.drain();
  }

  /** Runs the turns that wait, until one holds the mailbox. `now`: on the monotonic clock. */
  run(now: number): void {
    let begun = now;
    while (this.#activation.active && !this.#busy) {
      const work = this.#mailbox.shift();
      if (work === undefined) return;
      begun = this.#turn(work, begun);
    }
  }

  /** Runs one turn and returns when it ended or began to wait. */
  #turn(work: Work, now: number): number {
    if (work.kind === 'call' && !work.call.pending) return now;
    if (work.deadline <= now) {
      refuse(work, new StarlingError('DEADLINE_EXCEEDED', 'It waited too long and was not run.'));
      return now;
    }
    const activation = this.#activation;
    const call = work.kind === 'call' ? work.call : undefined;
    const readOnly = call?.method.readOnly === true;
    if (call?.origin !== undefined && activation.hasTaken(call.origin)) {
      activation.replyEmpty(call);
      return now;
    }
    if (call !== undefined) call.begun = true;
    const deadline = work.deadline === NO_DEADLINE ? activation.host.deadlineAfter(undefined) : work.deadline;
    const traceparent = call === undefined ? taskContext(work) : this.#trace(call, work, now);
    const turn = new TurnContext(activation, deadline, call, readOnly, traceparent);
    const metrics = activation.host.metrics.turn(activation.address.kind, methodOfWork(work));
    try {
      const result = this.#invoke(work, turn);
      if (result instanceof Promise) this.#await(work, turn, result, readOnly);
      else this.#finish(work, turn, result);
    } catch (error) {
      metrics.failed++;
      this.#failed(work, turn, error);
    }
    const ended = activation.host.clock.monotonic();
    metrics.duration.record(ended - now);
    this.#slow(work, ended - now, 'kept the thread');
    return ended;
  }

  /** Begins the span of a call, where its caller is traced; returns the context of what it calls. */
  #trace(call: Call, work: Work, now: number): string | undefined {
    const { telemetry } = this.#activation.host;
    if (telemetry === undefined || call.traceparent === undefined) return call.traceparent;
    const { kind } = this.#activation.address;
    call.span = telemetry.start({
      name: `${kind}.${call.method.localName}`,
      role: call.guest ? 'server' : 'internal',
      parent: call.traceparent,
      attributes: {
        'starling.kind': kind,
        'starling.queue_ms': work.since === undefined ? 0 : now - work.since,
      },
    });
    return call.span?.traceparent ?? call.traceparent;
  }

  #slow(work: Work, ms: number, what: string): void {
    const { host, address } = this.#activation;
    if (ms < host.limits.slowTurnMs) return;
    const { kind, key } = address;
    host.log('warn', `a slow turn ${what}`, {
      kind,
      key,
      method: methodOfWork(work)?.localName ?? 'continuation',
      ms: Math.round(ms),
    });
  }

  #invoke(work: Work, turn: TurnContext): unknown {
    if (work.kind === 'task') return work.task(turn);
    const chain = this.#activation.interceptors;
    if (chain.length === 0) return this.#handle(work, turn);
    return intercept(chain, this.#invocation(work, turn), () => this.#handle(work, turn));
  }

  #handle(work: Exclude<Work, { kind: 'task' }>, turn: TurnContext): unknown {
    const { instance } = this.#activation;
    const { localName } = work.kind === 'call' ? work.call.method : work.method;
    const handler = instance.handlers[localName];
    if (handler === undefined) throw new StarlingError('METHOD_NOT_FOUND', localName);
    return work.kind === 'call'
      ? handler.call(instance.owner, work.call.request, turn)
      : handler.call(instance.owner, work.request, work.stream, turn);
  }

  #invocation(work: Exclude<Work, { kind: 'task' }>, turn: TurnContext) {
    const { kind, key } = this.#activation.address;
    const call = work.kind === 'call' ? work.call : undefined;
    const method = work.kind === 'call' ? work.call.method : work.method;
    return {
      kind,
      key,
      method: method.localName,
      request: work.kind === 'call' ? work.call.request : work.request,
      readOnly: method.readOnly,
      caller: call?.caller,
      metadata: call?.metadata ?? {},
      remainingMs: turn.remainingMs(),
    };
  }

  #await(work: Work, turn: TurnContext, result: Promise<unknown>, readOnly: boolean): void {
    const activation = this.#activation;
    const begun = activation.host.clock.monotonic();
    if (readOnly) this.#interleaved++;
    else this.#busy = true;
    const over = (): void => {
      if (readOnly) this.#interleaved--;
      else {
        this.#busy = false;
        const heldMs = activation.host.clock.monotonic() - begun;
        if (heldMs >= HELD_FACTOR * activation.host.limits.slowTurnMs)
          this.#slow(work, heldMs, 'kept its actor waiting');
      }
      activation.turnOver(!readOnly);
    };
    result.then(
      (value) => {
        try {
          if (activation.gone) refuse(work, outcomeUnknown(undefined));
          else this.#finish(work, turn, value);
        } catch (error) {
          this.#failed(work, turn, error);
        }
        over();
      },
      (error: unknown) => {
        activation.host.metrics.turn(activation.address.kind, methodOfWork(work)).failed++;
        if (activation.gone) refuse(work, outcomeUnknown(error));
        else this.#failed(work, turn, error);
        over();
      },
    );
  }

  #finish(work: Work, turn: TurnContext, result: unknown): void {
    turn.close();
    if (work.kind !== 'call') return;
    const { call } = work;
    if (call.origin !== undefined) this.#activation.took(call.origin);
    if (result instanceof Later) this.#activation.adopt(result, call);
    else if (call.sink === NO_SINK) call.resolve(result as Message);
    else this.#activation.reply(call, toMessage(call.method.output, result as Message), false, turn.before);
  }

  #failed(work: Work, turn: TurnContext, error: unknown): void {
    turn.close();
    if (error instanceof StarlingError && work.kind !== 'task') {
      if (work.kind === 'call') this.#activation.replyError(work.call, error, turn.before);
      else work.stream.end(error);
      return;
    }
    this.#activation.turnFailed(work, error);
  }
}

/** Its time in the mailbox is an attribute of its span. */
function isTraced(work: Work): boolean {
  return work.kind === 'call' && work.call.traceparent !== undefined && isSampled(work.call.traceparent);
}

function taskContext(work: Work): string | undefined {
  return work.kind === 'task' ? work.traceparent : undefined;
}
