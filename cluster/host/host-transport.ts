// The port Transport of a process that has siblings on its host. Owns: which way an envelope goes. Does not own: the ways.
//
// H4  An envelope goes one way only: to a sibling by the host while there is a connection, else by the way that leads to
//     every node. What one way has taken is never given to the other.

import { type Clock, StarlingError, type Transport, type TransportLane } from '../../runtime/index.ts';
import type { HostLimits } from './limits.ts';
import { LocalLink } from './local-link.ts';
import { type Handler, LocalServer } from './local-server.ts';

export interface HostTransportOptions {
  /** This node, one of those below. */
  readonly node: string;
  /** Where each process of the host listens, by node. */
  readonly sockets: ReadonlyMap<string, string>;
  /** The way to every node. */
  readonly far: Transport;
  readonly clock: Clock;
  readonly limits: HostLimits;
}

export class HostTransport implements Transport {
  readonly #far: Transport;
  readonly #limits: HostLimits;
  readonly #links = new Map<string, Readonly<Record<TransportLane, LocalLink>>>();
  readonly #server: LocalServer | undefined;
  #sent = 0;

  constructor({ node, sockets, far, clock, limits }: HostTransportOptions) {
    this.#far = far;
    this.#limits = limits;
    for (const [sibling, path] of sockets) {
      if (sibling === node) continue;
      // Two connections, so that mass holds up no call.
      const link = (): LocalLink => new LocalLink(sibling, path, limits, clock);
      this.#links.set(sibling, { call: link(), bulk: link() });
    }
    const own = sockets.get(node);
    this.#server = own === undefined ? undefined : new LocalServer(own, limits);
  }

  /** Envelopes that went to siblings without NATS. */
  get sent(): number {
    return this.#sent;
  }

  /** Resolves when siblings can connect. @throws Error where its socket can't be made */
  async listen(): Promise<void> {
    await this.#server?.listen();
  }

  /** @throws StarlingError as the port says */
  request(
    node: string,
    envelope: Uint8Array,
    timeoutMs: number,
    lane: TransportLane = 'call',
  ): Promise<Uint8Array> {
    const links = this.#links.get(node);
    if (links === undefined) return this.#far.request(node, envelope, timeoutMs, lane);
    if (envelope.length > this.#limits.envelopeBytesMax) {
      const text = `An envelope of ${envelope.length} bytes; at most ${this.#limits.envelopeBytesMax} go to another node.`;
      return Promise.reject(new StarlingError('PAYLOAD_TOO_LARGE', text));
    }
    const answer = links[lane].request(envelope, timeoutMs);
    if (answer === undefined) return this.#far.request(node, envelope, timeoutMs, lane);
    this.#sent++;
    return answer;
  }

  serve(handler: Handler): void {
    this.#server?.serve(handler);
    this.#far.serve(handler);
  }

  async close(): Promise<void> {
    for (const { call, bulk } of this.#links.values()) {
      call.close();
      bulk.close();
    }
    await this.#server?.close();
  }
}
