// What an author writes: the type of an actor (what callers need) and its definition (what runs). Owns the shapes; the
// behaviour behind them is in activation.ts and turn.ts.

import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { invariant } from './errors.ts';
import type { ServerStream } from './service.ts';
import type { Later, Turn } from './turn.ts';

/** What a caller has to know of an actor: enough to address and type it, nothing of how it works. */
export interface ActorType<C extends DescService = DescService> {
  /** 1 to 32 characters of [a-z0-9-]. */
  readonly kind: string;
  /** The protobuf service that is its contract: unary and server-streaming methods. */
  readonly contract: C;
  /** A turn may await only actors of a higher rank (rule 18). */
  readonly rank: number;
  /** The part of the key that decides the shard; default: the whole key. */
  readonly placementKey: (key: string) => string;
  /** Makes a client whose methods all call `start`; one class per contract, made once. */
  readonly bind: (start: StartCall) => Record<string, unknown>;
}

/** What the methods of a client do. */
export type StartCall = (method: DescMethodUnary, request: Message, ...rest: unknown[]) => unknown;

export interface ActorTypeOptions<C extends DescService> {
  readonly kind: string;
  readonly contract: C;
  readonly rank: number;
  readonly placementKey?: (key: string) => string;
}

/** Names a kind of actor. */
export function actorType<C extends DescService>(options: ActorTypeOptions<C>): ActorType<C> {
  invariant(
    /^[a-z][a-z0-9-]{0,31}$/.test(options.kind),
    `kind "${options.kind}" is 1 to 32 characters of [a-z0-9-]`,
  );
  return {
    ...options,
    placementKey: options.placementKey ?? ((key) => key),
    bind: clientMaker(options.contract),
  };
}

/** The unary methods of a contract as a class, so that a client costs one object and no closures. */
function clientMaker(contract: DescService): (start: StartCall) => Record<string, unknown> {
  class Client {
    readonly start: StartCall;
    constructor(start: StartCall) {
      this.start = start;
    }
  }
  for (const method of contract.methods) {
    if (method.methodKind !== 'unary') continue;
    const unary = method as DescMethodUnary;
    const call = function call(this: Client, request: Message, ...rest: unknown[]): unknown {
      return this.start(unary, request, ...rest);
    };
    Object.defineProperty(Client.prototype, method.localName, { value: call });
  }
  return (start) => new Client(start) as unknown as Record<string, unknown>;
}

/** What a handler gives back: the reply, or a promise of it, or the word that a later turn replies. */
export type Answer<O extends DescMessage> = MessageShape<O> | Later<MessageShape<O>>;

/** Handlers for every method of a contract. A method with NO_SIDE_EFFECTS gets a turn that can't write and may interleave. */
export type Handlers<C extends DescService> = {
  [K in keyof C['method']]: C['method'][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, turn: Turn) => Answer<O> | Promise<Answer<O>>
    : C['method'][K] extends DescMethodServerStreaming<infer I>
      ? (request: MessageShape<I>, stream: ServerStream, turn: Turn) => void | Promise<void>
      : never;
};

/** Where the fold of a record says what changes in the actor's tables. */
export interface Effects {
  /** Puts a cell. Written behind the record, never before it is durable (rule 7). */
  put(table: string, key: string, value: Uint8Array): void;
  /** Deletes a cell, likewise. */
  remove(table: string, key: string): void;
}

/** How records of a timeline are turned into bytes and back. */
export interface RecordCodec<R> {
  encode(record: R): Uint8Array;
  decode(bytes: Uint8Array): R;
}

/** A codec for a protobuf message. */
export function messageCodec<M extends DescMessage>(schema: M): RecordCodec<MessageShape<M>> {
  return { encode: (record) => toBinary(schema, record), decode: (bytes) => fromBinary(schema, bytes) };
}

/**
 * The part of a durable actor that the runtime drives. State is a function of the checkpoint and the records after it:
 * `apply` must depend on nothing else (no clock, no randomness, no I/O).
 */
export interface Durable<R> {
  /** Takes over a checkpoint. Called at most once, before any `apply`. */
  restore(state: Uint8Array): void;
  /** Folds one record into the state. Called when it is appended and again when it is read back. */
  apply(seq: number, record: R, effects: Effects): void;
  /** The whole state, as of the last `apply`. */
  snapshot(): Uint8Array;
}

/** Hooks that any actor may have. */
export interface Lifecycle {
  /** The activation is open: finish what a former one left (deliveries, tells). */
  opened?(turn: Turn): void;
  /** The activation is being dropped, or has ended with an error. In memory only: nothing may be written or called. */
  closed?(): void;
}

/** What the factory gets: the identity of the actor. */
export interface Self {
  readonly kind: string;
  readonly key: string;
  readonly shard: number;
  /** Epoch in which the shard is owned. */
  readonly epoch: number;
  readonly node: string;
}

export interface ActorDefinition {
  readonly type: ActorType;
  /** Kinds that a turn of this one awaits. Checked against the ranks at registration. */
  readonly awaits: readonly ActorType[];
  /** Absent = the actor lives in memory only. */
  readonly codec: RecordCodec<unknown> | undefined;
  readonly create: (self: Self) => Instance;
  readonly idleMsMax: number | undefined;
}

/** An activation's object, as the runtime sees it. */
export interface Instance extends Partial<Durable<unknown>>, Lifecycle {
  readonly [method: string]: unknown;
}

interface CommonOptions {
  readonly awaits?: readonly ActorType[];
  /** Overrides the limit of the same name, milliseconds. */
  readonly idleMsMax?: number;
}

/** Defines an actor with a timeline and a state folded from it. */
export function defineDurableActor<C extends DescService, R>(
  type: ActorType<C>,
  options: CommonOptions & {
    readonly record: RecordCodec<R>;
    readonly create: (self: Self) => Handlers<C> & Durable<R> & Lifecycle;
  },
): ActorDefinition {
  return {
    type,
    awaits: options.awaits ?? [],
    codec: options.record as RecordCodec<unknown>,
    create: options.create as unknown as (self: Self) => Instance,
    idleMsMax: options.idleMsMax,
  };
}

/** Defines an actor that lives in memory only. */
export function defineMemoryActor<C extends DescService>(
  type: ActorType<C>,
  options: CommonOptions & { readonly create: (self: Self) => Handlers<C> & Lifecycle },
): ActorDefinition {
  return {
    type,
    awaits: options.awaits ?? [],
    codec: undefined,
    create: options.create as unknown as (self: Self) => Instance,
    idleMsMax: options.idleMsMax,
  };
}

export interface CallOptions {
  /** Milliseconds until the call is answered with DEADLINE_EXCEEDED. Never longer than what is left of the turn's own. */
  readonly timeoutMs?: number;
  /** Gives up early: CANCELLED. */
  readonly signal?: AbortSignal;
}

/** A typed client of one actor. */
export type ActorClient<C extends DescService> = {
  readonly [K in keyof C['method'] as C['method'][K] extends DescMethodUnary
    ? K
    : never]: C['method'][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : never;
};

/** A typed one-way client: nothing comes back, nothing is repeated; lost with its sender or receiver. */
export type OneWayClient<C extends DescService> = {
  readonly [K in keyof C['method'] as C['method'][K] extends DescMethodUnary
    ? K
    : never]: C['method'][K] extends DescMethodUnary<infer I>
    ? (request: MessageInitShape<I>) => void
    : never;
};

/** A request as a message: made from its initial values unless it is one already. */
export function toMessage<M extends DescMessage>(schema: M, init: MessageInitShape<M>): MessageShape<M> {
  return '$typeName' in init && init.$typeName !== undefined
    ? (init as MessageShape<M>)
    : create(schema, init);
}
