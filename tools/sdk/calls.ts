// Unary calls with what every one of them needs: a token (renewed once where it is refused), the address in force, a
// deadline, and an end when the client is closed.

import type { DescMessage, DescMethodUnary, MessageShape } from '@bufbuild/protobuf';
import { isTokenRefused, SdkError, toSdkError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { CallOptions, Environment } from './ports.ts';

export interface UnaryOptions {
  /** Default unaryTimeoutMs. */
  readonly timeoutMs?: number;
  /** Default: where Navigate sent us. */
  readonly address?: string;
  readonly signal?: AbortSignal;
  /** Default true: a refused token is renewed and the call made once more. */
  readonly renewToken?: boolean;
}

export class Calls {
  readonly #env: Environment;
  readonly #source: () => Promise<string>;
  /** Where the application wants to begin. */
  readonly baseAddress: string;
  /** Where calls go now. */
  address: string;
  #token: Promise<string> | undefined;

  constructor(env: Environment, source: () => Promise<string>, baseAddress: string) {
    this.#env = env;
    this.#source = source;
    this.baseAddress = baseAddress;
    this.address = baseAddress;
  }

  /** The token in use; `fresh` asks the application for another one. Rejects with SdkError. */
  token(fresh = false): Promise<string> {
    if (fresh) this.#token = undefined;
    if (this.#token === undefined) {
      const asked = this.#ask();
      this.#token = asked;
      asked.catch(() => {
        if (this.#token === asked) this.#token = undefined;
      });
    }
    return this.#token;
  }

  /** Calls a method. Rejects with SdkError. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    options: UnaryOptions = {},
  ): Promise<MessageShape<O>> {
    const asked = this.token();
    const token = await asked;
    try {
      return await this.#once(method, request, token, options);
    } catch (thrown) {
      const error = toSdkError(thrown);
      if (!isTokenRefused(error) || options.renewToken === false) throw error;
      // Another call may have renewed it already.
      const renewed = await this.token(this.#token === asked);
      return await this.#once(method, request, renewed, options);
    }
  }

  async #once<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    token: string,
    options: UnaryOptions,
  ): Promise<MessageShape<O>> {
    const timeoutMs = options.timeoutMs ?? LIMITS.unaryTimeoutMs;
    const deadline = new AbortController();
    const timer = this.#env.clock.after(timeoutMs, () => {
      deadline.abort(
        new SdkError('DEADLINE_EXCEEDED', 'No answer in time.', { status: 'DEADLINE_EXCEEDED' }),
      );
    });
    const call: CallOptions = {
      address: options.address ?? this.address,
      token,
      timeoutMs,
      signal: options.signal ? AbortSignal.any([deadline.signal, options.signal]) : deadline.signal,
    };
    try {
      return await this.#env.transport.unary(method, request, call);
    } finally {
      timer.cancel();
    }
  }

  /** A token that stays away is a failure like any other. */
  #ask(): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = this.#env.clock.after(LIMITS.tokenTimeoutMs, () =>
        reject(new SdkError('network', 'The application gave no token in time.', { status: 'UNAVAILABLE' })),
      );
      const fail = (thrown: unknown): void => {
        timer.cancel();
        reject(toSdkError(thrown));
      };
      try {
        this.#source().then((token) => {
          timer.cancel();
          resolve(token);
        }, fail);
      } catch (thrown) {
        fail(thrown);
      }
    });
  }
}

/** The user that a JSON Web Token names, read without checking it: good for the name of a local store, no more. */
export function subjectOf(token: string): string | undefined {
  try {
    const payload = token.split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims !== 'object' || claims === null || !('sub' in claims)) return undefined;
    return typeof claims.sub === 'string' && claims.sub !== '' ? claims.sub : undefined;
  } catch {
    return undefined;
  }
}
