// Streams of clients, wherever their actors are: on an activation of this node, or relayed from the node that serves it.
// Owns: where a stream is opened, trying elsewhere while its actor moves, and the two ends of relayed streams of this node
// (relay-gateway.ts: clients here; relay-link.ts: actors here). Does not own: what the streams carry.
//
// Y1  Frames of one stream arrive in order and once: on a link one batch is under way at a time, it is repeated until it is
//     answered, and the gateway takes batch n + 1 only after batch n.
// Y2  A frame is lost only with the end of its stream: whoever gives up a frame ends the stream, or the link with all of its
//     streams. Ending is always safe, since a client goes on from what it has.
// Y3  Neither side waits for one that is gone: each ends the streams of a link on which it has heard nothing for relaySilentMs.
// Y4  A link belongs to one run of each of its two nodes: a run that was restarted knows nothing of it, says so, and its
//     streams end.
// Y5  Everything that waits is bounded: bytes of a stream and of a link, streams of a link, links. What does not fit is refused,
//     or ends, with OVERLOADED.
// Y6  The two sides agree on which streams there are: every one that the actors' end has opened is told with the next batch,
//     and the gateway answers which of them have no client (any more).
// Y7  A stream is opened by its deadline or ends with an error that says whether to try again.
// Y8  An actor is handed a stream only after the gateway was asked and said that the client is there. So an opening that was
//     held up on its way, or came twice, reaches no actor: it could end the stream that the client uses now.

import { create, fromBinary, type Message } from '@bufbuild/protobuf';
import {
  type NodeStreamFrames,
  type NodeStreamFramesReply,
  type NodeStreamOpen,
  type NodeStreamOpenReply,
  NodeStreamOpenReplySchema,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { type ActorMethod, type ActorType, methodOf } from './actor-type.ts';
import { invariant, StarlingError, toStarlingError } from './errors.ts';
import type { RuntimeLimits } from './limits.ts';
import { nodeError } from './outcome.ts';
import { shardOf } from './placement.ts';
import type { Clock, Timer } from './ports/clock.ts';
import type { Ownership } from './ports/ownership.ts';
import type { Random } from './ports/random.ts';
import type { Directory, Transport } from './ports/transport.ts';
import { LocalAttempt } from './relay-attempt.ts';
import { GatewayEnd } from './relay-gateway.ts';
import { RelayLink } from './relay-link.ts';
import type { ServerStream } from './service.ts';

/** How a stream is opened. */
export interface OpenOptions {
  /** Called when another node, which serves the actor, has taken the stream. Default: nobody wants to know. */
  readonly relayed?: (node: string) => void;
}

export interface RelayOptions {
  readonly node: string;
  readonly shards: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: RuntimeLimits;
  readonly ownership: Ownership;
  /** Absent = there are no other nodes. */
  readonly peers: { readonly transport: Transport; readonly directory: Directory } | undefined;
  readonly typeOf: (kind: string) => ActorType;
  /** Hands a stream to an activation of this node. Throws where the actor is not served here. */
  readonly openHere: (
    type: ActorType,
    key: string,
    method: ActorMethod,
    request: Message,
    stream: ServerStream,
    deadline: number,
  ) => void;
}

/** A stream that is being opened, or opened again. */
interface Opening {
  readonly type: ActorType;
  readonly key: string;
  readonly method: ActorMethod;
  readonly request: Message;
  readonly client: ServerStream;
  readonly deadline: number;
  readonly options: OpenOptions;
  retries: number;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #links = new Map<string, RelayLink>();
  #gateway: GatewayEnd | undefined;
  #step: Timer | undefined;
  #stopping: StarlingError | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Streams of clients of this node whose actors are elsewhere, and of actors of this node whose clients are. */
  get streams(): { readonly out: number; readonly in: number } {
    let inward = 0;
    for (const { streams } of this.#links.values()) inward += streams;
    return { out: this.#gateway?.streams ?? 0, in: inward };
  }

  /** Opens a stream on an actor, wherever it is. Never throws: what goes wrong ends the stream (Y7). */
  open(
    type: ActorType,
    key: string,
    method: ActorMethod,
    request: Message,
    client: ServerStream,
    options: OpenOptions,
  ): void {
    const { clock, limits } = this.#options;
    const deadline = clock.monotonic() + limits.callMsDefault;
    this.#attempt({ type, key, method, request, client, deadline, options, retries: 0 });
  }

  #attempt(opening: Opening): void {
    const { type, key, client } = opening;
    if (client.closed) return;
    if (this.#stopping !== undefined) {
      client.end(this.#stopping);
      return;
    }
    const node = this.#elsewhere(type, key);
    if (node === undefined) this.#attemptHere(opening);
    else this.#attemptAt(node, opening);
  }

  #attemptHere(opening: Opening): void {
    const { type, key, method, request, client, deadline } = opening;
    const { peers, openHere } = this.#options;
    const ended = (error: StarlingError | undefined, fresh: boolean): void =>
      this.#ended(opening, undefined, error, fresh);
    // Without other nodes nothing changes by trying again.
    const stream = peers === undefined ? client : new LocalAttempt(client, ended);
    try {
      openHere(type, key, method, request, stream, deadline);
    } catch (error) {
      stream.end(toStarlingError(error));
    }
  }

  #attemptAt(node: string, opening: Opening): void {
    this.#watch();
    this.#gatewayEnd().open(node, opening, {
      taken: () => opening.options.relayed?.(node),
      ended: (error, fresh) => this.#ended(opening, node, error, fresh),
    });
  }

  /** An attempt has ended. `fresh`: the client has been given nothing, so that it may be opened elsewhere. */
  #ended(opening: Opening, node: string | undefined, error: StarlingError | undefined, fresh: boolean): void {
    if (error !== undefined && fresh && this.#again(opening, node, error)) return;
    opening.client.end(error);
  }

  /** Y7. False: it is not tried again. */
  #again(opening: Opening, node: string | undefined, { code }: StarlingError): boolean {
    const { limits, clock, random, peers, shards } = this.#options;
    const moved = code === 'NOT_OWNER' || (code === 'SHUTTING_DOWN' && node !== undefined);
    if (!moved || this.#stopping !== undefined || opening.retries >= limits.callRetriesMax) return false;
    const { type, key, deadline } = opening;
    if (code === 'NOT_OWNER' && node !== undefined)
      peers?.directory.notOwner?.(shardOf(type.placementKey(key), shards), node);
    const backoff = Math.min(limits.callRetryMsMax, limits.callRetryMsMin * 2 ** opening.retries);
    const delayMs = Math.ceil(backoff * (0.5 + random.float() / 2));
    if (clock.monotonic() + delayMs >= deadline) return false;
    opening.retries++;
    clock.after(delayMs, () => this.#attempt(opening));
    return true;
  }

  /** The other node that serves an actor; undefined where it is served here, or nobody is known to. */
  #elsewhere(type: ActorType, key: string): string | undefined {
    const { peers, ownership, shards, node } = this.#options;
    if (peers === undefined) return undefined;
    const shard = shardOf(type.placementKey(key), shards);
    if (ownership.claim(shard) !== undefined) return undefined;
    const owner = peers.directory.nodeOf(shard);
    return owner === node ? undefined : owner;
  }

  #gatewayEnd(): GatewayEnd {
    const { node, clock, limits, peers, random } = this.#options;
    invariant(peers !== undefined, 'only a node with peers relays');
    this.#gateway ??= new GatewayEnd({
      ...{ node, clock, limits },
      transport: peers.transport,
      incarnation: random.bits64(),
      servedBy: (other, type, key) => this.#elsewhere(type, key) === other,
    });
    return this.#gateway;
  }

  // ---- what other nodes ask -----------------------------------------------------------------------------------------

  /** Takes a stream of a client of another node. Never throws. */
  opened(asked: NodeStreamOpen): NodeStreamOpenReply {
    let link: RelayLink | undefined;
    try {
      if (this.#stopping !== undefined) throw this.#stopping;
      const type = this.#options.typeOf(asked.kind);
      const method = methodOf(type, asked.method);
      const request = fromBinary(method.input, asked.request);
      const { ownership, shards } = this.#options;
      const shard = shardOf(type.placementKey(asked.key), shards);
      // Known at once, so nobody is asked for it (Y8).
      if (ownership.claim(shard) === undefined) throw new StarlingError('NOT_OWNER');
      link = this.#linkTo(asked);
      if (!link.has(asked.stream)) this.#openFrom(link, asked, type, method, request);
      return create(NodeStreamOpenReplySchema, { link: link.id });
    } catch (error) {
      return create(NodeStreamOpenReplySchema, { error: nodeError(toStarlingError(error), false) });
    }
  }

  #openFrom(
    link: RelayLink,
    { stream: id, key }: NodeStreamOpen,
    type: ActorType,
    method: ActorMethod,
    request: Message,
  ): void {
    const { clock, limits, openHere } = this.#options;
    link.open(id, (stream) => {
      try {
        openHere(type, key, method, request, stream, clock.monotonic() + limits.callMsDefault);
      } catch (error) {
        stream.end(toStarlingError(error));
      }
    });
  }

  #linkTo({ gateway, incarnation }: NodeStreamOpen): RelayLink {
    const { clock, limits, peers, random } = this.#options;
    invariant(peers !== undefined, 'only a node with peers is asked by one');
    const name = `${gateway} ${incarnation}`;
    const known = this.#links.get(name);
    if (known !== undefined && !known.ended) return known;
    if (known === undefined && this.#links.size >= limits.relayLinksMax)
      throw new StarlingError('OVERLOADED', 'Streams of too many nodes.');
    const { transport } = peers;
    const link = new RelayLink({ id: random.bits64(), gateway, incarnation, clock, limits, transport });
    this.#links.set(name, link);
    this.#watch();
    return link;
  }

  /** Takes a batch of frames for clients of this node. */
  take(frames: NodeStreamFrames): NodeStreamFramesReply {
    this.#watch();
    return this.#gatewayEnd().take(frames);
  }

  // ---- time ---------------------------------------------------------------------------------------------------------

  #watch(): void {
    const { clock, limits } = this.#options;
    this.#step ??= clock.after(limits.relayBeatMs / 2, () => this.#onStep());
  }

  #onStep(): void {
    this.#step = undefined;
    const nowMs = this.#options.clock.monotonic();
    for (const [name, link] of this.#links) if (!link.onStep(nowMs)) this.#links.delete(name);
    this.#gateway?.onStep(nowMs);
    if (this.#links.size > 0 || this.#gateway?.busy === true) this.#watch();
  }

  /** Opens nothing any more; streams of clients of this node end with `error`. */
  stop(error: StarlingError): void {
    if (this.#stopping !== undefined) return;
    this.#stopping = error;
    this.#gateway?.end(error);
  }

  /** What actors of this node have put on their streams is with the other nodes. */
  get quiet(): boolean {
    for (const link of this.#links.values()) if (!link.quiet) return false;
    return true;
  }

  /** Ends every link. */
  end(): void {
    this.#step?.cancel();
    for (const link of this.#links.values()) link.end();
    this.#links.clear();
  }
}
