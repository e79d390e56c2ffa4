// The answering end of a link: requests of one other process to this one. Owns: handing them to the handler, and the way
// back of the answers. Does not own: the connection (lane.ts), how bytes become frames (stream.ts).
//
// L3  Every request that arrives is answered: by the handler, or by a failure that says it was not begun.

import { StarlingError, toStarlingError } from '../../runtime/index.ts';
import { FLAG_PING, type Frame } from './frame.ts';
import type { NatsLimits } from './limits.ts';
import { failureBytes } from './link.ts';
import { type Arrived, Incoming, Outgoing } from './stream.ts';

type Handler = (envelope: Uint8Array) => Promise<Uint8Array>;

export interface SessionWire {
  /** What answers; undefined where requests are refused because the node leaves. */
  handler(): Handler | undefined;
  send(session: Session, frame: Frame): void;
  wake(session: Session): void;
}

export class Session {
  /** The process that asks, and its number of the link. */
  readonly process: string;
  readonly link: number;
  readonly #limits: NatsLimits;
  readonly #wire: SessionWire;
  readonly #in: Incoming;
  readonly #out: Outgoing;
  #working = 0;
  #heardMs: number;
  #owesAck = false;

  constructor(
    { process, link, windowBytes }: { process: string; link: number; windowBytes: number },
    limits: NatsLimits,
    wire: SessionWire,
    nowMs: number,
  ) {
    this.process = process;
    this.link = link;
    this.#limits = limits;
    this.#wire = wire;
    this.#in = new Incoming(limits.envelopeBytesMax);
    const { frameBytesMax } = limits;
    this.#out = new Outgoing({ windowBytes: Math.max(windowBytes, 2 * frameBytesMax), frameBytesMax });
    this.#heardMs = nowMs;
  }

  /** Bytes of answers that wait to be sent. */
  get waitingBytes(): number {
    return this.#out.waitingBytes;
  }

  /** Requests that are being answered, and answers that wait. */
  get busy(): boolean {
    return this.#working > 0 || this.#out.waitingBytes > 0;
  }

  onFrame(frame: Frame, nowMs: number): void {
    this.#heardMs = nowMs;
    this.#out.acked(frame.ack);
    for (const arrived of this.#in.take(frame)) if (arrived.kind === 'request') this.#answer(arrived);
    if ((frame.flags & FLAG_PING) !== 0 || this.#in.untoldBytes >= this.#limits.windowBytes / 4)
      this.#owesAck = true;
    if (this.#owesAck || this.#out.waitingBytes > 0) this.#wire.wake(this);
  }

  /** Sends what the window allows. */
  flush(): void {
    for (let next = this.#out.next(); next !== undefined; next = this.#out.next()) {
      this.#owesAck = false;
      this.#wire.send(this, { flags: 0, ack: this.#in.ack(), ...next.frame });
    }
    if (!this.#owesAck) return;
    this.#owesAck = false;
    this.#wire.send(this, { flags: 0, ack: this.#in.ack(), ...this.#out.empty() });
  }

  /** False once it was silent for so long that its link is closed. */
  onStep(nowMs: number): boolean {
    return nowMs - this.#heardMs < 2 * this.#limits.linkIdleMs;
  }

  #answer({ id, bytes }: Arrived): void {
    const handler = this.#wire.handler();
    if (handler === undefined) {
      this.#fail(id, new StarlingError('NOT_OWNER', 'The node is leaving.'));
      return;
    }
    if (this.#working >= this.#limits.linkRequestsMax) {
      this.#fail(id, new StarlingError('OVERLOADED'));
      return;
    }
    this.#working++;
    this.#run(handler, bytes).then(
      (reply) => {
        this.#working--;
        if (reply.length <= this.#limits.envelopeBytesMax) this.#push(id, 'reply', reply);
        else
          this.#fail(id, new StarlingError('INTERNAL', `An answer of ${reply.length} bytes is too large.`));
      },
      (error: unknown) => {
        this.#working--;
        this.#fail(id, toStarlingError(error));
      },
    );
  }

  #run(handler: Handler, bytes: Uint8Array): Promise<Uint8Array> {
    try {
      return handler(bytes);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #fail(id: number, { code, message }: StarlingError): void {
    this.#push(id, 'failure', failureBytes(code, message));
  }

  #push(id: number, kind: 'reply' | 'failure', bytes: Uint8Array): void {
    this.#out.push({ kind, id, bytes });
    this.#wire.wake(this);
  }
}
