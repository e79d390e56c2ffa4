// A link between two programs on loopback that can be cut, slowed and mended. Owns: its port and the connections through it.
// Does not own: when it is cut, nor what goes over it.
//
// Invariants:
// L1  A cut holds bytes back and loses none: what was sent during a cut arrives after it, as over a network that drops and
//     a sender that sends again. That is what lets a request of long ago arrive late.
// L2  A connection that is made during a cut is taken and goes nowhere until it is mended, or is refused where that was asked
//     for.
// L3  Connections that were stranded stay held whatever is mended; later ones are not touched.

import { createServer, type Server, Socket } from 'node:net';
import { Flow, type FlowRules } from './flow.ts';

/** Requests go to the server, answers come from it. */
export type Direction = 'requests' | 'answers';

export interface CutOptions {
  /** What becomes of connections that are made meanwhile. Default `held`. */
  readonly newConnections?: 'held' | 'refused';
}

/** Connections that are held apart from the rest of their link. */
export interface Stranded {
  /** Bytes that wait to be sent to the server. */
  readonly requestBytes: number;
  /**
   * Lets all bytes arrive. The ends of these connections are lost: a server may leave undone what came over a connection that is
   * closed.
   */
  release(): void;
}

export interface Link {
  /** `host:port` to use in place of the server's. */
  readonly address: string;
  readonly port: number;
  /** Nothing passes any more, in one direction or (default) in both. */
  cut(direction?: Direction, options?: CutOptions): void;
  /** Everything passes again; `reset` ends the connections that were cut instead. */
  mend(how?: { readonly reset?: boolean }): void;
  /** Every byte takes this many milliseconds more in each direction; 0 = none. */
  delay(ms: number): void;
  /** Holds the connections of now in both directions, for good unless released. New ones pass. */
  strand(): Stranded;
  /**
   * Shows the bytes that come from clients, by connection, before they are sent on; what it returns goes on in their place. A cut
   * made then holds that too.
   */
  onRequests(listener: RequestListener | undefined): void;
  close(): Promise<void>;
}

/** `connection` is the same object for all bytes of one connection. */
export type RequestListener = (bytes: Buffer, connection: object) => Buffer;

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** Opens a link on a port of its own. */
export async function openLink(to: ServerAddress): Promise<Link> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the link has no port');
  return new ProxyLink(server, address.port, to);
}

/** One connection through the link. */
interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  readonly flows: Readonly<Record<Direction, Flow>>;
  /** Whether the connection to the server was asked for. */
  opened: boolean;
  stranded: boolean;
  /** It was stranded once: its end is lost. */
  released: boolean;
}

class ProxyLink implements Link {
  readonly address: string;
  readonly port: number;
  readonly #server: Server;
  readonly #to: ServerAddress;
  readonly #pairs = new Set<Pair>();
  readonly #cuts = new Set<Direction>();
  #refusing = false;
  #delayMs = 0;
  #listener: RequestListener | undefined;

  constructor(server: Server, port: number, to: ServerAddress) {
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.#server = server;
    this.#to = to;
    server.on('connection', (near) => this.#accept(near));
  }

  cut(direction?: Direction, options: CutOptions = {}): void {
    for (const each of direction === undefined ? (['requests', 'answers'] as const) : [direction])
      this.#cuts.add(each);
    this.#refusing = options.newConnections === 'refused';
  }

  mend({ reset = false } = {}): void {
    const wasCut = this.#cuts.size > 0;
    this.#cuts.clear();
    this.#refusing = false;
    for (const pair of this.#pairs) {
      if (pair.stranded) continue;
      if (reset && wasCut) end(pair);
      else this.#pass(pair);
    }
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  strand(): Stranded {
    const pairs = [...this.#pairs].filter((pair) => !pair.stranded);
    for (const pair of pairs) pair.stranded = true;
    return {
      get requestBytes() {
        return pairs.reduce((sum, pair) => sum + pair.flows.requests.waiting, 0);
      },
      release: () => {
        for (const pair of pairs) {
          pair.stranded = false;
          pair.released = true;
          this.#pass(pair);
        }
      },
    };
  }

  onRequests(listener: RequestListener | undefined): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    for (const pair of this.#pairs) end(pair);
    await closed;
  }

  #accept(near: Socket): void {
    if (this.#refusing) {
      near.on('error', () => {});
      near.resetAndDestroy();
      return;
    }
    const far = new Socket({ allowHalfOpen: true });
    const rulesOf = (direction: Direction, taken: (bytes: Buffer) => Buffer): FlowRules => ({
      passes: () => pair.opened && !pair.stranded && !this.#cuts.has(direction),
      ends: () => !pair.released,
      delayMs: () => this.#delayMs,
      taken,
    });
    const pair: Pair = {
      near,
      far,
      opened: false,
      stranded: false,
      released: false,
      flows: {
        requests: new Flow(
          near,
          far,
          rulesOf('requests', (bytes) => this.#listener?.(bytes, near) ?? bytes),
        ),
        answers: new Flow(
          far,
          near,
          rulesOf('answers', (bytes) => bytes),
        ),
      },
    };
    this.#pairs.add(pair);
    const forget = (): void => {
      if (near.destroyed && far.destroyed) this.#pairs.delete(pair);
    };
    near.once('close', forget);
    far.once('close', forget);
    // A cut holds the making of a connection back too.
    if (!this.#cuts.has('requests')) this.#pass(pair);
  }

  #pass(pair: Pair): void {
    if (!pair.opened) {
      pair.opened = true;
      pair.far.setNoDelay(true);
      pair.far.connect(this.#to.port, this.#to.host);
    }
    pair.flows.requests.flush();
    pair.flows.answers.flush();
  }
}

/** Ends both sides at once, whatever waits. */
function end({ near, far, flows }: Pair): void {
  flows.requests.drop();
  flows.answers.drop();
  near.resetAndDestroy();
  far.resetAndDestroy();
}
