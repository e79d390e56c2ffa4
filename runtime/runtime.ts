// Longer than 300 lines because it is the one place that wires every part of a node, each by a few lines.
// The runtime of one node: which kinds there are, which activations are in memory, who gets a call. Owns routing to
// local activations, deadlines, passivation, waking after a takeover and an orderly stop.

import { create, type DescService, type Message } from '@bufbuild/protobuf';
import { Activation } from './activation.ts';
import { type ActorClient, type ActorMethod, type ActorType, methodOf } from './actor-type.ts';
import { actorNamed, type Call, type CallInit, type CallSink } from './call.ts';
import { type Caller, callClient } from './clients.ts';
import type { ActorDefinition } from './definition.ts';
import { Due } from './due.ts';
import { invalidRequest, StarlingError, toStarlingError } from './errors.ts';
import type { FanOutHow, FanOutPart } from './fan-out.ts';
import { FenceReader } from './fence.ts';
import type { GateWatch } from './gate.ts';
import type { Host, LogLevel } from './host.ts';
import { type ActorView, inspectActor } from './inspect.ts';
import type { Interceptor } from './interceptor.ts';
import { DEFAULT_LIMITS, type RuntimeLimits } from './limits.ts';
import type { MailboxOptions } from './mailbox.ts';
import { MemoryPressure } from './memory-pressure.ts';
import { type MailboxDepth, RuntimeMetrics } from './metrics.ts';
import { type FanOutResult, Notes } from './notes.ts';
import type { ActorPlace, LogEntry, RuntimeOptions, RuntimeStats } from './options.ts';
import { DEFAULT_SHARDS, shardOf } from './placement.ts';
import type { Clock, Timer } from './ports/clock.ts';
import type { Ownership } from './ports/ownership.ts';
import type { Random } from './ports/random.ts';
import type { ShardHost } from './ports/shard-host.ts';
import type { ActorAddress, Store } from './ports/store.ts';
import type { Directory } from './ports/transport.ts';
import { Registry } from './registry.ts';
import { type OpenOptions, Relay } from './relay.ts';
import { Residents } from './residents.ts';
import { Reviver } from './reviver.ts';
import { Router } from './router.ts';
import type { ServerStream } from './service.ts';
import { Shards } from './shards.ts';
import type { Telemetry } from './telemetry/index.ts';
import type { TellOrigin } from './tells.ts';
import { mailboxOptions, type Work } from './work.ts';

export class Runtime implements Host, ShardHost {
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly fence: FenceReader;
  readonly limits: RuntimeLimits;
  /** What the node has counted since it was made. */
  readonly metrics = new RuntimeMetrics();
  readonly telemetry: Telemetry | undefined;
  readonly gateWatch: GateWatch;
  readonly mailboxOptions: MailboxOptions<Work>;
  readonly due: Due;
  readonly shards: number;
  readonly #ownership: Ownership;
  readonly #onLog: (entry: LogEntry) => void;
  readonly #router: Router;
  readonly #relay: Relay;
  readonly #registry = new Registry();
  readonly #residents = new Residents();
  readonly #pressure: MemoryPressure;
  readonly #reviver: Reviver;
  readonly #shards: Shards;
  readonly #interceptors: readonly Interceptor[];
  readonly #directory: Directory | undefined;
  #ready: Activation[] = [];
  #readyQueued = false;
  #state: 'running' | 'stopping' | 'stopped' = 'running';
  #sweeper: Timer | undefined;

  constructor(options: RuntimeOptions) {
    this.node = options.node;
    this.clock = options.clock;
    this.random = options.random;
    this.store = options.store;
    this.shards = options.shards ?? DEFAULT_SHARDS;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#ownership = options.ownership;
    this.telemetry = options.telemetry;
    this.#pressure = new MemoryPressure(options.memory, this.clock, this.limits);
    this.mailboxOptions = mailboxOptions(this.limits, this.clock);
    this.gateWatch = { clock: options.clock, wait: this.metrics.gateWait };
    this.#onLog = options.onLog ?? (() => {});
    this.#interceptors = options.interceptors ?? [];
    this.#directory = options.peers?.directory;
    this.#relay = new Relay({
      node: this.node,
      shards: this.shards,
      clock: this.clock,
      random: this.random,
      limits: this.limits,
      ownership: this.#ownership,
      peers: options.peers,
      typeOf: (kind) => this.#registry.require(kind).type,
      openHere: (type, key, method, request, stream, deadline) => {
        if (this.#state !== 'running') throw new StarlingError('SHUTTING_DOWN');
        this.#activation(type, key).acceptStream(method, request, stream, deadline);
      },
    });
    this.#router = new Router({
      relay: this.#relay,
      node: this.node,
      shards: this.shards,
      clock: this.clock,
      random: this.random,
      limits: this.limits,
      ownership: this.#ownership,
      metrics: this.metrics,
      telemetry: this.telemetry,
      peers: options.peers,
      activation: (type, key) => this.#activation(type, key),
      typeOf: (kind) => this.#registry.require(kind).type,
      notes: new Notes({
        store: this.store,
        ownership: this.#ownership,
        clock: this.clock,
        shards: this.shards,
        fence: () => this.fence,
        resident: (kind, key) => this.#residents.get(kind, key) !== undefined,
      }),
    });
    this.#reviver = new Reviver({
      clock: options.clock,
      retryMsMin: this.limits.reviveMsMin,
      retryMsMax: this.limits.reviveMsMax,
      concurrencyMax: this.limits.wakeConcurrencyMax,
      open: (actor) => this.#open(actor),
      held: ({ shard }) => this.#ownership.claim(shard) !== undefined,
      failed: ({ kind, key }, error, retryMs) => {
        const reason = toStarlingError(error);
        this.log('error', 'an actor with work left does not open', {
          kind,
          key,
          code: reason.code,
          reason: reason.message,
          retryMs,
        });
      },
    });
    this.#shards = new Shards({
      ...{ store: this.store, ownership: this.#ownership, clock: this.clock, shards: this.shards },
      concurrencyMax: this.limits.wakeConcurrencyMax,
      residents: this.#residents,
      wake: (actor) => this.#reviver.open(actor),
      live: async () => void (await this.fence.read()),
      woken: (shard, actors) => this.log('info', 'woke actors that had work left', { shard, actors }),
      failed: (shard, error) =>
        this.log('warn', 'the marks of a shard can not be read yet', { shard, error: String(error) }),
    });
    this.fence = new FenceReader(options.ownership, options.clock, {
      onRead: () => this.metrics.fenceRead(),
      onFenced: () => this.#fenced(),
    });
    this.due = new Due({
      store: this.store,
      ownership: this.#ownership,
      fence: this.fence,
      clock: this.clock,
      limits: this.limits,
      shards: this.shards,
      serves: (shard) => this.#state === 'running' && !this.#shards.draining(shard),
      resident: ({ kind, key }) => this.#residents.get(kind, key) !== undefined,
      wake: (actor) => this.#reviver.open(actor),
      logOf: ({ kind, key }) => this.#residents.get(kind, key)?.openLog,
      log: (level, message, fields) => this.log(level, message, fields),
    });
  }

  /**
   * Makes kinds known.
   * @throws StarlingError CALL_CYCLE if one awaits a kind that is not of a higher rank
   */
  register(...definitions: readonly ActorDefinition[]): void {
    for (const definition of definitions) this.#registry.add(definition);
  }

  /** Starts the sweep for idle activations and wakes the actors that a former owner left with work. */
  async start(): Promise<void> {
    this.#scheduleSweep();
    this.due.start();
    await this.#shards.start();
  }

  // ---- ShardHost --------------------------------------------------------------------------------------------------

  shardTaken(shard: number): Promise<void> {
    this.due.taken(shard);
    return this.#shards.taken(shard);
  }

  drainShard(shard: number, graceMs: number): Promise<void> {
    return this.#shards.drain(shard, graceMs);
  }

  undrainShard(shard: number): void {
    this.#shards.undrain(shard);
  }

  shardLost(shard: number): void {
    this.#shards.lost(shard);
  }

  /**
   * A client for callers outside of actors.
   * @example runtime.client(UserActor, 'main/alice').send({...}, { timeoutMs: 2000 })
   */
  client<C extends DescService>(type: ActorType<C>, key: string): ActorClient<C> {
    return callClient(this.#outside, type, key);
  }

  /**
   * Opens a server stream on an actor, which owns it from then on. Where another node serves the actor the stream is relayed.
   * What goes wrong ends the stream: with an error that may be retried, where the actor moves or its node is lost.
   */
  open(
    type: ActorType,
    key: string,
    method: string,
    request: Message,
    stream: ServerStream,
    options: OpenOptions = {},
  ): void {
    try {
      if (this.#state !== 'running') throw new StarlingError('SHUTTING_DOWN');
      this.#relay.open(type, key, methodOf(type, method), request, stream, options);
    } catch (error) {
      stream.end(toStarlingError(error));
    }
  }

  /** Who calls from outside of actors: refused once the node stops. */
  readonly #outside: Caller = {
    holdCall: (init) => this.holdCall(init),
    releaseCall: (call) => this.releaseCall(call),
    deadlineAfter: (timeoutMs, latest) => this.deadlineAfter(timeoutMs, latest),
    startCall: (init) => {
      if (this.#state === 'running') this.startCall(init);
      else init.sink.reject(new StarlingError('SHUTTING_DOWN'), false);
    },
  };

  /** What is in memory and what waits there, by kind. Looks at every activation: for whoever asks now and then. */
  depths(): MailboxDepth[] {
    return this.#residents.depths();
  }

  stats(): RuntimeStats {
    const relayed = this.#relay.streams;
    return { activations: this.#residents.count, byKind: this.#residents.counts(), relayed };
  }

  /**
   * Whether a durable actor has ever been opened. Opening one writes (rule 6), so whoever is only asked for by name, by
   * people who may ask for any name, is looked up by this first and costs nothing if there is nobody.
   */
  async exists(type: ActorType, key: string): Promise<boolean> {
    if (this.#residents.get(type.kind, key) !== undefined) return true;
    const shard = shardOf(type.placementKey(key), this.shards);
    return (await this.store.readHead({ kind: type.kind, key, shard })) !== undefined;
  }

  /**
   * What the node knows of an actor, for operators. Opens nothing.
   * @throws StarlingError INVALID_REQUEST for a kind that the node does not know
   */
  inspect(kind: string, key: string): Promise<ActorView> {
    const type = this.#registry.get(kind)?.type;
    if (type === undefined)
      throw invalidRequest('kind', `must be a kind of this node: ${this.kinds().join(', ')}`);
    const { shard, epoch, servedBy } = this.place(type, key);
    return inspectActor({
      address: { kind, key, shard },
      epoch,
      servedBy,
      resident: this.#residents.get(kind, key),
      store: this.store,
      now: this.clock.monotonic(),
    });
  }

  /** The kinds that are registered. */
  kinds(): string[] {
    return this.#registry.kinds();
  }

  /** Where an actor is placed. */
  place(type: ActorType, key: string): ActorPlace {
    const shard = shardOf(type.placementKey(key), this.shards);
    const epoch = this.#ownership.claim(shard)?.epoch ?? 0;
    return { shard, epoch, servedBy: epoch > 0 ? this.node : this.#directory?.nodeOf(shard) };
  }

  /** Refuses new work, lets what was accepted end (at most `graceMs`), writes checkpoints, drops everything. */
  async stop(graceMs: number): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    this.#sweeper?.cancel();
    this.#reviver.stop();
    this.due.stop();
    const error = new StarlingError('SHUTTING_DOWN');
    this.#relay.stop(error);
    for (const activation of this.#residents.all()) activation.flush();
    const end = this.clock.monotonic() + graceMs;
    await this.#until(end, () => this.#residents.all().every((activation) => activation.quiet));
    this.#state = 'stopped';
    for (const activation of this.#residents.all()) activation.end(error);
    await this.#until(end, () => this.#relay.quiet);
    this.#relay.end();
  }

  /** Looks until `done`, but no longer than to `end`. */
  async #until(end: number, done: () => boolean): Promise<void> {
    while (this.clock.monotonic() < end && !done())
      await new Promise<void>((resolve) => this.clock.after(5, resolve));
  }

  // ---- Host -------------------------------------------------------------------------------------------------------

  startCall(init: CallInit): void {
    this.#router.start(init);
  }

  holdCall(init: CallInit): Call {
    return this.#router.hold(init);
  }

  releaseCall(call: Call): void {
    this.#router.release(call);
  }

  deadlineAfter(timeoutMs: number | undefined, latest?: number): number {
    return this.#router.deadlineAfter(timeoutMs, latest);
  }

  ready(activation: Activation): void {
    this.#ready.push(activation);
    if (this.#readyQueued) return;
    this.#readyQueued = true;
    queueMicrotask(() => this.#runReady());
  }

  #runReady(): void {
    this.#readyQueued = false;
    const batch = this.#ready;
    this.#ready = [];
    for (const activation of batch) {
      try {
        activation.run();
      } catch (error) {
        // A defect of one actor, e.g. in its `closed`, must not strand the turns of the others.
        activation.end(toStarlingError(error));
      }
    }
  }

  dropped(activation: Activation, failed: boolean): void {
    this.#residents.remove(activation);
    const durable = activation.definition.codec !== undefined;
    if (failed && durable && this.#state === 'running') this.#reviver.revive(activation.address);
  }

  endedUnclean(actor: ActorAddress): boolean {
    return this.#residents.endedUnclean(actor);
  }

  noteUnclean(actor: ActorAddress): void {
    this.#residents.noteUnclean(actor);
  }

  emptyReply(method: ActorMethod): Message {
    return create(method.output);
  }

  interceptorsOf({ interceptors }: ActorDefinition): readonly Interceptor[] {
    if (interceptors.length === 0) return this.#interceptors;
    return this.#interceptors.length === 0 ? interceptors : [...this.#interceptors, ...interceptors];
  }

  startTell(
    kind: string,
    key: string,
    method: string,
    decode: (type: ActorType) => Message,
    origin: TellOrigin,
    sink: CallSink,
    traceparent: string,
  ): void {
    try {
      const { type } = this.#registry.require(kind);
      this.#router.start({
        type,
        key,
        method: methodOf(type, method),
        request: decode(type),
        deadline: this.deadlineAfter(undefined),
        sink,
        origin,
        caller: actorNamed(origin.sender),
        traceparent: traceparent === '' ? undefined : traceparent,
      });
    } catch (error) {
      sink.reject(toStarlingError(error), false);
    }
  }

  fanOut(
    type: ActorType,
    method: ActorMethod,
    shared: Message,
    receivers: readonly FanOutPart[],
    then: (result: FanOutResult) => void,
    how: FanOutHow,
  ): void {
    this.#router.fanOut(type, method, shared, receivers, then, how);
  }

  log(level: LogLevel, message: string, fields: Record<string, unknown>): void {
    this.#onLog({ level, message, fields });
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  /** The activation of an actor, made if there is none. */
  #activation(type: ActorType, key: string): Activation {
    if (this.#state === 'stopped') throw new StarlingError('SHUTTING_DOWN');
    const present = this.#residents.use(type.kind, key);
    if (present !== undefined) {
      if (this.#shards.draining(present.address.shard)) throw new StarlingError('NOT_OWNER');
      return present;
    }
    const definition = this.#registry.require(type.kind);
    const shard = shardOf(type.placementKey(key), this.shards);
    const claim = this.#ownership.claim(shard);
    if (claim === undefined) this.#ownership.wanted?.(shard);
    if (claim === undefined || this.#shards.draining(shard))
      throw new StarlingError('NOT_OWNER', `shard ${shard}`);
    this.#makeRoom();
    this.metrics.activation(type.kind);
    const activation = new Activation(this, definition, { kind: type.kind, key, shard }, claim);
    this.#residents.add(activation);
    return activation;
  }

  /** @throws StarlingError OVERLOADED if there is no room for one more activation */
  #makeRoom(): void {
    this.#relieve();
    const { activationsMax } = this.limits;
    const excess = this.#residents.count + 1 - activationsMax;
    if (excess > 0 && this.#residents.evict(excess) < excess)
      throw new StarlingError('OVERLOADED', 'Too many actors.');
  }

  /** Drops activations where memory is short. */
  #relieve(): void {
    const excess = this.#pressure.excess(this.#residents.count);
    if (excess === 0) return;
    const dropped = this.#residents.evict(excess);
    this.log('info', 'memory is short: activations were dropped', { dropped, wanted: excess });
  }

  async #open(actor: ActorAddress): Promise<void> {
    const definition = this.#registry.get(actor.kind);
    if (definition === undefined) {
      this.log('warn', 'a marked actor is of a kind that this node does not know', {
        kind: actor.kind,
        key: actor.key,
      });
      return;
    }
    await this.#activation(definition.type, actor.key).whenOpen();
  }

  #scheduleSweep(): void {
    this.#sweeper = this.clock.after(this.limits.idleMsMax / 4, () => {
      this.#residents.sweep(this.clock.monotonic(), this.limits.idleMsMax);
      this.#relieve();
      this.#scheduleSweep();
    });
  }

  #fenced(): void {
    this.log('error', 'this node was fenced: it ends every activation', { node: this.node });
    this.#state = 'stopped';
    this.#sweeper?.cancel();
    this.#reviver.stop();
    this.due.stop();
    const error = new StarlingError('OUTCOME_UNKNOWN');
    this.#relay.stop(new StarlingError('SHUTTING_DOWN'));
    for (const activation of this.#residents.all()) activation.end(error);
  }
}

/** Makes the runtime of one node. */
export function createRuntime(options: RuntimeOptions): Runtime {
  return new Runtime(options);
}
