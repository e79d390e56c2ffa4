// When to acknowledge: cumulative, at most one a second or each 32 deliveries, one under way at a time.

import type { Done } from '../done.ts';
import { LIMITS } from '../limits.ts';
import type { Position, TimelineEffect } from './timeline-io.ts';

export class Acks {
  /** Everything up to here is in the local store and not yet acknowledged. */
  #due: Position | undefined;
  #sent: Position | undefined;
  #deliveries = 0;
  #waiting = false;
  #up = false;

  /** More has become durable. */
  durable(position: Position, deliveries: number, out: TimelineEffect[]): Done {
    this.#due = position;
    this.#deliveries += deliveries;
    this.#plan(out);
  }

  /** The line came up or went down. */
  line(up: boolean, out: TimelineEffect[]): Done {
    this.#up = up;
    // Open names the durable cursor, so that nothing is owed from before.
    this.#due = undefined;
    this.#sent = undefined;
    this.#deliveries = 0;
    this.#waiting = false;
    out.push({ kind: 'cancel_timer', timer: 'ack' });
  }

  /** The timer fired. */
  due(out: TimelineEffect[]): Done {
    this.#waiting = false;
    if (this.#sent === undefined) this.#send(out);
  }

  /** The server answered an acknowledgement, or did not. */
  answered(ok: boolean, out: TimelineEffect[]): Done {
    const sent = this.#sent;
    this.#sent = undefined;
    if (!ok && this.#due === undefined) this.#due = sent;
    this.#plan(out);
  }

  #plan(out: TimelineEffect[]): Done {
    if (!this.#up || this.#due === undefined) return;
    if (this.#deliveries >= LIMITS.ackDeliveriesMax && this.#sent === undefined) return this.#send(out);
    if (this.#waiting) return;
    this.#waiting = true;
    out.push({ kind: 'set_timer', timer: 'ack', delayMs: LIMITS.ackIntervalMs });
  }

  #send(out: TimelineEffect[]): Done {
    if (!this.#up || this.#due === undefined) return;
    this.#sent = this.#due;
    this.#due = undefined;
    this.#deliveries = 0;
    out.push({ kind: 'ack', position: this.#sent });
  }
}
