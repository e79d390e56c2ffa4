// A worker's place on its host, over its line to the supervisor. Owns: which answer belongs to which request. Does not own:
// the line, what is asked for.
//
// Invariants:
// W1  An answer counts for the request whose number it bears, once, while that one waits: an answer that comes late is
//     dropped. So `live` is true of a moment after the request was made.
// W2  Silence of the supervisor is no answer: requests fail after fenceMs, and while fenceAsksMax were never answered no
//     further one is sent. Meanwhile the process reads for itself (cluster/host, P2).

import { type HostLimits, type HostPlace, hostLimits } from '../../../cluster/host/index.ts';
import { type Clock, StarlingError } from '../../../runtime/index.ts';
import type { FromWorker, Life, ToWorker } from './messages.ts';

type Start = Extract<ToWorker, { readonly kind: 'start' }>;
type Listener = Parameters<HostPlace['onEnded']>[0];

export interface WorkerPlaceOptions {
  readonly start: Start;
  readonly send: (message: FromWorker) => void;
  readonly clock: Clock;
  readonly limits?: HostLimits;
}

export class WorkerPlace implements HostPlace {
  readonly host: string;
  readonly sockets: ReadonlyMap<string, string>;
  readonly #send: (message: FromWorker) => void;
  readonly #clock: Clock;
  readonly #limits: HostLimits;
  /** Sent and not answered, those that nobody waits for any more too. */
  readonly #asked = new Map<number, (life: Life) => void>();
  readonly #noted = Promise.withResolvers<void>();
  readonly #listeners: Listener[] = [];
  #nextId = 0;

  constructor({ start, send, clock, limits = hostLimits }: WorkerPlaceOptions) {
    this.host = start.host;
    this.sockets = new Map(Object.entries(start.sockets));
    this.#send = send;
    this.#clock = clock;
    this.#limits = limits;
  }

  begun(incarnation: string): Promise<void> {
    this.#send({ kind: 'begun', incarnation });
    return this.#noted.promise;
  }

  readLife(incarnation: string): Promise<'live' | 'fenced'> {
    const { fenceAsksMax, fenceMs } = this.#limits;
    if (this.#asked.size >= fenceAsksMax)
      return Promise.reject(new StarlingError('OVERLOADED', 'The supervisor does not answer.'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new StarlingError('OUTCOME_UNKNOWN', 'The fence could not be read.'));
      const timer = this.#clock.after(fenceMs, fail);
      this.#asked.set(id, (life) => {
        timer.cancel();
        if (life === 'unknown') fail();
        else resolve(life);
      });
      this.#send({ kind: 'life', id, incarnation });
    });
  }

  onEnded(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Something that the supervisor said. */
  take(message: ToWorker): void {
    switch (message.kind) {
      case 'noted':
        this.#noted.resolve();
        return;
      case 'life':
        this.#answered(message.id, message.life);
        return;
      case 'ended':
        void this.#ended(message.incarnation, message.tell);
        return;
      case 'start':
      case 'stop':
        return;
    }
  }

  /** W1: whoever waited too long has been told so already, and a promise settles once. */
  #answered(id: number, life: Life): void {
    const answer = this.#asked.get(id);
    this.#asked.delete(id);
    answer?.(life);
  }

  async #ended(incarnation: string, tell: boolean): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener(incarnation, tell)));
    if (tell) this.#send({ kind: 'told', incarnation });
  }
}
