// The limit: what any actor of this language costs that takes one message at a time and answers with a promise. A queue, a
// promise a call, one microtask a burst; no contract, deadline, bound, error, placement or life cycle.

import { expectTotal, inLanes, LANES, type Subject } from './subject.ts';

interface Waiting {
  readonly amount: number;
  readonly resolve: ((total: number) => void) | undefined;
}

/** One actor. */
export class PromiseQueue {
  #waiting: Waiting[] = [];
  #total = 0;
  #queued = false;

  get total(): number {
    return this.#total;
  }

  add(amount: number): Promise<number> {
    return new Promise((resolve) => this.#push({ amount, resolve }));
  }

  note(amount: number): void {
    this.#push({ amount, resolve: undefined });
  }

  #push(work: Waiting): void {
    this.#waiting.push(work);
    if (this.#queued) return;
    this.#queued = true;
    queueMicrotask(() => this.#run());
  }

  #run(): void {
    this.#queued = false;
    const burst = this.#waiting;
    this.#waiting = [];
    for (const { amount, resolve } of burst) {
      this.#total += amount;
      resolve?.(this.#total);
    }
  }
}

/** Queues by key, each made when it is first called. */
export class PromiseQueues implements Subject {
  readonly #queues = new Map<string, PromiseQueue>();
  #made = 0;

  queue(key: string): PromiseQueue {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new PromiseQueue();
      this.#queues.set(key, queue);
    }
    return queue;
  }

  async calls(lanes: number, each: number): Promise<void> {
    await inLanes(lanes, async (lane) => {
      const queue = this.queue(`main/u${lane}`);
      const before = queue.total;
      for (let n = 1; n <= each; n += 1) expectTotal(await queue.add(1), before + n);
    });
  }

  async oneWays(actors: number, each: number): Promise<void> {
    const queues = Array.from({ length: actors }, (_, n) => this.queue(`main/u${n}`));
    const before = queues.map(({ total }) => total);
    for (let n = 0; n < each; n += 1) for (const queue of queues) queue.note(1);
    await inLanes(actors, async (n) => {
      expectTotal(await queues[n]?.add(1), (before[n] ?? 0) + each + 1);
    });
  }

  async activations(count: number): Promise<void> {
    await inLanes(LANES, async (lane) => {
      for (let n = lane; n < count; n += LANES) {
        this.#made += 1;
        expectTotal(await this.queue(`main/new${this.#made}`).add(1), 1);
      }
    });
  }

  async reset(): Promise<void> {
    this.#queues.clear();
  }

  async close(): Promise<void> {
    this.#queues.clear();
  }
}
