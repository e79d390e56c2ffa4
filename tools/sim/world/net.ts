// The network between processes. Owns: delay, loss, repetition, reordering and cuts of envelopes. Does not own: what they
// hold, and who serves what.
//
// N1  A cut of a link in one direction loses what is sent into it from then on; what is under way still arrives.
// N2  Nothing arrives at a process that was killed; a later incarnation of its name is another process.

import { StarlingError, type Transport } from '../../../runtime/index.ts';
import type { SimClock, SimRandom } from '../../../runtime/testing/index.ts';
import type { SimProcess } from './process.ts';
import type { Trace } from './trace.ts';

export interface NetRates {
  readonly lost: number;
  readonly repeated: number;
  readonly late: number;
  readonly lateMsMax: number;
}

export const CALM: NetRates = { lost: 0, repeated: 0, late: 0, lateMsMax: 0 };

interface Endpoint {
  readonly process: SimProcess;
  handler: ((envelope: Uint8Array) => Promise<Uint8Array>) | undefined;
}

/** Sees every envelope between nodes. */
export interface NetWatch {
  answered(process: SimProcess, envelope: Uint8Array, answer: Uint8Array): void;
}

export interface NetOptions {
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly trace: Trace;
  readonly watch: NetWatch;
}

export class SimNet {
  readonly #options: NetOptions;
  readonly #random: SimRandom;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #cuts = new Set<string>();
  rates: NetRates = CALM;

  constructor(options: NetOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Loses everything from one place to another from now on. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  mend(from: string, to: string): void {
    this.#cuts.delete(`${from}>${to}`);
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
    this.rates = CALM;
  }

  /** The way of a process to the others; `address` names the node, `place` its end of the links. */
  transportOf(process: SimProcess, address: string, place: string): Transport {
    const endpoint: Endpoint = { process, handler: undefined };
    this.#endpoints.set(address, endpoint);
    this.#places.set(address, place);
    return {
      request: (node, envelope, timeoutMs) => this.#request(process, place, node, envelope, timeoutMs),
      serve: (handler) => {
        endpoint.handler = handler;
      },
    };
  }

  /** When the last thing on an ordered link arrives. */
  readonly #lastArrival = new Map<string, number>();
  readonly #places = new Map<string, string>();

  /** Brings something from one place to another, or loses it; `arrive` may be called twice. `ordered`: as one connection does. False: lost. */
  carry(from: string, to: string, arrive: () => void, ordered = false): boolean {
    const { clock, trace } = this.#options;
    if (this.#cuts.has(`${from}>${to}`)) {
      trace.count('envelope lost in a cut');
      return false;
    }
    const { lost, repeated, late, lateMsMax } = this.rates;
    if (!ordered && this.#random.float() < lost) {
      trace.count('envelope lost');
      return false;
    }
    let delayMs = 0.2 + this.#random.float() * 3;
    if (ordered) {
      const link = `${from}>${to}`;
      const arrivesAt = Math.max(clock.monotonic() + delayMs, this.#lastArrival.get(link) ?? 0);
      this.#lastArrival.set(link, arrivesAt);
      delayMs = arrivesAt - clock.monotonic();
    }
    if (!ordered && this.#random.float() < late) {
      delayMs += this.#random.float() * lateMsMax;
      trace.count('envelope late');
    }
    clock.after(delayMs, arrive);
    if (!ordered && this.#random.float() < repeated) {
      trace.count('envelope repeated');
      clock.after(delayMs + this.#random.float() * lateMsMax, arrive);
    }
    return true;
  }

  #request(
    process: SimProcess,
    from: string,
    node: string,
    envelope: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array> {
    const to = this.#places.get(node) ?? node;
    const bytes = envelope.slice();
    return new Promise((resolve, reject) => {
      const timer = process.clock.after(timeoutMs, () =>
        reject(new StarlingError('DEADLINE_EXCEEDED', 'No answer from another node.')),
      );
      const back = (settle: () => void): boolean =>
        this.carry(to, from, () =>
          process.enter(() => {
            timer.cancel();
            settle();
          }),
        );
      process.leave(() =>
        this.carry(from, to, () => this.#arrive(node, bytes.slice(), { back, resolve, reject })),
      );
    });
  }

  #arrive(
    node: string,
    envelope: Uint8Array,
    answer: {
      readonly back: (settle: () => void) => void;
      readonly resolve: (bytes: Uint8Array) => void;
      readonly reject: (error: StarlingError) => void;
    },
  ): void {
    const endpoint = this.#endpoints.get(node);
    const { trace, watch } = this.#options;
    if (endpoint === undefined || endpoint.process.killed || endpoint.handler === undefined) {
      // Sometimes the network says that nobody is there, sometimes it says nothing.
      if (this.#random.float() < 0.5) {
        trace.count('nobody there');
        answer.back(() => answer.reject(new StarlingError('NOT_OWNER', `There is no node ${node}.`)));
      }
      return;
    }
    const { process, handler } = endpoint;
    process.enter(() => {
      handler(envelope).then((bytes) => {
        process.leave(() => {
          watch.answered(process, envelope, bytes);
          const copy = bytes.slice();
          answer.back(() => answer.resolve(copy));
        });
      });
    });
  }
}
