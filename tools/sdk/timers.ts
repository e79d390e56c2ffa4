// Timers by name: setting one replaces the one of that name.

import type { Clock, Timer } from './ports.ts';

export class Timers {
  readonly #clock: Clock;
  readonly #running = new Map<string, Timer>();
  #pauses = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(name: string, delayMs: number, task: () => void): void {
    this.cancel(name);
    const timer = this.#clock.after(delayMs, () => {
      this.#running.delete(name);
      task();
    });
    this.#running.set(name, timer);
  }

  cancel(name: string): void {
    this.#running.get(name)?.cancel();
    this.#running.delete(name);
  }

  /** Resolves after `delayMs`, or never once the timers are cleared. */
  pause(delayMs: number): Promise<void> {
    this.#pauses += 1;
    return new Promise((resolve) => this.set(`pause.${this.#pauses}`, delayMs, resolve));
  }

  clear(): void {
    for (const timer of this.#running.values()) timer.cancel();
    this.#running.clear();
  }
}
