// Code that runs around every call of an actor: who may call, how much, what is written to the log. Owns the shape and how
// several of them make one.

import type { Message } from '@bufbuild/protobuf';
import type { CallMetadata } from './call.ts';

/** A call whose turn is about to begin. */
export interface Invocation {
  readonly kind: string;
  readonly key: string;
  /** Name of the method in code. */
  readonly method: string;
  readonly request: Message;
  /** The method is marked NO_SIDE_EFFECTS. */
  readonly readOnly: boolean;
  /** The actor that calls; undefined = from outside of actors. */
  readonly caller: { readonly kind: string; readonly key: string } | undefined;
  /** What the caller gave with the call; empty where it gave nothing. */
  readonly metadata: CallMetadata;
  /** Milliseconds left until the caller stops waiting. */
  readonly remainingMs: number;
}

/**
 * Runs inside the turn. `proceed` runs the next one, in the end the handler, and returns what it returns: a reply, a
 * promise of one, or the word that a later turn replies. Hand on what `proceed` returned.
 * @throws StarlingError to refuse the call: it is the answer
 * @example
 * const membersOnly: Interceptor = ({ metadata }, proceed) => {
 *   if (metadata['tenant'] !== 'acme') throw new StarlingError('PERMISSION_DENIED');
 *   return proceed();
 * };
 */
export type Interceptor = (invocation: Invocation, proceed: () => unknown) => unknown;

/** Runs `chain` around `handler`, the first one outermost. */
export function intercept(
  chain: readonly Interceptor[],
  invocation: Invocation,
  handler: () => unknown,
): unknown {
  const from = (index: number): unknown => {
    const interceptor = chain[index];
    return interceptor === undefined ? handler() : interceptor(invocation, () => from(index + 1));
  };
  return from(0);
}
