// Opens actors again that may have left work: marked by a former owner (rule 10), or ended here by a failure. Tries until
// one opens, so that what was acked is finished with no further call (invariant I10).
//
// R1  An actor is tried less and less often, up to a bound: also one that opens and ends by a failure soon after.
// R2  So many are opened at a time, however many failed together or were found marked.
// R3  One that ends by a failure while it is being opened is opened once more: it may have begun what it left.

import { StarlingError } from './errors.ts';
import type { Clock } from './ports/clock.ts';
import type { ActorAddress } from './ports/store.ts';
import { Slots } from './slots.ts';

export interface ReviverOptions {
  readonly clock: Clock;
  readonly retryMsMin: number;
  /** The longest wait. An actor that has been open for so long is well again. */
  readonly retryMsMax: number;
  /** Actors opened at a time. */
  readonly concurrencyMax: number;
  /** Opens the activation of an actor; rejects if it does not open. */
  readonly open: (actor: ActorAddress) => Promise<void>;
  /** Its shard is this node's, if only to be given away: that may be given up, and then nobody else opens it (H4). */
  readonly held: (actor: ActorAddress) => boolean;
  /** An actor did not open. */
  readonly failed: (actor: ActorAddress, error: unknown, retryMs: number) => void;
}

/** An actor that waits to be opened, or is being opened. */
interface Waiting {
  /** It was asked for since the last try began. */
  again: boolean;
}

/** An actor that was opened, and may end again. */
interface Opened {
  readonly atMs: number;
  /** What it waited for that, milliseconds. */
  readonly delayMs: number;
}

export class Reviver {
  readonly #options: ReviverOptions;
  readonly #slots: Slots;
  readonly #waiting = new Map<string, Waiting>();
  /** Those opened within the last `retryMsMax`, the earliest first. */
  readonly #opened = new Map<string, Opened>();
  #stopped = false;

  constructor(options: ReviverOptions) {
    this.#options = options;
    this.#slots = new Slots(options.concurrencyMax);
  }

  /** Opens an actor soon, however often it is asked for meanwhile. */
  revive(actor: ActorAddress): void {
    const name = `${actor.kind}/${actor.key}`;
    if (this.#stopped) return;
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) {
      waiting.again = true;
      return;
    }
    this.#waiting.set(name, { again: false });
    this.#later(actor, name, this.#delayOf(name));
  }

  /** Opens an actor as soon as there is room; if it does not open, later. Resolves after the first try. */
  async open(actor: ActorAddress): Promise<void> {
    try {
      await this.#slots.run(() => this.#options.open(actor));
    } catch (error) {
      if (!isRefused(error)) this.#options.failed(actor, error, this.#options.retryMsMin);
      this.revive(actor);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** R1. */
  #delayOf(name: string): number {
    const { clock, retryMsMin, retryMsMax } = this.#options;
    const now = clock.monotonic();
    for (const [other, { atMs }] of this.#opened) {
      if (atMs + retryMsMax > now) break;
      this.#opened.delete(other);
    }
    const lately = this.#opened.get(name);
    return lately === undefined ? retryMsMin : Math.min(2 * lately.delayMs, retryMsMax);
  }

  #later(actor: ActorAddress, name: string, delayMs: number): void {
    this.#options.clock.after(delayMs, () => {
      void this.#slots.run(() => this.#try(actor, name, delayMs));
    });
  }

  async #try(actor: ActorAddress, name: string, delayMs: number): Promise<void> {
    const waiting = this.#waiting.get(name);
    if (this.#stopped || waiting === undefined) return;
    const { clock, retryMsMax } = this.#options;
    waiting.again = false;
    try {
      await this.#options.open(actor);
      this.#waiting.delete(name);
      this.#opened.delete(name);
      this.#opened.set(name, { atMs: clock.monotonic(), delayMs });
      // R3.
      if (waiting.again) this.revive(actor);
    } catch (error) {
      const refused = isRefused(error);
      // Another node serves it now, and has its marks.
      if (refused && !this.#options.held(actor)) {
        this.#waiting.delete(name);
        return;
      }
      const nextMs = Math.min(2 * delayMs, retryMsMax);
      if (!refused) this.#options.failed(actor, error, nextMs);
      this.#later(actor, name, nextMs);
    }
  }
}

/** Its shard is not served here. */
function isRefused(error: unknown): boolean {
  return error instanceof StarlingError && error.code === 'NOT_OWNER';
}
