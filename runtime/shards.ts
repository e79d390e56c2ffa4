// What this node does with the shards it is given and loses: wakes the actors that a former owner left with work, and lets
// go of a shard in an orderly way before it is moved.
//
// H1  A shard that drains takes no new work; what was accepted ends, is flushed and leaves memory, before `drain` resolves.
// H2  Of a shard that was lost nothing runs on: its activations end at once, and are not opened here again.
// H3  Marks of a shard are read until that succeeds, as long as the shard is served: what was acked is finished (I10).
// H4  Where a drain is given up, actors with work left are opened again: no other node does it.

import { StarlingError } from './errors.ts';
import type { Clock } from './ports/clock.ts';
import type { Ownership } from './ports/ownership.ts';
import type { ActorAddress, Store } from './ports/store.ts';
import type { Residents } from './residents.ts';
import { wakeShard } from './wake.ts';

/** How often a drain looks whether all is quiet. */
const LOOK_MS = 5;
/** Waits between attempts to read the marks of a shard. */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 10_000;

export interface ShardsOptions {
  readonly store: Store;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly shards: number;
  readonly concurrencyMax: number;
  readonly residents: Residents;
  /** Opens an actor; resolves after the first try. */
  readonly wake: (actor: ActorAddress) => Promise<void>;
  /** Resolves once a fence read begun now says `live`. */
  readonly live: () => Promise<void>;
  readonly woken: (shard: number, actors: number) => void;
  /** The marks of a shard could not be read. */
  readonly failed: (shard: number, error: unknown) => void;
}

export class Shards {
  readonly #options: ShardsOptions;
  readonly #draining = new Set<number>();

  constructor(options: ShardsOptions) {
    this.#options = options;
  }

  draining(shard: number): boolean {
    return this.#draining.size > 0 && this.#draining.has(shard);
  }

  /** Wakes what is marked in every shard that is served when the node starts. */
  async start(): Promise<void> {
    const { ownership, shards } = this.#options;
    for (let shard = 0; shard < shards; shard++) {
      if (ownership.claim(shard) !== undefined) await this.taken(shard);
    }
  }

  /** Resolves after the first attempt. */
  async taken(shard: number): Promise<void> {
    this.#draining.delete(shard);
    await this.#wake(shard, RETRY_MS_MIN);
  }

  /** H3. */
  async #wake(shard: number, retryMs: number): Promise<void> {
    const { ownership, clock } = this.#options;
    const claim = ownership.claim(shard);
    if (claim === undefined) return;
    try {
      const woken = await wakeShard(this.#options, shard, claim.epoch);
      if (woken > 0) this.#options.woken(shard, woken);
    } catch (error) {
      this.#options.failed(shard, error);
      clock.after(retryMs, () => {
        if (ownership.claim(shard)?.epoch === claim.epoch)
          void this.#wake(shard, Math.min(2 * retryMs, RETRY_MS_MAX));
      });
    }
  }

  /** H1. */
  async drain(shard: number, graceMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#draining.add(shard);
    // No others come: the shard takes no new work.
    const activations = this.#options.residents.of(shard);
    for (const activation of activations) activation.drain();
    const end = clock.monotonic() + graceMs;
    while (clock.monotonic() < end && this.draining(shard) && !activations.every(({ quiet }) => quiet)) {
      await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
    }
    if (!this.draining(shard)) return;
    for (const activation of activations) {
      if (activation.quiet) activation.handOver();
      else activation.end(new StarlingError('NOT_OWNER'));
    }
  }

  /** The drain is given up: calls are served again. */
  undrain(shard: number): void {
    this.#draining.delete(shard);
  }

  /** H2. */
  lost(shard: number): void {
    this.#draining.delete(shard);
    for (const activation of this.#options.residents.of(shard))
      activation.end(new StarlingError('NOT_OWNER'));
  }
}
