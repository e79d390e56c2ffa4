// The merge rule: an entry is taken iff user_seq is the cursor's + 1; lower ones are dropped, higher ones buffered.

import type { Delivery } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { LIMITS } from '../limits.ts';
import type { Position } from './timeline-io.ts';

/** What has been taken by one offer, in order. */
export interface Taken {
  readonly deliveries: readonly Delivery[];
  /** Of the last one. */
  readonly position: Position;
}

export class Merge {
  #cursor: Position | undefined;
  readonly #beyond = new Map<bigint, Delivery>();

  /** Undefined: nothing is known; whatever is offered waits for `rebase`. */
  constructor(cursor: Position | undefined) {
    this.#cursor = cursor;
  }

  /** Everything up to here is taken. */
  get cursor(): Position | undefined {
    return this.#cursor;
  }

  /** True: something lies beyond a hole. */
  get hasHole(): boolean {
    return this.#beyond.size > 0;
  }

  /** Undefined: nothing new. Beyond bufferedDeliveriesMax what lies behind a hole is dropped: the pull brings it. */
  offer(deliveries: readonly Delivery[]): Taken | undefined {
    const taken: Delivery[] = [];
    for (const delivery of deliveries) {
      const at = this.#cursor;
      if (at !== undefined && delivery.userSeq <= at.seq) continue;
      if (at !== undefined && delivery.userSeq === at.seq + 1n) this.#take(delivery, taken);
      else if (this.#beyond.size < LIMITS.bufferedDeliveriesMax) this.#beyond.set(delivery.userSeq, delivery);
    }
    return this.#result(taken);
  }

  /** Forgets the cursor; the buffer stays. */
  forget(): void {
    this.#cursor = undefined;
  }

  /** Empties the buffer. */
  clear(): void {
    this.#beyond.clear();
  }

  /** Continues from `cursor` with what is buffered. */
  rebase(cursor: Position): Taken | undefined {
    this.#cursor = cursor;
    for (const seq of this.#beyond.keys()) if (seq <= cursor.seq) this.#beyond.delete(seq);
    const taken: Delivery[] = [];
    this.#drain(taken);
    return this.#result(taken);
  }

  #take(delivery: Delivery, taken: Delivery[]): void {
    const at = this.#cursor;
    if (at === undefined) return;
    this.#beyond.delete(delivery.userSeq);
    this.#cursor = { incarnation: at.incarnation, seq: delivery.userSeq, check: delivery.check };
    taken.push(delivery);
    this.#drain(taken);
  }

  #drain(taken: Delivery[]): void {
    for (let at = this.#cursor; at !== undefined; at = this.#cursor) {
      const next = this.#beyond.get(at.seq + 1n);
      if (next === undefined) return;
      this.#beyond.delete(next.userSeq);
      this.#cursor = { incarnation: at.incarnation, seq: next.userSeq, check: next.check };
      taken.push(next);
    }
  }

  #result(taken: readonly Delivery[]): Taken | undefined {
    return taken.length === 0 || this.#cursor === undefined
      ? undefined
      : { deliveries: taken, position: this.#cursor };
  }
}
