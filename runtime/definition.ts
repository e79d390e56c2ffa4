// What an author writes: the type of an actor (what callers need) and its definition (what runs). Owns the shapes and how a
// declared actor becomes one; the behaviour behind them is in activation.ts and turn.ts.

import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { ActorType } from './actor-type.ts';
import { type AnyHandler, type Instance, methodsOf } from './instance.ts';
import type { Interceptor } from './interceptor.ts';
import type { ServerStream } from './service.ts';
import type { Later, ReadTurn, Turn } from './turn.ts';

/** What a handler gives back: the reply, or a promise of it, or the word that a later turn replies. */
export type Answer<O extends DescMessage> = MessageInitShape<O> | Later<MessageShape<O>>;

/** A method that changes something. */
type Handler<M, S, A> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, turn: Turn<S, A>) => Answer<O> | Promise<Answer<O>>
    : M extends DescMethodServerStreaming<infer I>
      ? (request: MessageShape<I>, stream: ServerStream, turn: Turn<S, A>) => void | Promise<void>
      : never;

/** A method with NO_SIDE_EFFECTS. */
type Reader<M, S> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, turn: ReadTurn<S>) => MessageInitShape<O> | Promise<MessageInitShape<O>>
    : never;

/** Handlers for every method of a contract. A method with NO_SIDE_EFFECTS gets a turn that can't write and may interleave. */
export type Handlers<C extends DescService> = {
  [K in keyof C['method']]: Handler<C['method'][K], undefined, unknown>;
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

/** A codec for a protobuf message; takes its initial values too. */
export function messageCodec<M extends DescMessage>(
  schema: M,
): RecordCodec<MessageShape<M>> & { encode(record: MessageInitShape<M>): Uint8Array } {
  return {
    encode: (record: MessageInitShape<M>) => toBinary(schema, create(schema, record)),
    decode: (bytes) => fromBinary(schema, bytes),
  };
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
export interface Lifecycle<S = undefined, A = unknown> {
  /** The first turn of an activation, before any call: take up what a former one left (deliveries, sends). */
  opened?(turn: Turn<S, A>): void;
  /** The shard is about to be handed to another node: end streams, answer who waits. New calls are refused already. */
  draining?(turn: Turn<S, A>): void;
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
  readonly interceptors: readonly Interceptor[];
  /** Steps from one version of the stored state to the next. */
  readonly migrations: readonly ((state: Uint8Array) => Uint8Array)[];
}

interface CommonOptions {
  /** Kinds that a turn of this one awaits. Default none. */
  readonly awaits?: readonly ActorType[];
  /** Overrides the limit of the same name, milliseconds. */
  readonly idleMsMax?: number;
  /** Run around every call of this kind, inside those of the node. Default none. */
  readonly interceptors?: readonly Interceptor[];
}

/**
 * The methods of an actor. `reads` are exactly the ones that the contract marks NO_SIDE_EFFECTS: they get a turn without
 * the means to write, and may interleave.
 */
interface MethodOptions<C extends DescService, R extends keyof C['method'], S, A> {
  readonly handlers: { [K in Exclude<keyof C['method'], R>]: Handler<C['method'][K], S, A> };
  readonly reads?: { [K in R]: Reader<C['method'][K], DeepReadonly<S>> };
}

/** Nothing in it can be changed. */
export type DeepReadonly<T> = T extends
  | ((...rest: never[]) => unknown)
  | Uint8Array
  | bigint
  | string
  | number
  | boolean
  | undefined
  | null
  ? T
  : { readonly [K in keyof T]: DeepReadonly<T[K]> };

/**
 * Defines a durable actor from two messages: its state, and the record that each change appends. `state` changes only in
 * `apply`; handlers read it as `turn.state` and change it by `turn.append(record)`.
 * @example
 * export const counter = defineActor(Counter, {
 *   state: CounterStateSchema,
 *   record: CounterRecordSchema,
 *   apply(state, record) { state.total += record.amount; },
 *   handlers: { add({ amount }, turn) { turn.append({ amount }); return { total: turn.state.total }; } },
 *   reads: { total(_request, turn) { return { total: turn.state.total }; } },
 * });
 */
export function defineActor<
  C extends DescService,
  S extends DescMessage,
  A extends DescMessage,
  R extends keyof C['method'] = never,
>(
  type: ActorType<C>,
  options: CommonOptions &
    Lifecycle<DeepReadonly<MessageShape<S>>, MessageInitShape<A>> &
    MethodOptions<C, R, DeepReadonly<MessageShape<S>>, MessageInitShape<A>> & {
      /** The state; what a new actor begins with is the empty message. */
      readonly state: S;
      readonly record: A;
      /**
       * Folds one record into the state, which it may change. A function of the two alone: no clock, no randomness, no I/O,
       * no exception; it must understand every record ever written.
       */
      apply(state: MessageShape<S>, record: MessageShape<A>, effects: Effects, seq: number): void;
      /**
       * Step n brings a state of version n to version n + 1; the state of today has as many versions behind it. Run on load,
       * in order, before the records after the checkpoint. Never change or remove one that has run somewhere.
       */
      readonly migrations?: readonly ((state: MessageShape<S>) => void)[];
    },
): ActorDefinition {
  const { state: schema, apply } = options;
  const handlers = methodsOf(type, options.handlers, options.reads);
  return {
    ...common(type, options),
    codec: messageCodec(options.record) as RecordCodec<unknown>,
    migrations: (options.migrations ?? []).map((step) => (bytes: Uint8Array) => {
      const state = fromBinary(schema, bytes);
      step(state);
      return toBinary(schema, state);
    }),
    create: () => {
      let state = create(schema);
      const durable: Durable<MessageShape<A>> = {
        restore: (bytes) => {
          state = fromBinary(schema, bytes);
        },
        apply: (seq, record, effects) => apply(state, create(options.record, record), effects, seq),
        snapshot: () => toBinary(schema, state),
      };
      return {
        handlers,
        owner: options.handlers,
        durable: durable as Durable<unknown>,
        lifecycle: options as Lifecycle,
        get state() {
          return state;
        },
      };
    },
  };
}

/**
 * Defines an actor that lives in memory only: lost with its activation, never written.
 * @example
 * export const typing = defineMemoryActor(Typing, {
 *   state: () => ({ who: new Map<string, number>() }),
 *   handlers: { typed({ userId }, turn) { turn.state.who.set(userId, turn.monotonic()); return {}; } },
 * });
 */
export function defineMemoryActor<C extends DescService, S, R extends keyof C['method'] = never>(
  type: ActorType<C>,
  options: CommonOptions &
    Lifecycle<S, never> &
    MethodOptions<C, R, S, never> & {
      /** What a new activation begins with. Handlers change it in place. */
      readonly state: (self: Self) => S;
    },
): ActorDefinition {
  const handlers = methodsOf(type, options.handlers, options.reads);
  const { state } = options;
  return {
    ...common(type, options),
    codec: undefined,
    create: (self) => ({
      handlers,
      owner: options.handlers,
      durable: undefined,
      lifecycle: options as unknown as Lifecycle,
      state: state(self),
    }),
  };
}

/**
 * Defines an actor as an object of its own making: for state that is no message, or that is written to the store in a form
 * of its own. With `record` it has a timeline, and the object folds it.
 */
export function defineCustomActor<C extends DescService, R>(
  type: ActorType<C>,
  options: CommonOptions & {
    readonly record: RecordCodec<R>;
    readonly create: (self: Self) => Handlers<C> & Durable<R> & Lifecycle;
    /** As in `defineActor`, on the encoded state. */
    readonly migrations?: readonly ((state: Uint8Array) => Uint8Array)[];
  },
): ActorDefinition;
export function defineCustomActor<C extends DescService>(
  type: ActorType<C>,
  options: CommonOptions & { readonly create: (self: Self) => Handlers<C> & Lifecycle },
): ActorDefinition;
export function defineCustomActor(
  type: ActorType,
  options: CommonOptions & {
    readonly record?: RecordCodec<never> | RecordCodec<unknown>;
    readonly create: (self: Self) => object;
    readonly migrations?: readonly ((state: Uint8Array) => Uint8Array)[];
  },
): ActorDefinition {
  const { record, create: make } = options;
  return {
    ...common(type, options),
    codec: record as RecordCodec<unknown> | undefined,
    migrations: options.migrations ?? [],
    create: (self) => {
      const object = make(self);
      return {
        handlers: object as Record<string, AnyHandler>,
        owner: object,
        durable: record === undefined ? undefined : (object as Durable<unknown>),
        lifecycle: object as Lifecycle,
        state: undefined,
      };
    },
  };
}

function common(type: ActorType, options: CommonOptions) {
  return {
    type,
    awaits: options.awaits ?? [],
    idleMsMax: options.idleMsMax,
    interceptors: options.interceptors ?? [],
    migrations: [],
  };
}
