// The type of an actor: enough to address it and to call it, nothing of how it works.

import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from '@bufbuild/protobuf';
import type { CallMetadata } from './call.ts';
import { invariant } from './errors.ts';
import { type MessageWriter, messageWriter } from './message-wire.ts';

// As in google.protobuf.MethodOptions.IdempotencyLevel.
const NO_SIDE_EFFECTS = 1;
const IDEMPOTENT = 2;

/** One method of a contract, as the runtime uses it. */
export interface ActorMethod {
  /** Its name in code. */
  readonly localName: string;
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** A request has a field of bytes somewhere: decoded, it refers to what it was decoded from. The same for a reply. */
  readonly inputHasBytes: boolean;
  readonly outputHasBytes: boolean;
  /** How they leave for another node. */
  readonly inputWriter: MessageWriter;
  readonly outputWriter: MessageWriter;
  /** NO_SIDE_EFFECTS: its turn can't write, and may interleave. */
  readonly readOnly: boolean;
  /** NO_SIDE_EFFECTS or IDEMPOTENT: a call whose outcome is not known is made again. */
  readonly repeatable: boolean;
}

/** Methods by `localName`. */
export type ActorMethods = Readonly<Record<string, ActorMethod>>;

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
  readonly methods: ActorMethods;
  /** Makes a client whose methods all call `start`; one class per contract, made once. */
  readonly bind: (start: StartCall) => Record<string, unknown>;
}

/** What the methods of a client do. */
export type StartCall = (method: ActorMethod, request: Message, ...rest: unknown[]) => unknown;

export interface ActorTypeOptions<C extends DescService> {
  readonly kind: string;
  readonly contract: C;
  /** Rises along the way of awaited calls: a turn awaits only kinds of a higher one. */
  readonly rank: number;
  readonly placementKey?: (key: string) => string;
}

/** Names a kind of actor. */
export function actorType<C extends DescService>(options: ActorTypeOptions<C>): ActorType<C> {
  invariant(
    /^[a-z][a-z0-9-]{0,31}$/.test(options.kind),
    `kind "${options.kind}" is 1 to 32 characters of [a-z0-9-]`,
  );
  const methods: Record<string, ActorMethod> = Object.create(null);
  for (const method of options.contract.methods) methods[method.localName] = actorMethod(method);
  return {
    ...options,
    placementKey: options.placementKey ?? ((key) => key),
    methods,
    bind: clientMaker(options.contract, methods),
  };
}

function actorMethod({ localName, input, output, idempotency }: DescMethod): ActorMethod {
  const readOnly = idempotency === NO_SIDE_EFFECTS;
  return {
    ...{ localName, input, output, readOnly },
    inputHasBytes: hasBytes(input),
    outputHasBytes: hasBytes(output),
    inputWriter: messageWriter(input),
    outputWriter: messageWriter(output),
    repeatable: readOnly || idempotency === IDEMPOTENT,
  };
}

function hasBytes(message: DescMessage, above: ReadonlySet<DescMessage> = new Set()): boolean {
  const seen = new Set([...above, message]);
  return message.fields.some((field) => {
    if ('scalar' in field && field.scalar === ScalarType.BYTES) return true;
    return field.message !== undefined && !seen.has(field.message) && hasBytes(field.message, seen);
  });
}

/** The unary methods of a contract as a class, so that a client costs one object and no closures. */
function clientMaker(
  contract: DescService,
  methods: ActorMethods,
): (start: StartCall) => Record<string, unknown> {
  class Client {
    readonly start: StartCall;
    constructor(start: StartCall) {
      this.start = start;
    }
  }
  for (const { methodKind, localName } of contract.methods) {
    const method = methods[localName];
    if (methodKind !== 'unary' || method === undefined) continue;
    const call = function call(this: Client, request: Message, ...rest: unknown[]): unknown {
      return this.start(method, request, ...rest);
    };
    Object.defineProperty(Client.prototype, localName, { value: call });
  }
  return (start) => new Client(start) as unknown as Record<string, unknown>;
}

/** A method of a contract by name. */
export function methodOf(type: ActorType, name: string): ActorMethod {
  const method = type.methods[name];
  invariant(method !== undefined, `${type.kind} has a method ${name}`);
  return method;
}

export interface CallOptions {
  /** Milliseconds until the call is answered with DEADLINE_EXCEEDED. Never longer than what is left of the turn's own. */
  readonly timeoutMs?: number;
  /** Gives up early: CANCELLED. */
  readonly signal?: AbortSignal;
  /** Facts for the interceptors of the callee, e.g. who asks. Default none. */
  readonly metadata?: CallMetadata;
  /** W3C trace context of the request that the call is part of. Within a turn it is known. */
  readonly traceparent?: string | undefined;
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
