// What a node says about itself. Owns: its phase, health and figures. Does not own: what makes it change.

import type { EdgeHealth } from '../../cluster/edge/index.ts';
import type { StoreHealth } from '../../runtime/ports/store.ts';

/** Where a node is in its life. */
export type Phase = 'starting' | 'serving' | 'stopping' | 'broken';

/** Phase and health of one node. */
export class NodeState {
  readonly #storeHealth: () => StoreHealth;
  #phase: Phase = 'starting';
  #failure = '';

  constructor(storeHealth: () => StoreHealth) {
    this.#storeHealth = storeHealth;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Moves on; a broken node stays broken. */
  enter(phase: Exclude<Phase, 'broken'>): void {
    if (this.#phase !== 'broken') this.#phase = phase;
  }

  /** The store has failed for good. */
  fail(detail: string): void {
    if (this.#phase === 'broken') return;
    this.#phase = 'broken';
    this.#failure = detail;
  }

  /** One line about the store: `ok`, or what is wrong. */
  store(): string {
    return this.#phase === 'broken' ? this.#failure : this.#storeHealth().detail;
  }

  health(): EdgeHealth {
    switch (this.#phase) {
      case 'starting':
      case 'stopping':
        return { ok: false, detail: this.#phase };
      case 'broken':
        return { ok: false, detail: this.#failure };
      case 'serving': {
        const { ok, detail } = this.#storeHealth();
        return { ok, detail };
      }
    }
  }
}
