// The order among the sends of one device. Unary calls are not ordered on their way, so each names its number. Pure: tells
// what to do with a send; holding it and answering is the caller's.
//
// O1  A new send goes on only when every lower number of its session has gone on or been settled by the client.
// O2  A number that has gone on goes on again only as a repeat: it may find its message, not write it.
// O3  A send that failed in a way that the client repeats has not gone on: the order waits for its repeat.

import type { SendOrder } from '../../proto/gen/starling/im/v1/send_pb.ts';

export type Admission = 'go' | 'repeat' | 'hold' | 'too_far';

export class DeviceOrder {
  readonly #aheadMax: number;
  #session = 0n;
  /** Everything up to here has its final answer, says the client. */
  #settled = 0;
  /** Numbers above `#settled` that have gone on. */
  readonly #taken = new Set<number>();

  /** `aheadMax`: how far a number may be ahead of the one expected. */
  constructor(aheadMax: number) {
    this.#aheadMax = aheadMax;
  }

  get session(): bigint {
    return this.#session;
  }

  /** The lowest number that has not gone on. */
  get expected(): number {
    let next = this.#settled + 1;
    while (this.#taken.has(next)) next++;
    return next;
  }

  /**
   * Starts a new session if the send is of another one; returns whether it did. Which of two sessions is the newer one is
   * not told by their numbers, and an activation that starts anew has not seen either, so a late request of the older
   * one brings it back until the next request of the newer: the order of each stays its own.
   */
  enter(order: SendOrder): boolean {
    const fresh = order.session !== this.#session;
    if (fresh) {
      this.#session = order.session;
      this.#settled = 0;
      this.#taken.clear();
    }
    this.#settle(Number(order.settledDeviceSeq));
    return fresh;
  }

  admit(deviceSeq: number): Admission {
    if (deviceSeq <= this.#settled || this.#taken.has(deviceSeq)) return 'repeat';
    const expected = this.expected;
    if (deviceSeq === expected) {
      this.#taken.add(deviceSeq);
      return 'go';
    }
    return deviceSeq - expected > this.#aheadMax ? 'too_far' : 'hold';
  }

  /** O3. */
  failed(session: bigint, deviceSeq: number): void {
    if (session === this.#session) this.#taken.delete(deviceSeq);
  }

  #settle(settled: number): void {
    if (settled <= this.#settled) return;
    this.#settled = settled;
    for (const seq of this.#taken) if (seq <= settled) this.#taken.delete(seq);
  }
}
