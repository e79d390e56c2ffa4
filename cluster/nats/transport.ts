// The port Transport over NATS. Owns: which lane carries an envelope. Does not own: how it is carried (lane.ts).

import type { Transport, TransportLane } from '../../runtime/index.ts';
import type { Lane, LaneHandler } from './lane.ts';
import type { LaneName } from './subjects.ts';

/** What was sent so far, by lane: envelopes, and the NATS messages that carried them. */
export type SentCounts = Readonly<
  Record<LaneName, { readonly messages: number; readonly envelopes: number }>
>;

export class NatsTransport implements Transport {
  readonly #lanes: Readonly<Record<LaneName, Lane>>;

  constructor(lanes: Readonly<Record<LaneName, Lane>>) {
    this.#lanes = lanes;
  }

  get sent(): SentCounts {
    const { calls, bulk } = this.#lanes;
    return { calls: { ...calls.sent }, bulk: { ...bulk.sent } };
  }

  /** @throws StarlingError as the port says, and OVERLOADED, PAYLOAD_TOO_LARGE, SHUTTING_DOWN */
  request(
    node: string,
    envelope: Uint8Array,
    timeoutMs: number,
    lane: TransportLane = 'call',
  ): Promise<Uint8Array> {
    return this.#lanes[lane === 'call' ? 'calls' : 'bulk'].request(node, envelope, timeoutMs);
  }

  /** A process has ended: nobody waits for it any longer. `process`: its incarnation. */
  forget(process: string): void {
    for (const lane of Object.values(this.#lanes)) lane.forget(process);
  }

  serve(handler: LaneHandler): void {
    this.#lanes.calls.serve(handler);
    this.#lanes.bulk.serve(handler);
  }
}
