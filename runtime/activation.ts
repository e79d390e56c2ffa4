// Longer than 300 lines because mailbox, turns, answers and life cycle of an activation change one state together.
// The one in-memory run of an actor: its mailbox, its turns, its journal and its gate. Owns the life cycle
// activating -> active -> gone. Correctness never depends on an activation being dropped in an orderly way.
//
// A1  One turn at a time. A handler that returns a promise holds the mailbox until it settles, unless its method has
//     NO_SIDE_EFFECTS: then it interleaves.
// A2  A turn runs only while the activation is open (rule 6), which for a durable actor means recovered and sealed.
// A3  Expected failures (StarlingError) are answers. Anything else that a handler throws ends the activation: its state
//     may be half changed, the next one rebuilds it from the store.
// A4  Every call taken in is answered: by its handler, or with an error when the activation ends.

import type { Message } from '@bufbuild/protobuf';
import { ActorLog } from './actor-log.ts';
import { Answers } from './answers.ts';
import type { Call } from './call.ts';
import type { ActorDefinition, Durable, Instance } from './definition.ts';
import { invariant, StarlingError, toStarlingError } from './errors.ts';
import { Gate, outcomeUnknown } from './gate.ts';
import type { Host } from './host.ts';
import type { Journal } from './journal.ts';
import { Mailbox } from './mailbox.ts';

import type { ShardClaim } from './ports/ownership.ts';
import type { ActorAddress } from './ports/store.ts';

import type { ServerStream } from './service.ts';
import { Later, type Turn } from './turn.ts';

import { TurnContext } from './turn-context.ts';
import { NO_DEADLINE, refuse, type Work } from './work.ts';

type Handler = (request: Message, ...rest: unknown[]) => unknown;

export class Activation {
  readonly host: Host;
  readonly definition: ActorDefinition;
  readonly address: ActorAddress;
  readonly #claim: ShardClaim;
  readonly #mailbox: Mailbox<Work>;
  readonly #gate: Gate;
  readonly #instance: Instance;
  readonly #answers: Answers;
  readonly #log: ActorLog | undefined;
  /** The log once it is open. */
  #openLog: ActorLog | undefined;
  #state: 'activating' | 'active' | 'gone' = 'activating';
  readonly #openWaiters: { resolve: () => void; reject: (error: StarlingError) => void }[] = [];
  #busy = false;
  #scheduled = false;
  #running = false;
  #issueQueued = false;
  #awake = 0;
  #interleaved = 0;
  #dropWhenIdle = false;
  /** Monotonic milliseconds of the last work. */
  lastUsed: number;

  constructor(host: Host, definition: ActorDefinition, address: ActorAddress, claim: ShardClaim) {
    this.host = host;
    this.definition = definition;
    this.address = address;
    this.#claim = claim;
    this.#mailbox = new Mailbox(host.limits.mailboxTurnsMax);
    this.#gate = new Gate(host.fence, host.limits.gateOutputsMax);
    this.lastUsed = host.clock.monotonic();
    this.#answers = new Answers({
      reply: (call, value, passing) => this.#reply(call, value, passing),
      refuse: (call, error) => this.#replyError(call, error),
    });
    const { kind, key, shard } = address;
    this.#instance = definition.create({ kind, key, shard, epoch: claim.epoch, node: host.node });
    this.#log = this.#makeLog();
    if (this.#log === undefined) this.#opened();
    else void this.#open(this.#log);
  }

  #makeLog(): ActorLog | undefined {
    const { codec } = this.definition;
    if (codec === undefined) return undefined;
    return new ActorLog({
      host: this.host,
      address: this.address,
      claim: this.#claim,
      codec,
      instance: this.#instance as unknown as Durable<unknown>,
      onSettled: (settled) => this.#gate.settle(settled),
      onFailed: (error) => this.#logFailed(error),
      output: (release) => this.output(release),
      keepAwake: () => this.keepAwake(),
    });
  }

  get type() {
    return this.definition.type;
  }

  get gone(): boolean {
    return this.#state === 'gone';
  }

  get log(): ActorLog {
    invariant(this.#log !== undefined, `${this.address.kind} lives in memory and has no timeline`);
    return this.#log;
  }

  get #journal(): Journal | undefined {
    return this.#openLog?.journal;
  }

  // ---- work in ----------------------------------------------------------------------------------------------------

  accept(call: Call): void {
    const full = this.#gate.full || this.#interleaved >= this.host.limits.mailboxTurnsMax;
    if (full || !this.#push({ kind: 'call', call, reserved: false, deadline: call.deadline })) {
      call.reject(new StarlingError('OVERLOADED', `${this.address.kind}/${this.address.key}`));
    }
  }

  acceptStream(method: string, request: Message, stream: ServerStream, deadline: number): void {
    if (!this.#push({ kind: 'stream', method, request, stream, reserved: false, deadline })) {
      stream.end(new StarlingError('OVERLOADED', `${this.address.kind}/${this.address.key}`));
    }
  }

  /** Runs `task` as a turn; has room beyond the bound, since it belongs to work that was accepted. */
  continueWith(task: (turn: Turn) => void): void {
    if (this.#state === 'gone') return;
    this.#push({ kind: 'task', task, reserved: true, deadline: NO_DEADLINE });
  }

  timer(delayMs: number, task: (turn: Turn) => void): () => void {
    const timer = this.host.clock.after(delayMs, () => this.continueWith(task));
    return () => timer.cancel();
  }

  #push(work: Work): boolean {
    if (this.#state === 'gone') {
      refuse(work, new StarlingError('NOT_OWNER'));
      return true;
    }
    if (!this.#mailbox.push(work)) return false;
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#scheduled || this.#state !== 'active' || this.#busy) return;
    this.#scheduled = true;
    this.host.ready(this);
  }

  // ---- turns ------------------------------------------------------------------------------------------------------

  /** Runs the turns that wait. Called by the host. */
  run(): void {
    this.#scheduled = false;
    this.#running = true;
    this.lastUsed = this.host.clock.monotonic();
    while (this.#state === 'active' && !this.#busy) {
      const work = this.#mailbox.shift();
      if (work === undefined) break;
      this.#turn(work);
    }
    this.#running = false;
    this.#journal?.issue();
    if (this.#dropWhenIdle) this.tryPassivate();
  }

  /** A turn writes. After an await nobody else hands it over, and what the turn awaits next may wait for it (rule 18). */
  wrote(): void {
    if (this.#running || this.#issueQueued) return;
    this.#issueQueued = true;
    queueMicrotask(() => {
      this.#issueQueued = false;
      this.#journal?.issue();
    });
  }

  #turn(work: Work): void {
    if (work.kind === 'call' && !work.call.pending) return;
    if (work.deadline <= this.lastUsed) {
      refuse(work, new StarlingError('DEADLINE_EXCEEDED', 'It waited too long and was not run.'));
      return;
    }
    const readOnly = work.kind === 'call' && this.host.isReadOnly(this.definition.type, work.call.method);
    const deadline = work.deadline === NO_DEADLINE ? this.host.deadlineAfter(undefined) : work.deadline;
    const call = work.kind === 'call' ? work.call : undefined;
    if (call?.origin !== undefined && this.#openLog?.seen(call.origin) === true) {
      this.#reply(call, this.host.emptyReply(this.type, call.method), false);
      return;
    }
    const turn = new TurnContext(this, deadline, call, readOnly);
    try {
      const result = this.#invoke(work, turn);
      if (result instanceof Promise) this.#await(work, turn, result, readOnly);
      else this.#finish(work, turn, result);
    } catch (error) {
      this.#failedTurn(work, turn, error);
    }
  }

  #invoke(work: Work, turn: Turn): unknown {
    switch (work.kind) {
      case 'task':
        return work.task(turn);
      case 'call':
        return (this.#instance[work.call.method] as Handler)(work.call.request, turn);
      case 'stream':
        return (this.#instance[work.method] as Handler)(work.request, work.stream, turn);
    }
  }

  #await(work: Work, turn: TurnContext, result: Promise<unknown>, readOnly: boolean): void {
    if (readOnly) this.#interleaved++;
    else this.#busy = true;
    const over = (): void => {
      if (readOnly) this.#interleaved--;
      else this.#busy = false;
      this.#schedule();
      if (!readOnly) this.#journal?.issue();
    };
    result.then(
      (value) => {
        try {
          if (this.#state === 'gone') refuse(work, outcomeUnknown(undefined));
          else this.#finish(work, turn, value);
        } catch (error) {
          this.#failedTurn(work, turn, error);
        }
        over();
      },
      (error: unknown) => {
        if (this.#state === 'gone') refuse(work, outcomeUnknown(error));
        else this.#failedTurn(work, turn, error);
        over();
      },
    );
  }

  #finish(work: Work, turn: TurnContext, result: unknown): void {
    turn.close();
    if (work.kind !== 'call') return;
    if (work.call.origin !== undefined) this.#openLog?.took(work.call.origin);
    if (result instanceof Later) {
      this.#answers.adopt(result, work.call);
      return;
    }
    this.#reply(work.call, result as Message, false);
  }

  #failedTurn(work: Work, turn: TurnContext, error: unknown): void {
    turn.close();
    if (error instanceof StarlingError && work.kind !== 'task') {
      if (work.kind === 'call') this.#replyError(work.call, error);
      else work.stream.end(error);
      return;
    }
    const method = work.kind === 'call' ? work.call.method : work.kind;
    const { kind, key } = this.address;
    this.host.log('error', 'a turn failed: the activation ends', {
      kind,
      key,
      method,
      error: describe(error),
    });
    const internal = new StarlingError('INTERNAL', undefined, { cause: error });
    refuse(work, internal);
    this.end(outcomeUnknown(error));
  }

  // ---- answers ----------------------------------------------------------------------------------------------------

  #reply(call: Call, value: Message, passing: boolean): void {
    if (passing) call.resolve(value);
    else
      this.output(
        () => call.resolve(value),
        (error) => call.reject(error),
      );
  }

  #replyError(call: Call, error: StarlingError): void {
    this.output(
      () => call.reject(error),
      (ended) => call.reject(ended),
    );
  }

  defer(): Later<Message> {
    return this.#answers.defer();
  }

  /** Lets an output leave once the writes before it have settled. */
  output(release: () => void, fail: (error: StarlingError) => void = () => {}): void {
    if (this.#journal === undefined) release();
    else this.#gate.output(this.#journal.issued, release, fail);
  }

  // ---- life cycle -------------------------------------------------------------------------------------------------

  async #open(log: ActorLog): Promise<void> {
    try {
      await log.open();
      if (this.#state === 'gone') return;
      this.#opened();
      log.resume();
    } catch (error) {
      this.end(toStarlingError(error));
    }
  }

  /** What waited at the gate learns whether it was done. */
  #logFailed(error: StarlingError): void {
    this.#end(error, { failed: true, begun: error });
  }

  #opened(): void {
    this.#state = 'active';
    this.#openLog = this.#log;
    for (const waiter of this.#openWaiters.splice(0)) waiter.resolve();
    const { opened } = this.#instance;
    if (opened !== undefined) this.continueWith((turn) => opened.call(this.#instance, turn));
    this.#schedule();
  }

  /** Resolves once the activation is open; rejects with what ended it before. */
  whenOpen(): Promise<void> {
    if (this.#state === 'active') return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (this.#state === 'gone') reject(new StarlingError('NOT_OWNER'));
      else this.#openWaiters.push({ resolve, reject });
    });
  }

  /** Ends the activation now. What waits is answered with `error`. */
  end(error: StarlingError): void {
    this.#end(error, { failed: true });
  }

  /** `begun`: the answer to work whose turn has run; by default that its outcome is unknown. */
  #end(
    error: StarlingError,
    { failed, begun = asUnknown(error) }: { failed: boolean; begun?: StarlingError },
  ) {
    if (this.#state === 'gone') return;
    // A write under way, that of a seal too, lands or not after this: the next activation of this epoch must write a seal
    // of its own.
    const quiet = this.#state === 'active' && (this.#journal?.quiet ?? true);
    if (!quiet && this.#log !== undefined) this.host.noteUnclean(this.address);
    this.#state = 'gone';
    this.#log?.end();
    this.#gate.end(begun);
    this.#answers.end(asUnknown(error));
    for (const work of this.#mailbox.drain()) refuse(work, error);
    for (const waiter of this.#openWaiters.splice(0)) waiter.reject(error);
    try {
      this.#instance.closed?.();
    } catch (error) {
      // The actor's last word must not keep the next activation out.
      const { kind, key } = this.address;
      this.host.log('error', 'an actor failed to close', { kind, key, error: describe(error) });
    }
    this.host.dropped(this, failed);
  }

  keepAwake(): () => void {
    this.#awake++;
    let held = true;
    return () => {
      if (held) this.#awake--;
      held = false;
    };
  }

  passivateWhenIdle(): void {
    this.#dropWhenIdle = true;
  }

  /** Drops the activation if nothing would be lost; writes a checkpoint first where that spares the next one work. */
  tryPassivate(): boolean {
    if (this.#state !== 'active' || this.#busy || this.#awake > 0 || this.#interleaved > 0) return false;
    if (this.#mailbox.size > 0 || this.#answers.open > 0 || this.#gate.waiting > 0) return false;
    const journal = this.#journal;
    if (journal !== undefined) {
      if (!journal.quiet) return false;
      if (journal.rowsSinceCheckpoint > 0) {
        journal.requestCheckpoint();
        journal.issue();
        return false;
      }
    }
    this.#end(new StarlingError('NOT_OWNER'), { failed: false });
    return true;
  }

  /** Writes what is still unwritten; used when the node stops. */
  flush(): void {
    if (this.#state !== 'active' || this.#journal === undefined) return;
    if (this.#journal.rowsSinceCheckpoint > 0) this.#journal.requestCheckpoint();
    this.#journal.issue();
  }

  /** Nothing is running, waiting or being written. */
  get quiet(): boolean {
    if (this.#state === 'gone') return true;
    return (
      this.#mailbox.size === 0 && !this.#busy && this.#gate.waiting === 0 && (this.#journal?.quiet ?? true)
    );
  }
}

function asUnknown(error: StarlingError): StarlingError {
  return error.entry.outcome === 'unknown' ? error : outcomeUnknown(error);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
