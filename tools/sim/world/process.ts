// One simulated process: what reaches it and what leaves it. Owns: that a killed process does nothing any more, that a
// paused one takes up where it stood, and that any completion may be held for a while.
//
// P1  Once killed, no timer of the process fires and nothing that it waits for settles.
// P2  While paused, nothing of it runs; what arrived meanwhile follows afterwards, in order, one by one.

import type { Clock, Random, Timer } from '../../../runtime/index.ts';
import type { SimClock, SimRandom } from '../../../runtime/testing/index.ts';
import type { Trace } from './trace.ts';

export interface ProcessOptions {
  readonly name: string;
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly trace: Trace;
  /** How likely a completion or an output is held, 0 to 1, and for how long at most, milliseconds. */
  readonly holds: () => { readonly chance: number; readonly msMax: number };
}

type Life = 'running' | 'paused' | 'killed';

export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly #options: ProcessOptions;
  readonly #draws: SimRandom;
  readonly #monotonicOffsetMs: number;
  #wallOffsetMs = 0;
  #life: Life = 'running';
  #backlog: (() => void)[] = [];
  #draining = false;
  /** Simulated milliseconds that it has spent paused. */
  pausedMs = 0;
  #pausedSince = 0;
  readonly #killListeners: (() => void)[] = [];

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#draws = options.random.fork();
    this.random = options.random.fork();
    this.#monotonicOffsetMs = this.#draws.below(1_000_000);
    const { clock } = options;
    this.clock = {
      now: () => Math.floor(clock.now()) + this.#wallOffsetMs,
      monotonic: () => clock.monotonic() + this.#monotonicOffsetMs,
      after: (delayMs, task) => this.#after(delayMs, task),
    };
  }

  get killed(): boolean {
    return this.#life === 'killed';
  }

  get paused(): boolean {
    return this.#life === 'paused';
  }

  /** Something reaches the process now; it may be held. */
  enter(task: () => void): void {
    if (this.#life === 'killed') return;
    const heldMs = this.#heldMs();
    if (heldMs === 0) this.#run(task);
    else this.#options.clock.after(heldMs, () => this.#run(task));
  }

  /** Something leaves the process; it may be held, and is lost if the process dies meanwhile. */
  leave(task: () => void): void {
    if (this.#life === 'killed') return;
    const heldMs = this.#heldMs();
    if (heldMs === 0) task();
    else {
      this.#options.clock.after(heldMs, () => {
        if (this.#life !== 'killed') this.#run(task);
      });
    }
  }

  /** The outcome of something outside, as the process sees it. */
  arrive<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.enter(() => resolve(value)),
        (error: unknown) => this.enter(() => reject(error)),
      );
    });
  }

  /** Calls `listener` when the process is killed: whoever talks to it may notice. */
  onKill(listener: () => void): void {
    if (this.killed) listener();
    else this.#killListeners.push(listener);
  }

  kill(): void {
    this.#countPause();
    this.#life = 'killed';
    this.#backlog = [];
    this.#options.trace.note(this.name, 'killed');
    for (const listener of this.#killListeners.splice(0)) listener();
  }

  pause(): void {
    if (this.#life !== 'running') return;
    this.#life = 'paused';
    this.#pausedSince = this.#options.clock.monotonic();
    this.#options.trace.note(this.name, 'paused');
  }

  resume(): void {
    if (this.#life !== 'paused') return;
    this.#countPause();
    this.#life = 'running';
    this.#options.trace.note(this.name, `goes on, ${this.#backlog.length} waited`);
    this.#drain();
  }

  /** Moves the wall clock of this process alone. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** The wall clock shows again what it is. */
  setClock(): void {
    this.#wallOffsetMs = 0;
  }

  #countPause(): void {
    if (this.#life === 'paused') this.pausedMs += this.#options.clock.monotonic() - this.#pausedSince;
  }

  #heldMs(): number {
    const { chance, msMax } = this.#options.holds();
    if (chance === 0 || this.#draws.float() >= chance) return 0;
    this.#options.trace.count('held at an await');
    return 1 + this.#draws.below(msMax);
  }

  #after(delayMs: number, task: () => void): Timer {
    let cancelled = false;
    const timer = this.#options.clock.after(delayMs, () => {
      this.#run(() => {
        if (!cancelled) task();
      });
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  #run(task: () => void): void {
    if (this.#life === 'killed') return;
    if (this.#life === 'paused' || this.#draining) this.#backlog.push(task);
    else task();
  }

  #drain(): void {
    if (this.#life !== 'running') {
      this.#draining = false;
      return;
    }
    const next = this.#backlog.shift();
    this.#draining = next !== undefined;
    if (next === undefined) return;
    next();
    this.#options.clock.after(0, () => this.#drain());
  }
}
