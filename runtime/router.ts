// Longer than 300 lines because calls and fan-outs go the same ways, by the same rules.
// Brings calls and fan-outs to their actors: to activations of this node, or in envelopes to the nodes that serve them.
//
// R1  Every call is watched until it is answered, so it ends by its deadline (I13).
// R2  A fan-out is one envelope per destination host, or node on its own, with the shared part once (and none for this node).
// R3  What another node has handed over is not passed on to a third one: where it is not served here it is refused, and
//     who asked looks again. But a part of a fan-out for the whole host goes on to a node of it, once (H1).
// R4  A call is tried again, until its deadline, only if its turn has surely not begun (NOT_OWNER: the shard is moving), or if
//     its method may be repeated.

import type { Message } from '@bufbuild/protobuf';
import type { Activation } from './activation.ts';
import type { ActorMethod, ActorType } from './actor-type.ts';
import { Call, type CallInit, type CallSink, type CallWatcher, NO_SINK } from './call.ts';
import { Deadlines } from './deadlines.ts';
import { invariant, StarlingError, toStarlingError } from './errors.ts';
import { byNode, type FanOutHow, type FanOutPart, fanOutLocally, type Refused } from './fan-out.ts';
import { byHost } from './host-fan-out.ts';
import type { RuntimeLimits } from './limits.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { FanOutResult, NotedFanOut, Notes } from './notes.ts';
import { shardOf } from './placement.ts';
import type { Clock } from './ports/clock.ts';
import type { Ownership } from './ports/ownership.ts';
import type { Random } from './ports/random.ts';
import type { Directory, Transport } from './ports/transport.ts';
import type { Relay } from './relay.ts';
import { callRemotely, encodedOnce, fanOutRemotely } from './remote.ts';
import { answer } from './remote-answers.ts';
import type { Telemetry } from './telemetry/index.ts';

/** The way to other nodes. */
export interface Peers {
  readonly transport: Transport;
  readonly directory: Directory;
}

export interface RouterOptions {
  readonly node: string;
  readonly shards: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: RuntimeLimits;
  readonly metrics: RuntimeMetrics;
  /** Absent = nothing is traced. */
  readonly telemetry: Telemetry | undefined;
  readonly ownership: Ownership;
  /** Absent = there are no other nodes. */
  readonly peers: Peers | undefined;
  /** The activation of an actor that is served here. Throws where it is not, or can't be made. */
  readonly activation: (type: ActorType, key: string) => Activation;
  /** The type of a kind. Throws where the node does not know it. */
  readonly typeOf: (kind: string) => ActorType;
  readonly relay: Relay;
  /** What is done for receivers of a fan-out without an activation. */
  readonly notes: Notes;
}

const NOBODY: readonly string[] = [];

export class Router {
  readonly #options: RouterOptions;
  readonly #deadlines: Deadlines;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, options.limits.deadlineStepMs);
    options.peers?.transport.serve((envelope) => this.#serve(envelope));
  }

  deadlineAfter(timeoutMs: number | undefined, latest = Number.POSITIVE_INFINITY): number {
    const { clock, limits } = this.#options;
    const wanted = Math.min(timeoutMs ?? limits.callMsDefault, limits.callMsMax);
    return Math.min(clock.monotonic() + wanted, latest);
  }

  /** Starts a call, wherever its actor is. */
  start(init: CallInit): void {
    const call = new Call(init);
    this.#watch(call, this.#watcher);
    if (call.pending) this.#route(call);
  }

  /** A call that waits at its sender's gate, to be released or rejected. It ends by its deadline even there (R1). */
  hold(init: CallInit): Call {
    const call = new Call(init);
    call.held = true;
    this.#watch(call, this.#watcher);
    return call;
  }

  /** Lets a held call go. */
  release(call: Call): void {
    call.held = false;
    if (call.pending) this.#route(call);
  }

  #route(call: Call): void {
    const node = this.#remoteNode(call.type, call.key);
    if (node === undefined) this.#deliver(call);
    else this.#send(node, call);
  }

  /** Sees to it that a call ends by its deadline, or when the caller gives up (R1). */
  #watch(call: Call, watcher: CallWatcher): void {
    // Nobody waits for a one-way call: it is only not begun after its deadline.
    if (call.sink === NO_SINK) return;
    call.watcher = watcher;
    this.#deadlines.watch(call);
    const { signal } = call;
    if (signal === undefined) return;
    call.abort = () => call.reject(new StarlingError('CANCELLED'));
    if (signal.aborted) call.abort();
    else signal.addEventListener('abort', call.abort, { once: true });
  }

  /** Calls of this node. */
  readonly #watcher: CallWatcher = {
    done: (call) => this.#done(call),
    again: (call, error) => this.#again(call, error),
  };

  /** Calls that another node has handed over: it sees for itself what to do next (R3). */
  readonly #guestWatcher: CallWatcher = { done: (call) => this.#done(call), again: () => false };

  #done(call: Call): void {
    this.#deadlines.done(call);
    if (call.abort !== undefined) call.signal?.removeEventListener('abort', call.abort);
  }

  /** R4. */
  #again(call: Call, error: StarlingError): boolean {
    const { limits, clock, random } = this.#options;
    if (call.held || call.retries >= limits.callRetriesMax || !this.#mayRepeat(call, error)) return false;
    const backoff = Math.min(limits.callRetryMsMax, limits.callRetryMsMin * 2 ** call.retries);
    const delayMs = backoff * (0.5 + random.float() / 2);
    if (clock.monotonic() + delayMs >= call.deadline) return false;
    this.#options.metrics.retries++;
    call.retries++;
    if (error.entry.outcome === 'unknown' && !call.method.readOnly) call.perhapsDone = true;
    call.begun = false;
    clock.after(delayMs, () => {
      if (call.pending) this.#route(call);
    });
    return true;
  }

  #mayRepeat(call: Call, error: StarlingError): boolean {
    // Without other nodes nothing changes by waiting; a tell or reminder is repeated by its actor.
    if (this.#options.peers === undefined || call.origin !== undefined) return false;
    if (error.code === 'DEADLINE_EXCEEDED' || error.code === 'CANCELLED') return false;
    if (error.code === 'NOT_OWNER' && !call.begun) {
      this.#askedInVain(call.type, call.key);
      return true;
    }
    // Another node that stops gives its shards away.
    if (error.code === 'SHUTTING_DOWN' && !call.begun)
      return this.#remoteNode(call.type, call.key) !== undefined;
    return call.method.repeatable && error.entry.outcome === 'unknown' && error.retryAfterMs !== undefined;
  }

  /** The next one who looks for the actor should look elsewhere. */
  #askedInVain(type: ActorType, key: string): void {
    const { peers, shards, node } = this.#options;
    const shard = shardOf(type.placementKey(key), shards);
    const asked = peers?.directory.nodeOf(shard);
    if (asked !== undefined && asked !== node) peers?.directory.notOwner?.(shard, asked);
  }

  #deliver(call: Call): void {
    try {
      this.#options.activation(call.type, call.key).accept(call);
    } catch (thrown) {
      const error = toStarlingError(thrown);
      this.#options.metrics.refused(error.code);
      call.reject(error);
    }
  }

  #send(node: string, call: Call): void {
    const { peers, clock, metrics, telemetry } = this.#options;
    invariant(peers !== undefined, 'only a node with peers sends to one');
    const begun = clock.monotonic();
    if (telemetry !== undefined && call.traceparent !== undefined) {
      const attributes = { 'starling.kind': call.type.kind, 'starling.node': node };
      const name = `${call.type.kind}.${call.method.localName}`;
      call.span = telemetry.start({ name, role: 'client', parent: call.traceparent, attributes });
    }
    const timeoutMs = Math.max(1, Math.ceil(call.deadline - begun));
    callRemotely(peers.transport, node, call, timeoutMs, () =>
      metrics.remoteCalls.record(clock.monotonic() - begun),
    );
  }

  /** The other node that serves an actor; undefined where it is served here, or nobody is known to. */
  #remoteNode(type: ActorType, key: string): string | undefined {
    const { peers, ownership, shards, node } = this.#options;
    if (peers === undefined) return undefined;
    const shard = shardOf(type.placementKey(key), shards);
    if (ownership.claim(shard) !== undefined) return undefined;
    const owner = peers.directory.nodeOf(shard);
    return owner === node ? undefined : owner;
  }

  /** R2. */
  fanOut(
    type: ActorType,
    method: ActorMethod,
    shared: Message,
    receivers: readonly FanOutPart[],
    done: (result: FanOutResult) => void,
    how: FanOutHow,
  ): void {
    const { fanOutReceiversMax, callMsDefault } = this.#options.limits;
    invariant(receivers.length <= fanOutReceiversMax, 'a fan-out has at most fanOutReceiversMax receivers');
    const { here, elsewhere } = byNode(receivers, (key) => this.#remoteNode(type, key));
    const { peers, metrics, node } = this.#options;
    const envelopes = peers === undefined ? [] : byHost(elsewhere, node, peers.directory);
    let open = 1 + envelopes.length;
    const all: Refused[] = [];
    const allMarked: string[] = [];
    const part = ({ refused, marked }: FanOutResult): void => {
      all.push(...refused);
      allMarked.push(...marked);
      open--;
      if (open === 0) done({ refused: all, marked: allMarked });
    };
    if (peers !== undefined && envelopes.length > 0) {
      const common = { type, method, shared: encodedOnce(method, shared), timeoutMs: callMsDefault, ...how };
      for (const { node: to, receivers: some, forHost } of envelopes) {
        metrics.fanOutEnvelopes++;
        metrics.fanOutReceivers += some.length;
        // Never rejects: what goes wrong on the way is the answer of every receiver.
        void fanOutRemotely(peers.transport, to, { ...common, receivers: some, forHost }).then((result) => {
          this.#refused(type, result.refused);
          part(result);
        });
      }
    }
    const requests = here.map(({ key, own }) => ({ key, request: { ...shared, ...own } as Message }));
    this.#fanOutHere(type, method, requests, callMsDefault, how, part);
  }

  #refused(type: ActorType, refused: readonly Refused[]): void {
    for (const { key, outcome } of refused)
      if (!outcome.ok && outcome.error.code === 'NOT_OWNER') this.#askedInVain(type, key);
  }

  #fanOutHere(
    type: ActorType,
    method: ActorMethod,
    requests: readonly { readonly key: string; readonly request: Message }[],
    timeoutMs: number,
    how: FanOutHow,
    done: (result: FanOutResult) => void,
  ): void {
    const callAll: NotedFanOut['callAll'] = (some, ms, then) =>
      this.#callAll(type, method, some, ms, how, then);
    if (how.absentNote === undefined)
      callAll(requests, timeoutMs, (refused) => done({ refused, marked: NOBODY }));
    else this.#options.notes.fanOut({ type, note: how.absentNote, requests, timeoutMs, callAll, done });
  }

  #callAll(
    type: ActorType,
    method: ActorMethod,
    requests: readonly { readonly key: string; readonly request: Message }[],
    timeoutMs: number,
    { traceparent, caller }: FanOutHow,
    done: (refused: readonly Refused[]) => void,
  ): void {
    const first = requests[0];
    if (first === undefined) {
      done([]);
      return;
    }
    const deadline = this.deadlineAfter(timeoutMs);
    // One watched call stands for all of them, so that a fan-out ends by its deadline and costs one entry.
    let expire: (error: StarlingError) => void = () => {};
    const sink: CallSink = { resolve: () => {}, reject: (error) => expire(error) };
    const whole = new Call({ type, key: first.key, method, request: first.request, deadline, sink });
    this.#watch(whole, this.#guestWatcher);
    expire = fanOutLocally({
      type,
      method,
      requests,
      deadline,
      traceparent,
      caller,
      deliver: (call) => this.#deliver(call),
      done: (refused) => {
        whole.resolve(first.request);
        done(refused);
      },
    });
  }

  /** Another node of this host that serves an actor. */
  #sibling(type: ActorType, key: string): string | undefined {
    const { peers, node } = this.#options;
    const owner = this.#remoteNode(type, key);
    const host = peers?.directory.hostOf?.(node);
    return owner !== undefined && host !== undefined && peers?.directory.hostOf?.(owner) === host
      ? owner
      : undefined;
  }

  #askSibling(node: string, envelope: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const { peers } = this.#options;
    invariant(peers !== undefined, 'only a node with peers is asked by one');
    return peers.transport.request(node, envelope, timeoutMs, 'bulk');
  }

  #serve(envelope: Uint8Array): Promise<Uint8Array> {
    return answer(
      {
        typeOf: this.#options.typeOf,
        relay: this.#options.relay,
        // R3: straight to an activation of this node.
        startHere: (init, timeoutMs) => {
          const call = new Call({ ...init, deadline: this.deadlineAfter(timeoutMs), guest: true });
          this.#watch(call, this.#guestWatcher);
          this.#deliver(call);
        },
        fanOutHere: (type, method, requests, timeoutMs, how, done) =>
          this.#fanOutHere(type, method, requests, timeoutMs, how, done),
        siblings: {
          of: (type, key) => this.#sibling(type, key),
          ask: (node, part, timeoutMs) => this.#askSibling(node, part, timeoutMs),
        },
      },
      envelope,
    );
  }
}
