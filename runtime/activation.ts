// Longer than 300 lines because whatever goes out of an activation depends on where its life cycle is.
// The one in-memory run of an actor: its turns, its journal and its gate. Owns the life cycle
// activating -> active -> gone. Correctness never depends on an activation being dropped in an orderly way.
//
// A1, A3, A5: turns.ts. A6: open-streams.ts.
// A2  A turn runs only while the activation is open (rule 6), which for a durable actor means recovered and sealed.
// A4  Every call taken in is answered: by its handler, or with an error when the activation ends.

import type { Message } from '@bufbuild/protobuf';
import { ActorLog } from './actor-log.ts';
import type { ActorMethod } from './actor-type.ts';
import { Answers } from './answers.ts';
import type { Call } from './call.ts';
import type { ActorDefinition } from './definition.ts';
import { type ErrorCode, invariant, StarlingError, toStarlingError } from './errors.ts';
import { Gate, outcomeUnknown } from './gate.ts';
import type { Host } from './host.ts';
import type { Instance } from './instance.ts';
import type { Interceptor } from './interceptor.ts';
import type { Journal } from './journal.ts';
import type { EndCause } from './metrics.ts';
import { endStreams, type OpenStreams, withStream } from './open-streams.ts';
import type { Origin } from './origin.ts';
import type { ShardClaim } from './ports/ownership.ts';
import type { ActorAddress } from './ports/store.ts';
import type { ServerStream } from './service.ts';
import type { Later, Turn } from './turn.ts';
import { Turns } from './turns.ts';
import type { Evictable } from './use-ring.ts';
import { methodOfWork, NO_DEADLINE, refuse, type Work } from './work.ts';

/** An actor that does not open for such a reason never will by itself. */
const ALARMING: ReadonlySet<ErrorCode> = new Set(['CORRUPTION', 'VERSION_TOO_NEW', 'INTERNAL']);
/** Before every write. */
const NO_WRITE = -1;

export class Activation implements Evictable {
  readonly host: Host;
  readonly definition: ActorDefinition;
  readonly address: ActorAddress;
  readonly instance: Instance;
  /** Those of the node, then those of the kind. */
  readonly interceptors: readonly Interceptor[];
  readonly #claim: ShardClaim;
  readonly #turns: Turns;
  /** Absent where nothing is written: then no output waits. */
  readonly #gate: Gate | undefined;
  /** Made by the first turn that defers its answer. */
  #answers: Answers | undefined;
  readonly #log: ActorLog | undefined;
  /** The log once it is open. */
  #openLog: ActorLog | undefined;
  #state: 'activating' | 'active' | 'gone' = 'activating';
  /** Made when somebody waits. */
  #openWaiters: { resolve: () => void; reject: (error: StarlingError) => void }[] | undefined;
  #scheduled = false;
  #running = false;
  #issueQueued = false;
  #awake = 0;
  #streams: OpenStreams;
  /** Answers to what was asked, and promises, that go on as turns of this activation. */
  #expected = 0;
  #dropWhenIdle = false;
  /** Monotonic milliseconds of the last work. */
  lastUsed: number;
  /** Of the ring of its node. */
  uses = 0;
  ahead: Evictable | undefined = undefined;
  behind: Evictable | undefined = undefined;

  constructor(host: Host, definition: ActorDefinition, address: ActorAddress, claim: ShardClaim) {
    this.host = host;
    this.definition = definition;
    this.address = address;
    this.interceptors = host.interceptorsOf(definition);
    this.#claim = claim;
    this.#turns = new Turns(this);
    this.lastUsed = host.clock.monotonic();
    const { kind, key, shard } = address;
    this.instance = definition.create({ kind, key, shard, epoch: claim.epoch, node: host.node });
    this.#log = this.#makeLog();
    if (this.#log === undefined) {
      this.#opened();
      return;
    }
    this.#gate = new Gate(host.fence, host.limits.gateOutputsMax, host.gateWatch);
    void this.#open(this.#log);
  }

  #makeLog(): ActorLog | undefined {
    const { codec, migrations } = this.definition;
    if (codec === undefined || this.instance.durable === undefined) return undefined;
    return new ActorLog({
      host: this.host,
      address: this.address,
      type: this.type,
      claim: this.#claim,
      codec,
      migrations,
      instance: this.instance.durable,
      onSettled: (settled) => this.#gate?.settle(settled),
      onFailed: (error) => this.#logFailed(error),
      output: (release) => this.output(release),
      keepAwake: () => this.keepAwake(),
      run: (call) => this.#runOwn(call),
    });
  }

  get type() {
    return this.definition.type;
  }

  /** What `turn.state` shows. */
  get state(): unknown {
    return this.instance.state;
  }

  get active(): boolean {
    return this.#state === 'active';
  }

  /** What waits here, for whoever looks at the node. */
  get depth(): { readonly waiting: number; readonly oldestMs: number; readonly gated: number } {
    const { waiting, oldestSince } = this.#turns;
    const oldestMs = oldestSince === undefined ? 0 : this.host.clock.monotonic() - oldestSince;
    return { waiting, oldestMs, gated: this.#gate?.waiting ?? 0 };
  }

  get gone(): boolean {
    return this.#state === 'gone';
  }

  get log(): ActorLog {
    invariant(this.#log !== undefined, `${this.address.kind} lives in memory and has no timeline`);
    return this.#log;
  }

  /** The log, once it is open. */
  get openLog(): ActorLog | undefined {
    return this.#openLog;
  }

  get #journal(): Journal | undefined {
    return this.#openLog?.journal;
  }

  // ---- work in ----------------------------------------------------------------------------------------------------

  accept(call: Call): void {
    const refusal = this.#turns.refusal(call) ?? this.#storeBehind() ?? this.#push(call);
    if (refusal === undefined) return;
    this.host.metrics.refused(refusal.code);
    call.reject(refusal);
  }

  /** The store does not keep up: what another turn would put out or write has no room. */
  #storeBehind(): StarlingError | undefined {
    const outputs = this.#gate?.full === true;
    const bytes = (this.#journal?.pendingBytes ?? 0) >= this.host.limits.pendingBytesMax;
    if (!outputs && !bytes) return undefined;
    const { kind, key } = this.address;
    const what = outputs ? 'answers wait' : 'bytes wait to be written';
    return new StarlingError('OVERLOADED', `${kind}/${key}: too many ${what}.`, {
      metadata: { actor: `${kind}/${key}`, bound: outputs ? 'gate' : 'pending_bytes' },
    });
  }

  acceptStream(method: ActorMethod, request: Message, stream: ServerStream, deadline: number): void {
    const refusal = this.#push({ kind: 'stream', method, request, stream, reserved: false, deadline });
    if (refusal === undefined) this.#streams = withStream(this.#streams, stream);
    else stream.end(refusal);
  }

  /** Runs `task` as a turn; has room beyond the bound, since it belongs to work that was accepted. */
  continueWith(task: (turn: Turn) => void, traceparent?: string): void {
    if (this.#state === 'gone') return;
    this.#push({ kind: 'task', task, traceparent, reserved: true, deadline: NO_DEADLINE });
  }

  /** A call of the actor to itself, whose time has come: it has room beyond the bound, and waits for its turn. */
  #runOwn(call: Call): void {
    const refusal = this.#push({ kind: 'call', call, reserved: true, deadline: NO_DEADLINE });
    if (refusal !== undefined) call.reject(refusal);
  }

  timer(delayMs: number, task: (turn: Turn) => void): () => void {
    const timer = this.host.clock.after(delayMs, () => this.continueWith(task));
    return () => timer.cancel();
  }

  #push(work: Work): StarlingError | undefined {
    if (this.#state === 'gone') return new StarlingError('NOT_OWNER');
    const refusal = this.#turns.push(work);
    if (refusal === undefined) this.#schedule();
    return refusal;
  }

  #schedule(): void {
    if (this.#scheduled || this.#state !== 'active' || this.#turns.busy) return;
    this.#scheduled = true;
    this.host.ready(this);
  }

  // ---- turns ------------------------------------------------------------------------------------------------------

  /** Runs the turns that wait. Called by the host. */
  run(): void {
    this.#scheduled = false;
    this.#running = true;
    this.lastUsed = this.host.clock.monotonic();
    this.#turns.run(this.lastUsed);
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

  /** A turn that returned a promise has ended. `held`: it held the mailbox. */
  turnOver(held: boolean): void {
    this.#schedule();
    if (held) this.#journal?.issue();
  }

  /** A turn threw what is no answer: the activation ends (A3). */
  turnFailed(work: Work, error: unknown): void {
    const { kind, key } = this.address;
    this.host.log('error', 'a turn failed: the activation ends', {
      kind,
      key,
      method: methodOfWork(work)?.localName ?? 'continuation',
      error: describe(error),
    });
    refuse(work, new StarlingError('INTERNAL', undefined, { cause: error }));
    this.end(outcomeUnknown(error));
  }

  /** The tell or reminder that a call hands over has had its effect already. */
  hasTaken(origin: Origin): boolean {
    return this.#openLog?.seen(origin) === true;
  }

  /** What a call hands over has been taken. */
  took(origin: Origin): void {
    this.#openLog?.took(origin);
  }

  /** Number of the last write asked for. */
  get issued(): number {
    return this.#journal?.issued ?? 0;
  }

  // ---- answers ----------------------------------------------------------------------------------------------------

  /** `before`: number of the last write before those of the call; default: those of former turns are not known. */
  reply(call: Call, value: Message, passing: boolean, before = NO_WRITE): void {
    if (passing || this.#openLog === undefined) call.resolve(value);
    else
      this.output(
        () => call.resolve(value),
        (error) => call.reject(error),
        before,
      );
  }

  replyError(call: Call, error: StarlingError, before = NO_WRITE): void {
    this.output(
      () => call.reject(error),
      (ended) => call.reject(ended),
      before,
    );
  }

  replyEmpty(call: Call): void {
    this.reply(call, this.host.emptyReply(call.method), false);
  }

  defer(): Later<Message> {
    this.#answers ??= new Answers({
      reply: (call, value, passing) => this.reply(call, value, passing),
      refuse: (call, error) => this.replyError(call, error),
    });
    return this.#answers.defer();
  }

  /** The handler of `call` has returned `later`. */
  adopt(later: Later<Message>, call: Call): void {
    invariant(this.#answers !== undefined, 'a handler returns a Later of its own activation');
    this.#answers.adopt(later, call);
  }

  /** Its outputs may have to wait. */
  get gated(): boolean {
    return this.#openLog !== undefined;
  }

  /** Something was asked whose answer goes on as a turn: until then the activation stays. */
  expect(): void {
    this.#expected++;
  }

  /** It was answered. */
  expected(): void {
    this.#expected--;
  }

  /** Lets an output leave once the writes before it have settled. */
  output(release: () => void, fail: (error: StarlingError) => void = () => {}, before?: number): void {
    if (this.#journal === undefined || this.#gate === undefined) release();
    else this.#gate.output(this.#journal.issued, release, fail, before);
  }

  // ---- life cycle -------------------------------------------------------------------------------------------------

  async #open(log: ActorLog): Promise<void> {
    try {
      await log.open();
      if (this.#state === 'gone') return;
      this.#opened();
      log.resume();
    } catch (thrown) {
      const error = toStarlingError(thrown);
      if (ALARMING.has(error.code)) {
        const { kind, key } = this.address;
        this.host.log('error', 'an actor does not open', {
          kind,
          key,
          code: error.code,
          reason: error.message,
        });
      }
      this.end(error);
    }
  }

  /** What waited at the gate learns whether it was done. */
  #logFailed(error: StarlingError): void {
    this.#end(() => error, { failed: true, cause: 'failed', begun: error });
  }

  #opened(): void {
    this.#state = 'active';
    this.#openLog = this.#log;
    for (const waiter of this.#takeOpenWaiters()) waiter.resolve();
    const { lifecycle } = this.instance;
    // Before the calls that came meanwhile: they must find what a former activation left taken up.
    if (lifecycle.opened !== undefined) {
      const task = (turn: Turn): void => lifecycle.opened?.(turn);
      this.#turns.pushFirst({
        kind: 'task',
        task,
        traceparent: undefined,
        reserved: true,
        deadline: NO_DEADLINE,
      });
    }
    this.#schedule();
  }

  /** Resolves once the activation is open; rejects with what ended it before. */
  whenOpen(): Promise<void> {
    if (this.#state === 'active') return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (this.#state === 'gone') reject(new StarlingError('NOT_OWNER'));
      else {
        this.#openWaiters ??= [];
        this.#openWaiters.push({ resolve, reject });
      }
    });
  }

  #takeOpenWaiters() {
    const waiters = this.#openWaiters ?? [];
    this.#openWaiters = undefined;
    return waiters;
  }

  /** Ends the activation now. What waits is answered with `error`. */
  end(error: StarlingError): void {
    this.#end(() => error, { failed: true, cause: error.code === 'SHUTTING_DOWN' ? 'stopped' : 'failed' });
  }

  /** Ends the activation because its shard goes elsewhere. What it still had to do is done there, or here if the shard stays (H4). */
  handOver(): void {
    this.#end(notOwner, { failed: this.#awake > 0, cause: 'handed_over' });
  }

  /**
   * `reason`: made only where somebody hears it, since an error with its stack costs more than the rest of an idle end.
   * `begun`: the answer to work whose turn has run; by default that its outcome is unknown.
   */
  #end(
    reason: () => StarlingError,
    {
      failed,
      cause,
      begun,
    }: { readonly failed: boolean; readonly cause: EndCause; readonly begun?: StarlingError },
  ) {
    if (this.#state === 'gone') return;
    // A write under way, that of a seal too, lands or not after this: the next activation of this epoch must write a seal
    // of its own.
    const opened = this.#state === 'active';
    const quiet = opened && (this.#journal?.quiet ?? true);
    if (!quiet && this.#log !== undefined) this.host.noteUnclean(this.address);
    this.#state = 'gone';
    this.host.metrics.activationEnded(this.address.kind, cause);
    this.#log?.end();
    this.#gate?.end(begun ?? asUnknown(reason()));
    this.#answers?.end(asUnknown(reason()));
    for (const work of this.#turns.drain()) refuse(work, reason());
    for (const waiter of this.#takeOpenWaiters()) waiter.reject(reason());
    try {
      this.instance.lifecycle.closed?.();
    } catch (error) {
      // The actor's last word must not keep the next activation out.
      const { kind, key } = this.address;
      this.host.log('error', 'an actor failed to close', { kind, key, error: describe(error) });
    }
    endStreams(this.#streams, reason);
    // One that never opened left nothing; who had it opened for what a former one left tries again.
    this.host.dropped(this, failed && opened);
  }

  /** Somebody waits for an answer of a later turn, or for what is made to become durable. */
  get #outputsWait(): boolean {
    return (this.#answers?.open ?? 0) > 0 || (this.#gate?.waiting ?? 0) > 0;
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
    if (this.#state !== 'active' || this.#awake > 0 || !this.#turns.idle) return false;
    if (this.#outputsWait || this.#expected > 0) return false;
    const journal = this.#journal;
    if (journal !== undefined) {
      if (!journal.quiet) return false;
      if (journal.rowsSinceCheckpoint > 0) {
        journal.requestCheckpoint();
        journal.issue();
        return false;
      }
    }
    this.#end(notOwner, { failed: false, cause: 'idle' });
    return true;
  }

  /** Tells the actor that its shard is about to go elsewhere, and writes what is still unwritten. */
  drain(): void {
    const { lifecycle } = this.instance;
    if (lifecycle.draining !== undefined) this.continueWith((turn) => lifecycle.draining?.(turn));
    this.flush();
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
    if (this.#state === 'activating') return false;
    return this.#turns.idle && !this.#outputsWait && (this.#journal?.quiet ?? true);
  }
}

function notOwner(): StarlingError {
  return new StarlingError('NOT_OWNER');
}

function asUnknown(error: StarlingError): StarlingError {
  return error.entry.outcome === 'unknown' ? error : outcomeUnknown(error);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
