// The SDK's transport over the simulated network: a call goes to any node, and may be lost on the way there and back. What
// a client is shown on the way is watched.

import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type Message,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { SendMessageRequestSchema } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { OpenRequestSchema, OpenResponseSchema } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { type StarlingError, toStarlingError } from '../../../runtime/index.ts';
import { networkError, SdkError, toSdkError } from '../../sdk/errors.ts';
import type { Transport } from '../../sdk/ports.ts';
import type { NodeRun } from '../world/node.ts';
import type { World } from '../world/world.ts';
import { watchAnswer, watchFrame } from './shown.ts';
import { SimStream } from './stream.ts';

/** What a broken connection is noticed after, milliseconds. */
const BREAK_MS = 40;
/** How much later than its deadline a call may be answered, milliseconds: holds, and what the gateway looks up before. */
const DEADLINE_SLACK_MS = 10_000;

interface CallOf {
  readonly who: string;
  readonly service: string;
  readonly method: string;
  readonly request: Uint8Array;
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly timeoutMs: number | undefined;
}

/** One client's line: `place` names its end of the links. */
export class ClientLine {
  readonly place: string;
  readonly #world: World;
  readonly #who: string;
  #node: string | undefined;

  constructor(world: World, who: string, place: string) {
    this.#world = world;
    this.#who = who;
    this.place = place;
  }

  /** A node to talk to: the last one while that works. */
  #pick(): string {
    const { nodes, random } = this.#world;
    if (this.#node === undefined || random.float() < 0.05)
      this.#node = nodes[random.below(nodes.length)]?.name;
    return this.#node ?? 'n1';
  }

  /** Where a stream goes: mostly where navigation sent it; some are relayed, as behind one address for all. */
  #streamTo(address: string): string {
    const { nodes, random } = this.#world;
    const named = nodes.find((node) => node.name === address);
    return named !== undefined && random.float() < 0.75 ? named.name : this.#pick();
  }

  /** Calls a method as somebody. Rejects with SdkError. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly who?: string },
  ): Promise<MessageShape<O>> {
    const call: CallOf = {
      who: options.who ?? this.#who,
      service: method.parent.typeName,
      method: method.localName,
      request: toBinary(method.input, request),
      input: method.input,
      output: method.output,
      timeoutMs: options.timeoutMs,
    };
    const beganAt = this.#world.clock.monotonic();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#node = undefined;
        reject(abortError(options.signal));
      };
      if (options.signal.aborted) abort();
      options.signal.addEventListener('abort', abort, { once: true });
      const done = (settle: () => void): void => {
        options.signal.removeEventListener('abort', abort);
        settle();
      };
      this.#call(call, this.#pick()).then(
        (bytes) =>
          done(() => {
            const answer = fromBinary(method.output, bytes);
            // Whoever has given up takes no answer, however it may come.
            const since = options.signal.aborted ? Number.NEGATIVE_INFINITY : beganAt;
            watchAnswer(this.#world, this.place, call.who, request as Message, answer as Message, since);
            resolve(answer);
          }),
        (error: SdkError) => done(() => reject(error)),
      );
    });
  }

  #call(call: CallOf, name: string): Promise<Uint8Array> {
    const { net, clock } = this.#world;
    return new Promise((resolve, reject) => {
      const broken = (): void => {
        this.#node = undefined;
        clock.after(BREAK_MS, () => reject(networkError('the connection broke')));
      };
      net.carry(
        this.place,
        name,
        () => {
          const run = this.#runOf(name);
          if (run === undefined) {
            broken();
            return;
          }
          run.process.enter(() => {
            this.#answered(run, call).then(
              (bytes) => net.carry(name, this.place, () => resolve(bytes), true),
              (thrown: unknown) => {
                const error = toStarlingError(thrown);
                this.#noteRefusal(call, error);
                net.carry(name, this.place, () => reject(sdkErrorOf(error)), true);
              },
            );
          });
          run.process.onKill(broken);
        },
        true,
      );
    });
  }

  #noteRefusal({ who, method, request }: CallOf, { code }: StarlingError): void {
    if (method !== 'sendMessage') return;
    const { clientMessageId } = fromBinary(SendMessageRequestSchema, request);
    this.#world.sends.refusedBy(code, who, clientMessageId);
  }

  /** I13: a node that runs answers by the deadline. */
  async #answered(run: NodeRun, call: CallOf): Promise<Uint8Array> {
    const { clock, recorder } = this.#world;
    const began = clock.monotonic();
    const pausedBefore = run.process.pausedMs;
    const request = fromBinary(call.input, call.request) as Message;
    const watched = call.timeoutMs;
    const late = (): void => {
      const paused = run.process.pausedMs - pausedBefore;
      const took = clock.monotonic() - began - paused;
      if (
        watched !== undefined &&
        !run.process.killed &&
        !run.process.paused &&
        took > watched + DEADLINE_SLACK_MS
      )
        recorder.fail(
          'I13',
          `${run.process.name} has not answered ${call.method} of ${call.who} after ${took} ms`,
        );
    };
    const timer = clock.after((watched ?? 0) + DEADLINE_SLACK_MS + 1, late);
    const signal = new AbortController().signal;
    try {
      return await run.call(
        call.who,
        call.service,
        call.method,
        request,
        call.output,
        call.timeoutMs,
        signal,
      );
    } finally {
      timer.cancel();
    }
  }

  #runOf(name: string): NodeRun | undefined {
    return this.#world.fleet.named(name)?.run;
  }

  /** The transport of the SDK over this line. */
  get sdk(): Transport {
    return {
      unary: (method, request, options) =>
        this.unary(method, request, { timeoutMs: options.timeoutMs ?? 10_000, signal: options.signal }),
      stream: (method, request, options, onMessage) =>
        this.#stream(toBinary(method.input, request), options, (bytes) =>
          onMessage(fromBinary(method.output, bytes)),
        ),
    };
  }

  #stream(
    request: Uint8Array,
    { address, signal }: { readonly address: string; readonly signal: AbortSignal },
    onMessage: (bytes: Uint8Array) => void,
  ): Promise<void> {
    const { net, clock } = this.#world;
    const name = this.#streamTo(address);
    return new Promise((resolve, reject) => {
      const broken = (): void => {
        this.#node = undefined;
        clock.after(BREAK_MS, () => reject(networkError('the stream broke')));
      };
      net.carry(
        this.place,
        name,
        () => {
          const run = this.#runOf(name);
          if (run === undefined || signal.aborted) {
            broken();
            return;
          }
          const stream = new SimStream(
            run,
            (bytes) => {
              return net.carry(
                name,
                this.place,
                () => {
                  if (signal.aborted) return;
                  watchFrame(this.#world, this.place, this.#who, fromBinary(OpenResponseSchema, bytes));
                  onMessage(bytes);
                },
                true,
              );
            },
            (error) => {
              net.carry(
                name,
                this.place,
                () => (error === undefined ? resolve() : reject(sdkErrorOf(error))),
                true,
              );
            },
          );
          signal.addEventListener(
            'abort',
            () => {
              reject(abortError(signal));
              net.carry(this.place, name, () => run.process.enter(() => stream.left()), true);
            },
            { once: true },
          );
          run.process.onKill(broken);
          run.process.enter(() =>
            run.open(this.#who, fromBinary(OpenRequestSchema, request), stream, signal),
          );
        },
        true,
      );
    });
  }
}

function abortError(signal: AbortSignal): SdkError {
  const reason: unknown = signal.reason;
  return reason instanceof SdkError
    ? reason
    : new SdkError('CANCELLED', 'The call was given up.', { status: 'CANCELLED' });
}

function sdkErrorOf(error: StarlingError): SdkError {
  const { code, message, metadata, retryAfterMs, violations } = error;
  const { status } = error.entry;
  return toSdkError(
    new SdkError(code, message, { status: status as never, metadata, retryAfterMs, violations }),
  );
}
