// Where a user's clients should go, and the word to those whose streams are relayed from there.

import type { ServerStream, Timer } from '../../runtime/index.ts';
import { encodeFrame } from '../connection/index.ts';
import { UserActor } from '../types.ts';
import type { Gateway } from './context.ts';

/**
 * The address of the node that serves a user, for its clients. Empty where it is not known, or is this node and none was
 * configured: they stay where they called.
 */
export function addressFor(gateway: Gateway, userKey: string): string {
  const { servedBy } = gateway.runtime.place(UserActor, userKey);
  if (servedBy === undefined) return '';
  if (servedBy === gateway.runtime.node) return gateway.address ?? '';
  return gateway.addressOf?.(servedBy) ?? '';
}

/**
 * Asks a client whose stream is relayed to move, some time later and not all clients at once. It may stay: a relayed stream
 * is a normal one. Nothing is said while the other node has no address of its own, as behind one address for all.
 */
export class Rotation {
  readonly #gateway: Gateway;
  readonly #userKey: string;
  readonly #stream: ServerStream;
  #timer: Timer | undefined;

  constructor(gateway: Gateway, userKey: string, stream: ServerStream) {
    this.#gateway = gateway;
    this.#userKey = userKey;
    this.#stream = stream;
  }

  /** The stream is relayed now. */
  relayed(): void {
    if (this.#timer !== undefined) return;
    this.#stream.onClose(() => this.#timer?.cancel());
    this.#schedule();
  }

  #schedule(): void {
    const { runtime, limits } = this.#gateway;
    const delayMs = Math.ceil(limits.relayedMsMax * (0.5 + runtime.random.float() / 2));
    this.#timer = runtime.clock.after(delayMs, () => this.#ask());
  }

  #ask(): void {
    if (this.#stream.closed) return;
    const { runtime, limits, address: own, addressOf } = this.#gateway;
    const address = addressFor(this.#gateway, this.#userKey);
    // Word of the node may still be on its way: later, then.
    if (address === '' && addressOf !== undefined) this.#schedule();
    else if (address !== '' && address !== own && address !== addressOf?.(runtime.node))
      this.#stream.send(
        encodeFrame({ case: 'rotate', value: { address, spreadMs: limits.reconnectSpreadMs } }),
      );
  }
}
