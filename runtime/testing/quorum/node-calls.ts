// The side of a node: promises of operations. Owns: that a killed node hears nothing and a paused one hears later.

import type { StarlingError } from '../../errors.ts';
import type { Coordinator } from './coordinator.ts';
import type { Outcome } from './outcome.ts';

/** Runs what an operation's end sets off in a node: at once, later if the node is paused, or never. */
export type Deliver = (reaction: () => void) => void;

export class NodeCalls {
  readonly #coordinator: Coordinator;
  readonly #deliver: Deliver;
  #killed = false;

  constructor(coordinator: Coordinator, deliver: Deliver) {
    this.#coordinator = coordinator;
    this.#deliver = deliver;
  }

  get killed(): boolean {
    return this.#killed;
  }

  /** From now on nothing is sent and nothing settles. */
  kill(): void {
    this.#killed = true;
  }

  /** Starts an operation. @throws StarlingError what it failed with */
  run<T>(begin: (coordinator: Coordinator, outcome: Outcome<T>) => void): Promise<T> {
    if (this.#killed) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      begin(this.#coordinator, {
        done: (value) => this.#settle(() => resolve(value)),
        failed: (error: StarlingError) => this.#settle(() => reject(error)),
      });
    });
  }

  #settle(reaction: () => void): void {
    if (this.#killed) return;
    this.#deliver(() => {
      if (!this.#killed) reaction();
    });
  }
}
