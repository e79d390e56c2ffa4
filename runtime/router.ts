// Brings calls and fan-outs to their actors: to activations of this node, or in envelopes to the nodes that serve them.
//
// R1  Every call is watched until it is answered, so it ends by its deadline (I13).
// R2  A fan-out is one envelope per destination node, with the shared part once (and none for this node).
// R3  What another node has handed over is not passed on to a third one: where it is not served here it is refused, and
//     who asked looks again.

import { type Message, toBinary } from '@bufbuild/protobuf';
import type { Activation } from './activation.ts';
import { Call, type CallSink, NO_SINK } from './call.ts';
import { Deadlines } from './deadlines.ts';
import type { ActorType } from './definition.ts';
import { invariant, StarlingError, toStarlingError } from './errors.ts';
import { type FanOutPart, fanOutLocally, type Refused } from './fan-out.ts';
import type { RuntimeLimits } from './limits.ts';
import { shardOf } from './placement.ts';
import type { Clock } from './ports/clock.ts';
import type { Ownership } from './ports/ownership.ts';
import type { Directory, Transport } from './ports/transport.ts';
import { methodOf } from './registry.ts';
import { answer, callRemotely, fanOutRemotely } from './remote.ts';
import type { TellOrigin } from './tells.ts';

/** The way to other nodes. */
export interface Peers {
  readonly transport: Transport;
  readonly directory: Directory;
}

export interface RouterOptions {
  readonly node: string;
  readonly shards: number;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly ownership: Ownership;
  /** Absent = there are no other nodes. */
  readonly peers: Peers | undefined;
  /** The activation of an actor that is served here. Throws where it is not, or can't be made. */
  readonly activation: (type: ActorType, key: string) => Activation;
  /** The type of a kind. Throws where the node does not know it. */
  readonly typeOf: (kind: string) => ActorType;
}

export interface StartOptions {
  readonly method: string;
  /** On the monotonic clock. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  readonly sink: CallSink;
  readonly origin?: TellOrigin;
}

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
  start(type: ActorType, key: string, request: Message, options: StartOptions): void {
    const node = this.#remoteNode(type, key);
    const call = this.#watched(request, options);
    if (!call.pending) return;
    if (node === undefined) this.#deliver(call, type, key);
    else this.#send(node, call, type, key);
  }

  /** A call that ends by its deadline, or when the caller gives up (R1). */
  #watched(request: Message, { method, deadline, signal, sink, origin }: StartOptions): Call {
    // Nobody waits for a one-way call: it is only not begun after its deadline.
    if (sink === NO_SINK) return new Call(method, request, deadline, undefined, sink);
    const call: Call = new Call(
      method,
      request,
      deadline,
      signal,
      {
        resolve: (value) => {
          this.#deadlines.done(call);
          sink.resolve(value);
        },
        reject: (error) => {
          this.#deadlines.done(call);
          sink.reject(error);
        },
      },
      origin,
    );
    this.#deadlines.watch(call);
    if (signal?.aborted === true) call.reject(new StarlingError('CANCELLED'));
    else signal?.addEventListener('abort', () => call.reject(new StarlingError('CANCELLED')), { once: true });
    return call;
  }

  #deliver(call: Call, type: ActorType, key: string): void {
    try {
      this.#options.activation(type, key).accept(call);
    } catch (error) {
      call.reject(toStarlingError(error));
    }
  }

  #send(node: string, call: Call, type: ActorType, key: string): void {
    const { peers, clock } = this.#options;
    invariant(peers !== undefined, 'only a node with peers sends to one');
    const timeoutMs = Math.max(1, Math.ceil(call.deadline - clock.monotonic()));
    callRemotely(peers.transport, node, type, key, call, timeoutMs);
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
    method: string,
    shared: Message,
    receivers: readonly FanOutPart[],
    done: (refused: Refused[]) => void,
  ): void {
    const { fanOutReceiversMax, callMsDefault } = this.#options.limits;
    invariant(receivers.length <= fanOutReceiversMax, 'a fan-out has at most fanOutReceiversMax receivers');
    const { here, elsewhere } = this.#byNode(type, receivers);
    let open = 1 + elsewhere.size;
    const all: Refused[] = [];
    const part = (refused: readonly Refused[]): void => {
      all.push(...refused);
      open--;
      if (open === 0) done(all);
    };
    const { peers } = this.#options;
    if (peers !== undefined && elsewhere.size > 0) {
      const encoded = toBinary(methodOf(type, method).input, shared);
      for (const [node, parts] of elsewhere) {
        const fanOut = { type, method, shared: encoded, receivers: parts, timeoutMs: callMsDefault };
        // Never rejects: what goes wrong on the way is the answer of every receiver.
        void fanOutRemotely(peers.transport, node, fanOut).then(part);
      }
    }
    const requests = here.map(({ key, own }) => ({ key, request: { ...shared, ...own } as Message }));
    this.#fanOutHere(type, method, requests, callMsDefault, part);
  }

  #byNode(type: ActorType, receivers: readonly FanOutPart[]) {
    const elsewhere = new Map<string, FanOutPart[]>();
    if (this.#options.peers === undefined) return { here: receivers, elsewhere };
    const here: FanOutPart[] = [];
    for (const receiver of receivers) {
      const node = this.#remoteNode(type, receiver.key);
      if (node === undefined) {
        here.push(receiver);
        continue;
      }
      const parts = elsewhere.get(node);
      if (parts === undefined) elsewhere.set(node, [receiver]);
      else parts.push(receiver);
    }
    return { here, elsewhere };
  }

  #fanOutHere(
    type: ActorType,
    method: string,
    requests: readonly { readonly key: string; readonly request: Message }[],
    timeoutMs: number,
    done: (refused: Refused[]) => void,
  ): void {
    const first = requests[0];
    if (first === undefined) {
      done([]);
      return;
    }
    const deadline = this.deadlineAfter(timeoutMs);
    // One watched call stands for all of them, so that a fan-out ends by its deadline and costs one entry.
    let expire: (error: StarlingError) => void = () => {};
    const whole = new Call(method, first.request, deadline, undefined, {
      resolve: () => this.#deadlines.done(whole),
      reject: (error) => expire(error),
    });
    this.#deadlines.watch(whole);
    expire = fanOutLocally({
      method,
      output: methodOf(type, method).output,
      requests,
      deadline,
      deliver: (key, call) => this.#deliver(call, type, key),
      done: (refused) => {
        whole.resolve(first.request);
        done(refused);
      },
    });
  }

  #serve(envelope: Uint8Array): Promise<Uint8Array> {
    return answer(
      {
        typeOf: this.#options.typeOf,
        // R3: straight to an activation of this node.
        startHere: (type, key, request, { timeoutMs, ...options }) => {
          const call = this.#watched(request, { ...options, deadline: this.deadlineAfter(timeoutMs) });
          this.#deliver(call, type, key);
        },
        fanOutHere: (type, method, requests, timeoutMs, done) =>
          this.#fanOutHere(type, method, requests, timeoutMs, done),
      },
      envelope,
    );
  }
}
