// The clients' end: streams of clients of this node whose actors are with another one. Owns: asking the other node for a
// stream, and what comes of its batches. Does not own: which node that is, trying elsewhere (relay.ts), the actors' end
// (relay-link.ts). Invariants: Y1 … Y8 (relay.ts).

import { create, type Message } from '@bufbuild/protobuf';
import {
  type NodeStreamFrames,
  type NodeStreamFramesReply,
  NodeStreamFramesReplySchema,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import type { ActorMethod, ActorType } from './actor-type.ts';
import { StarlingError, toStarlingError } from './errors.ts';
import type { RuntimeLimits } from './limits.ts';
import { errorOfNode } from './outcome.ts';
import type { Clock } from './ports/clock.ts';
import type { Transport } from './ports/transport.ts';
import { encodeOpen, readOpenAnswer } from './relay-wire.ts';
import type { ServerStream } from './service.ts';

/** A stream with more bytes in the socket's buffer is slow: the other node is told. */
const SLOW_BYTES = 16 * 1024;

/** What is asked of another node. */
export interface Asked {
  readonly type: ActorType;
  readonly key: string;
  readonly method: ActorMethod;
  readonly request: Message;
  readonly client: ServerStream;
  /** On the monotonic clock. */
  readonly deadline: number;
}

/** What becomes of it. */
export interface AskedSink {
  /** The other node has the stream, and gives it to the actor. */
  taken(): void;
  /** It ended, or was never taken. `fresh`: the client has been given nothing. */
  ended(error: StarlingError | undefined, fresh: boolean): void;
}

export interface GatewayEndOptions {
  readonly node: string;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly transport: Transport;
  /** The run of this node. */
  readonly incarnation: bigint;
  /** Whether a node is still said to serve an actor. */
  readonly servedBy: (node: string, type: ActorType, key: string) => boolean;
}

interface ClientStream {
  readonly id: number;
  readonly asked: Asked;
  readonly sink: AskedSink;
  link: FramesLink | undefined;
  fresh: boolean;
}

interface FramesLink {
  readonly id: bigint;
  readonly streams: Set<ClientStream>;
  readonly slow: Set<ClientStream>;
  /** Streams whose clients left since the last answer. */
  gone: number[];
  /** The last batch that was taken, and its answer. */
  batch: number;
  answer: NodeStreamFramesReply;
  heardMs: number;
}

const RESET = create(NodeStreamFramesReplySchema, { reset: true });
const NOTHING = create(NodeStreamFramesReplySchema);

export class GatewayEnd {
  readonly #options: GatewayEndOptions;
  readonly #streams = new Map<number, ClientStream>();
  readonly #links = new Map<bigint, FramesLink>();
  #nextId = 0;

  constructor(options: GatewayEndOptions) {
    this.#options = options;
  }

  /** Streams of clients that go to other nodes. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Asks `node` for a stream. */
  open(node: string, asked: Asked, sink: AskedSink): void {
    const stream: ClientStream = { id: this.#newId(), asked, sink, link: undefined, fresh: true };
    this.#streams.set(stream.id, stream);
    asked.client.onClose(() => this.#left(stream));
    if (!this.#streams.has(stream.id)) return;
    let envelope: Uint8Array;
    try {
      const { node: gateway, incarnation, limits } = this.#options;
      envelope = encodeOpen({ gateway, incarnation, stream: stream.id, ...asked }, limits.relayTryMs);
    } catch (error) {
      // A defect of whoever made the request: it has not left.
      this.#ended(stream, toStarlingError(error));
      return;
    }
    this.#ask(node, stream, envelope);
  }

  #newId(): number {
    do this.#nextId = (this.#nextId + 1) >>> 0;
    while (this.#streams.has(this.#nextId));
    return this.#nextId;
  }

  /** Asks until there is an answer: by the same number, so that the stream is opened once. */
  #ask(node: string, stream: ClientStream, envelope: Uint8Array): void {
    const { clock, limits, transport } = this.#options;
    const leftMs = stream.asked.deadline - clock.monotonic();
    const tryMs = Math.max(1, Math.ceil(Math.min(limits.relayTryMs, leftMs)));
    transport.request(node, envelope, tryMs).then(
      (bytes) => this.#answered(stream, bytes),
      (thrown: unknown) => {
        const error = toStarlingError(thrown);
        // Frames may have come before the answer got lost.
        if (!this.#waits(stream)) return;
        if (error.entry.outcome === 'not_done') this.#ended(stream, error);
        else if (clock.monotonic() + limits.relayRetryMs >= stream.asked.deadline)
          this.#ended(stream, new StarlingError('DEADLINE_EXCEEDED', `${node} has not answered.`));
        else clock.after(limits.relayRetryMs, () => this.#askAgain(node, stream, envelope));
      },
    );
  }

  /** Where the actor has moved meanwhile it is looked for again: what the former node may have opened ends there (Y6). */
  #askAgain(node: string, stream: ClientStream, envelope: Uint8Array): void {
    if (!this.#waits(stream)) return;
    const { type, key } = stream.asked;
    if (this.#options.servedBy(node, type, key)) this.#ask(node, stream, envelope);
    else this.#ended(stream, new StarlingError('NOT_OWNER'));
  }

  /** Nobody has taken it yet, and the client is still there. */
  #waits(stream: ClientStream): boolean {
    return stream.link === undefined && this.#streams.get(stream.id) === stream;
  }

  #answered(stream: ClientStream, bytes: Uint8Array): void {
    if (!this.#waits(stream)) return;
    const answer = readOpenAnswer(bytes);
    if (answer === undefined)
      this.#ended(stream, new StarlingError('OUTCOME_UNKNOWN', 'Another node answered something else.'));
    else if (answer.error !== undefined) this.#ended(stream, errorOfNode(answer.error));
    else {
      const link = this.#links.get(answer.link) ?? this.#newLink(answer.link);
      if (link === undefined) this.#ended(stream, new StarlingError('OVERLOADED', 'Too many links.'));
      else this.#bind(stream, link);
    }
  }

  #newLink(id: bigint): FramesLink | undefined {
    if (this.#links.size >= this.#options.limits.relayLinksMax) return undefined;
    const heardMs = this.#options.clock.monotonic();
    const empty = { streams: new Set<ClientStream>(), slow: new Set<ClientStream>(), gone: [] };
    const link: FramesLink = { id, ...empty, batch: 0, answer: NOTHING, heardMs };
    this.#links.set(id, link);
    return link;
  }

  #bind(stream: ClientStream, link: FramesLink): void {
    stream.link = link;
    link.streams.add(stream);
    stream.sink.taken();
  }

  // ---- batches ------------------------------------------------------------------------------------------------------

  /** Takes a batch: each once, in order (Y1). */
  take(frames: NodeStreamFrames): NodeStreamFramesReply {
    const link = this.#linkOf(frames);
    if (link === undefined) return RESET;
    // An older one was held up on its way: nobody waits for its answer.
    if (frames.batch < link.batch) return link.answer;
    link.heardMs = this.#options.clock.monotonic();
    if (frames.batch === link.batch) return this.#answerAgain(link);
    if (frames.batch !== link.batch + 1) {
      this.#endLink(link);
      return RESET;
    }
    link.batch = frames.batch;
    this.#apply(link, frames);
    link.answer = this.#answer(link);
    return link.answer;
  }

  /** Undefined: a batch for another run of this node, or one of a link that was given up (Y4). */
  #linkOf({ link: id, incarnation, batch }: NodeStreamFrames): FramesLink | undefined {
    if (incarnation !== this.#options.incarnation) return undefined;
    const known = this.#links.get(id);
    if (known !== undefined) return known;
    return batch === 1 ? this.#newLink(id) : undefined;
  }

  #apply(link: FramesLink, { opened, streams, frames, ends }: NodeStreamFrames): void {
    const strange = new Set<number>();
    for (const id of opened) {
      const stream = this.#streams.get(id);
      if (stream !== undefined && stream.link === undefined) this.#bind(stream, link);
      if (stream?.link !== link) strange.add(id);
    }
    for (const [i, id] of streams.entries()) {
      const stream = this.#streams.get(id);
      const frame = frames[i];
      if (stream?.link !== link) strange.add(id);
      else if (frame !== undefined) this.#give(stream, link, frame);
    }
    for (const { stream: id, error } of ends) {
      const stream = this.#streams.get(id);
      if (stream?.link === link) this.#ended(stream, error === undefined ? undefined : errorOfNode(error));
    }
    link.gone.push(...strange);
  }

  #give(stream: ClientStream, link: FramesLink, frame: Uint8Array): void {
    const { client } = stream.asked;
    stream.fresh = false;
    client.send(frame);
    const waiting = client.bufferedBytes;
    if (waiting <= SLOW_BYTES || client.closed) return;
    link.slow.add(stream);
    if (waiting > this.#options.limits.relayStreamBytesMax) {
      link.gone.push(stream.id);
      this.#ended(stream, new StarlingError('OVERLOADED', 'The client does not read its stream.'));
    }
  }

  #answer(link: FramesLink): NodeStreamFramesReply {
    const { gone } = link;
    link.gone = [];
    if (gone.length === 0 && link.slow.size === 0) return NOTHING;
    const slow: number[] = [];
    const slowBytes: number[] = [];
    for (const stream of link.slow) {
      const waiting = stream.asked.client.bufferedBytes;
      slow.push(stream.id);
      slowBytes.push(waiting > SLOW_BYTES ? waiting : 0);
      if (waiting <= SLOW_BYTES) link.slow.delete(stream);
    }
    return create(NodeStreamFramesReplySchema, { gone, slow, slowBytes });
  }

  /** Clients that have left meanwhile are told too: the other node may be about to hand their streams over (Y8). */
  #answerAgain({ answer, gone }: FramesLink): NodeStreamFramesReply {
    return create(NodeStreamFramesReplySchema, { ...answer, gone: [...answer.gone, ...gone] });
  }

  /** The client is gone: the other node hears of it with the answer to its next batch. */
  #left(stream: ClientStream): void {
    const { link } = stream;
    if (!this.#forget(stream)) return;
    link?.gone.push(stream.id);
  }

  #ended(stream: ClientStream, error: StarlingError | undefined): void {
    if (this.#forget(stream)) stream.sink.ended(error, stream.fresh);
  }

  #forget(stream: ClientStream): boolean {
    if (this.#streams.get(stream.id) !== stream) return false;
    this.#streams.delete(stream.id);
    stream.link?.streams.delete(stream);
    stream.link?.slow.delete(stream);
    return true;
  }

  #endLink(link: FramesLink): void {
    this.#links.delete(link.id);
    for (const stream of [...link.streams])
      this.#ended(stream, new StarlingError('NOT_OWNER', 'The node that serves it was lost.'));
  }

  /** Y3. */
  onStep(nowMs: number): void {
    for (const link of this.#links.values())
      if (nowMs - link.heardMs > this.#options.limits.relaySilentMs) this.#endLink(link);
  }

  /** Something has to be looked after: links, or streams that are about to have one. */
  get busy(): boolean {
    return this.#links.size > 0 || this.#streams.size > 0;
  }

  /** Ends every stream, as if all clients had gone. */
  end(error: StarlingError): void {
    for (const stream of [...this.#streams.values()]) {
      stream.link?.gone.push(stream.id);
      this.#ended(stream, error);
    }
  }
}
