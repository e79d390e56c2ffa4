// The asking end of a link: requests of this process to one other. Owns: what is in flight, its end by answer, deadline or
// loss. Does not own: the connection, opening (lane.ts), how bytes become frames (stream.ts).
//
// L1  Every request settles once: by its answer, its deadline, or the end of the link.
// L2  NOT_OWNER only for what surely did not reach the other process; what was sent and lost is OUTCOME_UNKNOWN.

import { ERRORS, type ErrorCode, StarlingError } from '../../runtime/index.ts';
import { FLAG_PING, FLAG_RESET, type Frame } from './frame.ts';
import type { NatsLimits } from './limits.ts';
import { type Arrived, Incoming, type Item, Outgoing } from './stream.ts';

const NOT_SENT = -1;

class Pending implements Item {
  readonly kind = 'request';
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly deadlineMs: number;
  readonly #resolve: (reply: Uint8Array) => void;
  readonly #reject: (error: StarlingError) => void;
  /** The frame that holds its end. */
  frame = NOT_SENT;
  dropped = false;

  constructor(
    id: number,
    bytes: Uint8Array,
    deadlineMs: number,
    resolve: (reply: Uint8Array) => void,
    reject: (error: StarlingError) => void,
  ) {
    this.id = id;
    this.bytes = bytes;
    this.deadlineMs = deadlineMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  sent(frame: number): void {
    this.frame = frame;
  }

  resolve(reply: Uint8Array): void {
    this.#resolve(reply);
  }

  reject(error: StarlingError): void {
    this.dropped = true;
    this.#reject(error);
  }
}

/** How a link reaches its connection. */
export interface LinkWire {
  /** Sends a frame of requests; its number comes back when nobody listened. */
  send(process: string, link: Link, number: number, frame: Frame): void;
  /** Something waits to be sent in this tick. */
  wake(link: Link): void;
}

export class Link {
  readonly node: string;
  readonly number: number;
  readonly #limits: NatsLimits;
  readonly #wire: LinkWire;
  readonly #in: Incoming;
  readonly #pending = new Map<number, Pending>();
  #out: Outgoing;
  #process: string | undefined;
  #nextId = 0;
  #heardMs: number;
  #askedMs: number;
  #usedMs: number;
  #closed = false;

  constructor(node: string, number: number, limits: NatsLimits, wire: LinkWire, nowMs: number) {
    this.node = node;
    this.number = number;
    this.#limits = limits;
    this.#wire = wire;
    this.#in = new Incoming(limits.envelopeBytesMax);
    this.#out = new Outgoing(limits);
    this.#heardMs = nowMs;
    this.#askedMs = nowMs;
    this.#usedMs = nowMs;
  }

  /** Requests without an answer. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** Bytes of requests that wait to be sent. */
  get waitingBytes(): number {
    return this.#out.waitingBytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The process on the other side; undefined while the link is being opened. */
  get process(): string | undefined {
    return this.#process;
  }

  request(bytes: Uint8Array, deadlineMs: number, nowMs: number): Promise<Uint8Array> {
    const { linkRequestsMax, linkBytesMax } = this.#limits;
    if (this.#pending.size >= linkRequestsMax || this.#out.waitingBytes + bytes.length > linkBytesMax) {
      return Promise.reject(new StarlingError('OVERLOADED', `Too much is on its way to ${this.node}.`));
    }
    // Silence is measured from the moment on which there is something to answer.
    if (this.#pending.size === 0) this.#heardMs = nowMs;
    this.#usedMs = nowMs;
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    return new Promise((resolve, reject) => {
      const pending = new Pending(id, bytes, deadlineMs, resolve, reject);
      this.#pending.set(id, pending);
      this.#out.push(pending);
      this.#wire.wake(this);
    });
  }

  /** The other side is known, and how much it takes at once. */
  opened(process: string, windowBytes: number, nowMs: number): void {
    const { frameBytesMax } = this.#limits;
    const waiting = this.#pending;
    this.#out = new Outgoing({ windowBytes: Math.max(windowBytes, 2 * frameBytesMax), frameBytesMax });
    for (const pending of waiting.values()) this.#out.push(pending);
    this.#process = process;
    this.#heardMs = nowMs;
    this.#wire.wake(this);
  }

  /** Sends what the window allows. */
  flush(): void {
    if (this.#process === undefined || this.#closed) return;
    let sent = false;
    for (let next = this.#out.next(); next !== undefined; next = this.#out.next()) {
      this.#send(this.#process, next.number, { flags: 0, ack: this.#in.ack(), ...next.frame });
      sent = true;
    }
    if (!sent && this.#in.untoldBytes >= this.#limits.windowBytes / 4) this.#sendEmpty(0);
  }

  /** A frame of answers. */
  onFrame(frame: Frame, nowMs: number): void {
    this.#heardMs = nowMs;
    if ((frame.flags & FLAG_RESET) !== 0) {
      this.close('it does not know the link');
      return;
    }
    this.#out.acked(frame.ack);
    for (const arrived of this.#in.take(frame)) this.#answered(arrived);
    if (this.#out.waitingBytes > 0 || this.#in.untoldBytes >= this.#limits.windowBytes / 4)
      this.#wire.wake(this);
  }

  /** Nobody listened to a frame: what it holds has not arrived (L2). */
  onLost(number: number): void {
    for (const [id, pending] of this.#pending) {
      if (pending.frame !== number) continue;
      this.#pending.delete(id);
      pending.reject(this.#notReached());
    }
    if (this.#closed) return;
    this.#closed = true;
    // Frames after this one are reported one by one; a ping says nothing of those before it.
    this.#fail('its process has ended', (frame) => number !== NOT_SENT && frame > number);
  }

  /** Looks at deadlines and silence. False once nothing is left to look after. */
  onStep(nowMs: number): boolean {
    for (const [id, pending] of this.#pending) {
      if (pending.deadlineMs > nowMs) continue;
      this.#pending.delete(id);
      pending.reject(new StarlingError('DEADLINE_EXCEEDED', `${this.node} has not answered.`));
    }
    const { quietMs, silentMs, linkIdleMs } = this.#limits;
    const busy = this.#pending.size > 0 || (this.#out.unackedBytes > 0 && !this.#closed);
    if (!busy) return !this.#closed && nowMs - this.#usedMs < linkIdleMs;
    if (this.#process === undefined) return true;
    const silence = nowMs - this.#heardMs;
    if (silence >= silentMs) {
      this.close('it is silent');
      return false;
    }
    if (silence >= quietMs && nowMs - this.#askedMs >= quietMs && !this.#closed) {
      this.#askedMs = nowMs;
      this.#sendEmpty(FLAG_PING);
    }
    return true;
  }

  /** Ends the link: what was sent has an unknown outcome, the rest was not done. */
  close(why: string): void {
    this.#closed = true;
    this.#fail(why, () => false);
  }

  #fail(why: string, keep: (frame: number) => boolean): void {
    for (const [id, pending] of this.#pending) {
      const unsent = pending.frame === NOT_SENT;
      if (!unsent && keep(pending.frame)) continue;
      this.#pending.delete(id);
      pending.reject(
        unsent ? this.#notReached() : new StarlingError('OUTCOME_UNKNOWN', `${this.node}: ${why}.`),
      );
    }
  }

  #notReached(): StarlingError {
    return new StarlingError('NOT_OWNER', `${this.node} was not reached.`);
  }

  #answered({ kind, id, bytes }: Arrived): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (kind === 'reply') pending.resolve(bytes);
    else pending.reject(failureOf(bytes));
  }

  #sendEmpty(flags: number): void {
    if (this.#process !== undefined)
      this.#send(this.#process, NOT_SENT, { flags, ack: this.#in.ack(), ...this.#out.empty() });
  }

  #send(process: string, number: number, frame: Frame): void {
    this.#wire.send(process, this, number, frame);
  }
}

/** A failure on its way: `CODE text`. */
export function failureBytes(code: ErrorCode, text: string): Uint8Array {
  return Buffer.from(`${code} ${text}`);
}

function failureOf(bytes: Uint8Array): StarlingError {
  const text = Buffer.from(bytes).toString('utf8');
  const [code = ''] = text.split(' ', 1);
  // A code of a later release: all that is certain is that nothing is.
  return new StarlingError(
    code in ERRORS ? (code as ErrorCode) : 'OUTCOME_UNKNOWN',
    text.slice(code.length + 1),
  );
}
