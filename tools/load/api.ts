// Typed calls of the public API over the lean wire. Owns: encoding and decoding by descriptor, one token per caller, and
// the repeat of calls whose outcome is unknown. Does not own: sockets (wire.ts), what the calls are for.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { CallFailure } from './failure.ts';
import { type Endpoint, RequestHead, type UnaryPool } from './wire.ts';

/** One identity that calls: a user, or a back end. */
export class Caller {
  readonly endpoint: Endpoint;
  readonly token: string;
  readonly #pool: Pick<UnaryPool, 'call'>;
  readonly #heads = new Map<DescMethodUnary, RequestHead>();

  /** `pool` may be shared by many callers. `endpoint` is what the requests call themselves addressed to. */
  constructor(endpoint: Endpoint, token: string, pool: Pick<UnaryPool, 'call'>) {
    this.endpoint = endpoint;
    this.token = token;
    this.#pool = pool;
  }

  /** The whole request of a call, ready to be written. */
  encode<M extends DescMethodUnary>(method: M, request: MessageInitShape<M['input']>): Buffer {
    let head = this.#heads.get(method);
    if (head === undefined) {
      head = new RequestHead(this.endpoint, pathOf(method), this.token);
      this.#heads.set(method, head);
    }
    return head.request(toBinary(method.input, create(method.input, request)));
  }

  /** @throws CallFailure */
  async call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
    timeoutMs?: number,
  ): Promise<MessageShape<M['output']>> {
    return this.decode(method, await this.#pool.call(this.encode(method, request), timeoutMs));
  }

  /** As `call`, with the encoded answer. */
  raw(request: Buffer, timeoutMs?: number): Promise<Buffer> {
    return this.#pool.call(request, timeoutMs);
  }

  decode<M extends DescMethodUnary>(method: M, answer: Buffer): MessageShape<M['output']> {
    return fromBinary(method.output, answer) as MessageShape<M['output']>;
  }

  /** Repeats until the outcome is known, at most `forMs` long. @throws CallFailure the last one */
  async until<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
    forMs = 30_000,
  ): Promise<MessageShape<M['output']>> {
    const deadline = performance.now() + forMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.call(method, request);
      } catch (error) {
        if (!(error instanceof CallFailure) || !error.repeatable || performance.now() > deadline) throw error;
        await sleep(Math.min(500, 10 * 2 ** attempt));
      }
    }
  }
}

/** `/<service>/<method>` of a method. */
export function pathOf(method: {
  readonly name: string;
  readonly parent: { readonly typeName: string };
}): string {
  return `/${method.parent.typeName}/${method.name}`;
}
