// Calls that repeat until they are answered: what an application's back end and its scripts do.

import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { isTransient, SdkError } from '../../sdk/errors.ts';
import type { World } from '../world/world.ts';
import { ClientLine } from './transport.ts';

const CALL_MS = 6_000;
const PAUSE_MS = 200;

/** What became of a call: its answer, a refusal, or nothing within the tries. */
export type Outcome<O extends DescMessage> =
  | { readonly kind: 'answered'; readonly answer: MessageShape<O> }
  | { readonly kind: 'refused'; readonly error: SdkError }
  | { readonly kind: 'unknown' };

export class Backend {
  readonly #world: World;
  readonly #line: ClientLine;

  constructor(world: World, place: string) {
    this.#world = world;
    this.#line = new ClientLine(world, 'backend', place);
  }

  /** Repeats a call with the same request while its outcome is not known. */
  async call<I extends DescMessage, O extends DescMessage>(
    who: string,
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
    triesMax = 1_000,
  ): Promise<Outcome<O>> {
    const { clock, trace } = this.#world;
    const request = create(method.input, init);
    for (let tries = 0; tries < triesMax; tries++) {
      const giveUp = new AbortController();
      const timer = clock.after(CALL_MS, () => giveUp.abort());
      try {
        const answer = await this.#line.unary(method, request, {
          timeoutMs: CALL_MS,
          signal: giveUp.signal,
          who,
        });
        return { kind: 'answered', answer };
      } catch (thrown) {
        const error = thrown instanceof SdkError ? thrown : new SdkError('INTERNAL', String(thrown));
        const passing = isTransient(error) || error.code === 'CANCELLED' || error.retryAfterMs !== undefined;
        trace.note(this.#line.place, `${method.localName} of ${who}: ${error.code} ${error.message}`);
        if (!passing) return { kind: 'refused', error };
        trace.count('unknown outcome at a client');
      } finally {
        timer.cancel();
      }
      await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
    }
    return { kind: 'unknown' };
  }

  /** As `call`, for what can't be refused. */
  async must<I extends DescMessage, O extends DescMessage>(
    who: string,
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const outcome = await this.call(who, method, init);
    if (outcome.kind === 'answered') return outcome.answer;
    const why = outcome.kind === 'refused' ? `${outcome.error.code} ${outcome.error.message}` : 'no answer';
    throw new Error(`${method.localName} of ${who}: ${why}`);
  }
}
