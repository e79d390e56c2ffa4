// One node of the product in memory, for tests: the real runtime and actors over simulated time and storage.

import type { Message } from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import { type OpenResponse, OpenResponseSchema } from '../../proto/gen/starling/im/v1/session_pb.ts';
import {
  type CallContext,
  createRuntime,
  type LogEntry,
  type Ownership,
  type Principal,
  type Runtime,
  type RuntimeLimits,
  type ServerStream,
  type ServiceBinding,
  StarlingError,
} from '../../runtime/index.ts';
import {
  SimClock,
  type SimNetwork,
  SimOwnership,
  SimRandom,
  SimStore,
  settle,
} from '../../runtime/testing/index.ts';
import { type ImLimits, imActors, imServices } from '../index.ts';

/** A client's stream, as far as a test looks at it. */
export class TestStream implements ServerStream {
  readonly frames: OpenResponse[] = [];
  error: StarlingError | undefined;
  closed = false;
  bufferedBytes = 0;
  sentBytes = 0;
  readonly #listeners: (() => void)[] = [];

  send(...pieces: readonly Uint8Array[]): void {
    if (this.closed) return;
    const bytes = Buffer.concat(pieces);
    this.sentBytes += bytes.length;
    this.frames.push(fromBinary(OpenResponseSchema, bytes));
  }

  /** The client goes. */
  leave(): void {
    this.end();
  }

  end(error?: StarlingError): void {
    if (this.closed) return;
    this.closed = true;
    this.error = error;
    for (const listener of this.#listeners) listener();
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#listeners.push(listener);
  }

  /** Frames of one kind, in order. */
  of<K extends NonNullable<OpenResponse['frame']['case']>>(
    kind: K,
  ): Extract<OpenResponse['frame'], { case: K }>['value'][] {
    return this.frames.flatMap(({ frame }) => (frame.case === kind ? [frame.value as never] : []));
  }

  /** Texts delivered, in order. */
  texts(): string[] {
    return this.of('deliveries').flatMap(({ deliveries }) =>
      deliveries.flatMap(({ entry }) =>
        entry.case === 'message' && entry.value.content?.body.case === 'text'
          ? [entry.value.content.body.value.text]
          : [],
      ),
    );
  }
}

export interface ImNodeOptions {
  readonly store?: SimStore;
  readonly ownership?: Ownership;
  readonly clock?: SimClock;
  readonly limits?: Partial<ImLimits>;
  readonly runtimeLimits?: Partial<RuntimeLimits>;
  readonly seed?: number;
  /** Name of the node, and the network it is on; default: `n1`, alone. */
  readonly node?: string;
  readonly network?: SimNetwork;
  /** Addresses of nodes for clients. */
  readonly addressOf?: (node: string) => string | undefined;
}

type AnyHandler = (request: Message, ...rest: unknown[]) => unknown;

export class ImNode {
  readonly clock: SimClock;
  readonly store: SimStore;
  readonly runtime: Runtime;
  readonly log: LogEntry[] = [];
  readonly #services: ServiceBinding[];

  constructor(options: ImNodeOptions = {}) {
    const node = options.node ?? 'n1';
    const { network } = options;
    this.clock = options.clock ?? new SimClock();
    this.store = options.store ?? new SimStore({ type: 'immediate' });
    this.runtime = createRuntime({
      node,
      store: this.store,
      ownership: options.ownership ?? new SimOwnership(),
      clock: this.clock,
      random: new SimRandom(options.seed ?? 1),
      shards: 16,
      ...(network === undefined
        ? {}
        : { peers: { transport: network.transportOf(node), directory: network } }),
      ...(options.runtimeLimits === undefined ? {} : { limits: options.runtimeLimits }),
      onLog: (entry) => this.log.push(entry),
    });
    this.runtime.register(...imActors(options.limits));
    const tokens = { issue: async () => ({ token: 'test', expiresAtMs: 0 }) };
    const nodeInfo = () => ({ node: 'n1', version: '0', uptimeMs: 0, streams: 0, store: 'ok' });
    const address = options.addressOf?.(node);
    const addresses = {
      ...(address === undefined ? {} : { address }),
      ...(options.addressOf === undefined ? {} : { addressOf: options.addressOf }),
    };
    this.#services = imServices(this.runtime, { tokens, nodeInfo, ...addresses }, options.limits);
  }

  /** Calls a unary method as a user; the answer as a message. `timeoutMs`: default none. */
  async call<T extends Message>(
    who: string,
    service: string,
    method: string,
    request: Message,
    schema: { decode(bytes: Uint8Array): T },
    timeoutMs?: number,
  ): Promise<T> {
    const handler = this.#handler(service, method);
    const answer = (await handler(request, contextOf(who, this.clock, timeoutMs))) as
      | T
      | { encoded: Uint8Array[] };
    return 'encoded' in answer ? schema.decode(Buffer.concat(answer.encoded)) : answer;
  }

  /** Opens a stream as a user. */
  open(who: string, request: Message): TestStream {
    const stream = new TestStream();
    try {
      this.#handler('starling.im.v1.SessionService', 'open')(request, stream, contextOf(who, this.clock));
    } catch (error) {
      stream.end(
        error instanceof StarlingError ? error : new StarlingError('INTERNAL', undefined, { cause: error }),
      );
    }
    return stream;
  }

  /** Lets everything that is due happen. */
  async settle(): Promise<void> {
    await settle();
  }

  #handler(service: string, method: string): AnyHandler {
    const binding = this.#services.find((one) => one.service.typeName === service);
    const handler = binding?.handlers[method];
    if (handler === undefined) throw new Error(`no ${service}/${method}`);
    return handler as unknown as AnyHandler;
  }
}

function contextOf(who: string, clock: SimClock, timeoutMs = Number.POSITIVE_INFINITY): CallContext {
  const scope = who === 'backend' ? 'backend' : 'user';
  const principal: Principal = { tenant: 'main', userId: who, deviceId: undefined, scope, expiresAtMs: 4e12 };
  const deadlineMs = clock.monotonic() + timeoutMs;
  return {
    principal,
    signal: new AbortController().signal,
    get timeoutMs() {
      return Number.isFinite(deadlineMs) ? Math.max(0, deadlineMs - clock.monotonic()) : undefined;
    },
    header: () => undefined,
  };
}
