// Where one client's calls go when there are several nodes. Owns: the present node, moving on when it fails, going where the
// system says. Does not own: sockets (wire.ts), when a call is repeated.
//
// Invariant: R1  A node is left for what only it can be to blame for: the connection was lost, no answer came in time, or it
// says that it stops. What another node behind it did wrong is no reason to go.

import { SessionService } from '../../proto/gen/starling/im/v1/session_pb.ts';
import type { Caller } from './api.ts';
import { CallFailure } from './failure.ts';
import type { Endpoint, UnaryPool } from './wire.ts';

/** Longest wait for the answer where to go, milliseconds. */
const navigateMsMax = 3_000;

export class Roamer {
  readonly #pools: readonly [UnaryPool, ...UnaryPool[]];
  #at: number;

  /** `pools`: one for each node; `at`: which of them is first, taken modulo their number. */
  constructor(pools: readonly [UnaryPool, ...UnaryPool[]], at = 0) {
    this.#pools = pools;
    this.#at = at % pools.length;
  }

  /** The present node. */
  get endpoint(): Endpoint {
    return this.#pool.endpoint;
  }

  /** As UnaryPool.call, at the present node. @throws CallFailure */
  async call(request: Buffer, timeoutMs?: number): Promise<Buffer> {
    const pool = this.#pool;
    try {
      return await pool.call(request, timeoutMs);
    } catch (error) {
      if (error instanceof CallFailure && isItsOwn(error)) this.leave(pool.endpoint);
      throw error;
    }
  }

  /** Moves on to the next node, unless that has happened. */
  leave(from: Endpoint): void {
    if (this.endpoint === from) this.#at = (this.#at + 1) % this.#pools.length;
  }

  /** Goes to the node with this base address; nowhere if it is not one of those known. */
  goTo(address: string): void {
    const port = /:(\d+)\/?$/.exec(address)?.[1];
    const at = this.#pools.findIndex(({ endpoint }) => `${endpoint.port}` === port);
    if (at >= 0) this.#at = at;
  }

  /**
   * Asks where the caller's user is served, and goes there; stays where that is not to be had. Returns the base address that it
   * was told.
   */
  async navigate(caller: Caller): Promise<string | undefined> {
    const asked = this.endpoint;
    try {
      const { address } = await caller.call(SessionService.method.navigate, {}, navigateMsMax);
      // Empty says: where the call went.
      if (address === '') return `http://${asked.host}:${asked.port}`;
      this.goTo(address);
      return address;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      return undefined;
    }
  }

  get #pool(): UnaryPool {
    return this.#pools[this.#at] ?? this.#pools[0];
  }
}

/** R1. */
function isItsOwn(failure: CallFailure): boolean {
  return failure.repeatable && (failure.reason === '' || failure.reason === 'SHUTTING_DOWN');
}
