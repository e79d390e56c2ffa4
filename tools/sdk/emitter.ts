// Listeners by event. One that throws does not keep the others from hearing, nor the SDK from going on.

import type { StarlingEvents } from './api.ts';

type Listener = (value: never) => void;

export class Emitter {
  readonly #listeners = new Map<keyof StarlingEvents, Set<Listener>>();

  /** Returns how to stop listening. */
  on<E extends keyof StarlingEvents>(event: E, listener: (value: StarlingEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<E extends keyof StarlingEvents>(event: E, value: StarlingEvents[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as (value: StarlingEvents[E]) => void)(value);
      } catch (error) {
        // The application's defect surfaces as its own uncaught error.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
