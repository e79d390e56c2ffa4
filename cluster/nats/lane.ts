// All links of one connection, both ends. Owns: opening links by asking the node, one flush a tick, telling what came in
// apart, steps of time, the orderly end. Does not own: what a link does (link.ts, session.ts).
//
// L4  What is handed over in one tick for one destination leaves in one message for every eagerBytes of it: one, mostly.
// L5  A link belongs to one process. A node that was restarted, or a second one of the same name, is another link.

import { errors, type Msg } from '@nats-io/nats-core';
import { type Clock, StarlingError, type Timer } from '../../runtime/index.ts';
import type { Connection } from './connection.ts';
import { decodeFrame, encodeFrame, FLAG_RESET, FRAME_VERSION, type Frame } from './frame.ts';
import { decodeHello, decodeWelcome, encodeHello, encodeWelcome } from './hello.ts';
import type { NatsLimits } from './limits.ts';
import { Link } from './link.ts';
import { Session } from './session.ts';
import type { LaneSubjects } from './subjects.ts';

export type LaneHandler = (envelope: Uint8Array) => Promise<Uint8Array>;

export interface LaneOptions {
  readonly connection: Connection;
  readonly subjects: LaneSubjects;
  readonly node: string;
  readonly process: string;
  readonly clock: Clock;
  readonly limits: NatsLimits;
  readonly onRefused: (node: string, reason: string) => void;
}

export class Lane {
  readonly #options: LaneOptions;
  /** The link on which a node is asked, by node. */
  readonly #current = new Map<string, Link>();
  /** Links that still have something in flight, the current ones too, by number. */
  readonly #links = new Map<number, Link>();
  readonly #sessions = new Map<string, Session>();
  readonly #dirty = new Set<Link | Session>();
  #handler: LaneHandler | undefined;
  #nextLink = 1;
  #flush: NodeJS.Immediate | undefined;
  #step: Timer | undefined;
  #ended = false;
  /** Messages sent with envelopes in them, and the envelopes. */
  readonly sent = { messages: 0, envelopes: 0 };

  constructor(options: LaneOptions) {
    this.#options = options;
    const { connection, subjects } = options;
    connection.nats.subscribe(subjects.mine, {
      callback: (error, message) => this.#onMessage(error, message),
    });
    connection.listen({
      onDown: () => this.#closeLinks('the connection to NATS was lost'),
      onUp: () => this.#wakeAll(),
    });
  }

  /** Asks a node. @throws StarlingError as the port Transport says */
  request(node: string, envelope: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (this.#ended) return Promise.reject(new StarlingError('SHUTTING_DOWN'));
    const { limits, clock } = this.#options;
    if (envelope.length > limits.envelopeBytesMax) {
      const text = `An envelope of ${envelope.length} bytes; at most ${limits.envelopeBytesMax} go to another node.`;
      return Promise.reject(new StarlingError('PAYLOAD_TOO_LARGE', text));
    }
    const nowMs = clock.monotonic();
    const link = this.#linkTo(node, nowMs);
    if (link === undefined) return Promise.reject(new StarlingError('OVERLOADED', 'Too many links.'));
    return link.request(envelope, nowMs + timeoutMs, nowMs);
  }

  /** A process has ended: what waits for its answers fails now, not after silentMs. */
  forget(process: string): void {
    for (const link of this.#links.values())
      if (link.process === process) link.close('its process has ended');
  }

  /** Answers requests from now on. */
  serve(handler: LaneHandler): void {
    this.#handler = handler;
    const { connection, subjects, node } = this.#options;
    connection.nats.subscribe(subjects.hello(node), {
      callback: (error, message) => {
        if (error === null) this.#onHello(message);
      },
    });
  }

  /** Refuses what comes in from now on, waits for the answers that are being made, and ends every link. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const { clock, limits } = this.#options;
    const untilMs = clock.monotonic() + limits.drainMs;
    while ([...this.#sessions.values()].some(({ busy }) => busy) && clock.monotonic() < untilMs) {
      await new Promise<void>((resolve) => clock.after(5, resolve));
    }
    this.#flushAll();
    this.#closeLinks('this node has stopped');
    this.#step?.cancel();
  }

  // ---- links --------------------------------------------------------------------------------------------------------

  #linkTo(node: string, nowMs: number): Link | undefined {
    const known = this.#current.get(node);
    if (known?.closed === false) return known;
    const { limits } = this.#options;
    if (this.#links.size >= limits.linksMax) return undefined;
    const link = new Link(
      node,
      this.#nextLink++,
      limits,
      {
        send: (process, from, number, frame) => this.#sendRequests(process, from, number, frame),
        wake: (woken) => this.#wake(woken),
      },
      nowMs,
    );
    this.#current.set(node, link);
    this.#links.set(link.number, link);
    this.#arm();
    void this.#open(link);
    return link;
  }

  async #open(link: Link): Promise<void> {
    const { connection, subjects, process, limits, clock } = this.#options;
    const hello = { process, link: link.number, windowBytes: limits.windowBytes, version: FRAME_VERSION };
    try {
      const timeout = limits.helloMs;
      const answer = await connection.nats.request(subjects.hello(link.node), encodeHello(hello), {
        timeout,
      });
      const welcome = decodeWelcome(answer.data);
      if (welcome.refusal === '') {
        link.opened(welcome.process, welcome.windowBytes, clock.monotonic());
        return;
      }
      this.#options.onRefused(link.node, welcome.refusal);
    } catch (error) {
      // No such node, or none that answers: nothing was sent, so nothing was done (L2).
      if (!(error instanceof errors.TimeoutError || error instanceof errors.RequestError))
        this.#options.onRefused(link.node, error instanceof Error ? error.message : String(error));
    }
    link.close('it did not open the link');
  }

  #closeLinks(why: string): void {
    for (const link of this.#links.values()) link.close(why);
    this.#links.clear();
    this.#current.clear();
  }

  #onHello(message: Msg): void {
    const hello = decodeHello(message.data);
    if (hello === undefined) return;
    const { process, limits, clock } = this.#options;
    const refusal = this.#refusalOf(hello.version);
    if (refusal !== undefined) {
      message.respond(encodeWelcome({ process, windowBytes: 0, refusal }));
      return;
    }
    const wire = {
      handler: () => (this.#ended ? undefined : this.#handler),
      send: (from: Session, frame: Frame) => this.#sendReplies(from, frame),
      wake: (woken: Session) => this.#wake(woken),
    };
    const session = new Session(hello, limits, wire, clock.monotonic());
    this.#sessions.set(sessionKey(session), session);
    this.#arm();
    message.respond(encodeWelcome({ process, windowBytes: limits.windowBytes, refusal: '' }));
  }

  #refusalOf(version: number): string | undefined {
    if (this.#ended) return 'The node is leaving.';
    if (version !== FRAME_VERSION) return `It speaks version ${FRAME_VERSION} of the frames.`;
    return this.#sessions.size >= this.#options.limits.linksMax ? 'It has too many links.' : undefined;
  }

  // ---- messages -----------------------------------------------------------------------------------------------------

  #onMessage(error: Error | null, message: Msg): void {
    if (error !== null) return;
    const { subjects, clock } = this.#options;
    const addressed = subjects.parse(message.subject);
    switch (addressed?.what) {
      case 'requests': {
        const frame = decodeFrame(message.data);
        const session = this.#sessions.get(sessionKey(addressed));
        if (session === undefined) this.#reset(addressed.process, addressed.link);
        else if (frame !== undefined) session.onFrame(frame, clock.monotonic());
        return;
      }
      case 'replies': {
        const frame = decodeFrame(message.data);
        if (frame !== undefined) this.#links.get(addressed.link)?.onFrame(frame, clock.monotonic());
        return;
      }
      case 'lost-requests':
        this.#links.get(addressed.link)?.onLost(addressed.frame);
        return;
      case 'lost-replies':
        this.#sessions.delete(sessionKey(addressed));
        return;
      case undefined:
        return;
    }
  }

  #sendRequests(process: string, link: Link, number: number, frame: Frame): void {
    const { subjects } = this.#options;
    this.#publish(
      subjects.requests(process, link.number),
      frame,
      `${subjects.lostRequests(link.number)}.${number}`,
    );
  }

  #sendReplies({ process, link }: Session, frame: Frame): void {
    const { subjects } = this.#options;
    this.#publish(subjects.replies(process, link), frame, subjects.lostReplies(process, link));
  }

  #reset(process: string, link: number): void {
    const frame: Frame = { flags: FLAG_RESET, offset: 0, ack: 0, pieces: [], bytes: 0 };
    this.#publish(this.#options.subjects.replies(process, link), frame);
  }

  #publish(subject: string, frame: Frame, reply?: string): void {
    this.#count(frame);
    try {
      this.#options.connection.nats.publish(
        subject,
        encodeFrame(frame),
        reply === undefined ? {} : { reply },
      );
    } catch {
      // The connection is closed for good: lost, as at any disconnect.
    }
  }

  #count({ pieces }: Frame): void {
    if (pieces.length === 0) return;
    this.sent.messages++;
    this.sent.envelopes += pieces.reduce((sum, { more }) => sum + (more ? 0 : 1), 0);
  }

  // ---- ticks --------------------------------------------------------------------------------------------------------

  /** L4. */
  #wake(end: Link | Session): void {
    this.#dirty.add(end);
    const { connection, limits } = this.#options;
    if (connection.state !== 'connected') return;
    // The other side may begin with what is enough for a message while the rest is still being made.
    if (end.waitingBytes >= limits.eagerBytes) end.flush();
    this.#flush ??= setImmediate(() => this.#flushAll());
  }

  #wakeAll(): void {
    for (const end of [...this.#links.values(), ...this.#sessions.values()]) this.#wake(end);
  }

  #flushAll(): void {
    this.#flush = undefined;
    // What is written while there is no connection would be lost.
    if (this.#options.connection.state !== 'connected') return;
    for (const end of this.#dirty) end.flush();
    this.#dirty.clear();
  }

  #arm(): void {
    this.#step ??= this.#options.clock.after(this.#options.limits.stepMs, () => this.#onStep());
  }

  #onStep(): void {
    this.#step = undefined;
    const nowMs = this.#options.clock.monotonic();
    for (const link of this.#links.values()) {
      if (link.onStep(nowMs)) continue;
      link.close('it was not used');
      this.#links.delete(link.number);
      if (this.#current.get(link.node) === link) this.#current.delete(link.node);
    }
    for (const [key, session] of this.#sessions) if (!session.onStep(nowMs)) this.#sessions.delete(key);
    if (this.#links.size + this.#sessions.size > 0) this.#arm();
  }
}

function sessionKey({ process, link }: { readonly process: string; readonly link: number }): string {
  return `${process} ${link}`;
}
