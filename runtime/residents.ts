// The activations in memory, by kind and key, and which actors of this node ended with a write of unknown outcome.

import type { Activation } from './activation.ts';
import type { MailboxDepth } from './metrics.ts';
import type { ActorAddress } from './ports/store.ts';
import { UseRing } from './use-ring.ts';

/** Actors remembered as unclean; beyond this many every activation of the node writes a seal of its own. */
const UNCLEAN_MAX = 10_000;

export class Residents {
  readonly #byKind = new Map<string, Map<string, Activation>>();
  /** For shards that are given away or lost, one after the other. */
  readonly #byShard = new Map<number, Set<Activation>>();
  readonly #unclean = new Set<string>();
  #uncleanOverflow = false;
  readonly #ring = new UseRing();

  get count(): number {
    return this.#ring.size;
  }

  /** The activation of an actor that is about to get work: it counts as a use. */
  use(kind: string, key: string): Activation | undefined {
    const activation = this.get(kind, key);
    if (activation !== undefined) this.#ring.use(activation);
    return activation;
  }

  get(kind: string, key: string): Activation | undefined {
    return this.#byKind.get(kind)?.get(key);
  }

  add(activation: Activation): void {
    const { kind, key } = activation.address;
    let activations = this.#byKind.get(kind);
    if (activations === undefined) {
      activations = new Map();
      this.#byKind.set(kind, activations);
    }
    activations.set(key, activation);
    const { shard } = activation.address;
    const beside = this.#byShard.get(shard);
    if (beside === undefined) this.#byShard.set(shard, new Set([activation]));
    else beside.add(activation);
    this.#ring.add(activation);
  }

  /** Forgets an activation; harmless if another one has taken its place. */
  remove(activation: Activation): void {
    const { kind, key } = activation.address;
    const activations = this.#byKind.get(kind);
    if (activations?.get(key) !== activation) return;
    activations.delete(key);
    const { shard } = activation.address;
    const beside = this.#byShard.get(shard);
    beside?.delete(activation);
    if (beside?.size === 0) this.#byShard.delete(shard);
    this.#ring.remove(activation);
  }

  /** Those of a shard. */
  of(shard: number): Activation[] {
    return [...(this.#byShard.get(shard) ?? [])];
  }

  all(): Activation[] {
    return [...this.#byKind.values()].flatMap((activations) => [...activations.values()]);
  }

  /** What is in memory and what waits there, by kind. Looks at every activation. */
  depths(): MailboxDepth[] {
    return [...this.#byKind].map(([kind, activations]) => {
      const sum = { kind, activating: 0, active: 0, waiting: 0, waitingMost: 0, oldestMs: 0, gated: 0 };
      for (const activation of activations.values()) {
        const { waiting, oldestMs, gated } = activation.depth;
        if (activation.active) sum.active++;
        else sum.activating++;
        sum.waiting += waiting;
        sum.waitingMost = Math.max(sum.waitingMost, waiting);
        sum.oldestMs = Math.max(sum.oldestMs, oldestMs);
        sum.gated += gated;
      }
      return sum;
    });
  }

  /** Activations by kind. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#byKind].map(([kind, activations]) => [kind, activations.size]));
  }

  /** Drops what has been idle for `idleMs`, or for as long as its kind allows if that is less. */
  sweep(now: number, idleMs: number): void {
    for (const activations of this.#byKind.values()) {
      for (const activation of activations.values()) {
        const limit = Math.min(idleMs, activation.definition.idleMsMax ?? idleMs);
        if (now - activation.lastUsed >= limit) activation.tryPassivate();
      }
    }
  }

  /** Drops `wanted` activations, those used least first; returns how many went (V1 to V3). */
  evict(wanted: number): number {
    return this.#ring.evict(wanted);
  }

  endedUnclean({ kind, key }: ActorAddress): boolean {
    return this.#uncleanOverflow || this.#unclean.has(`${kind}/${key}`);
  }

  noteUnclean({ kind, key }: ActorAddress): void {
    if (this.#unclean.size >= UNCLEAN_MAX) this.#uncleanOverflow = true;
    else this.#unclean.add(`${kind}/${key}`);
  }
}
