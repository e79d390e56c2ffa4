// Nact: actors made by hand, mailbox and supervision, queries with a time-out.

import { type ActorSystemRef, dispatch, query, type Ref, spawn, start, stop } from 'nact';
import { expectTotal, inLanes, LANES, type Subject } from './subject.ts';

const QUERY_MS = 10_000;

interface Add {
  readonly amount: number;
  readonly sender?: Ref<number>;
}

export class NactSubject implements Subject {
  #system: ActorSystemRef = start();
  readonly #actors = new Map<string, Ref<Add>>();
  #made = 0;

  #actor(key: string): Ref<Add> {
    let actor = this.#actors.get(key);
    if (actor === undefined) {
      const run = (total: number, { amount, sender }: Add): number => {
        const sum = total + amount;
        if (sender !== undefined) dispatch(sender, sum);
        return sum;
      };
      actor = spawn(this.#system, run, key, { initialState: 0 }) as Ref<Add>;
      this.#actors.set(key, actor);
    }
    return actor;
  }

  #add(key: string, amount: number): Promise<number> {
    return query(this.#actor(key), (sender: Ref<number>): Add => ({ amount, sender }), QUERY_MS);
  }

  async calls(lanes: number, each: number): Promise<void> {
    await inLanes(lanes, async (lane) => {
      const before = await this.#add(`u${lane}`, 0);
      for (let n = 1; n <= each; n += 1) expectTotal(await this.#add(`u${lane}`, 1), before + n);
    });
  }

  async oneWays(actors: number, each: number): Promise<void> {
    await inLanes(actors, async (n) => {
      const actor = this.#actor(`u${n}`);
      const before = await this.#add(`u${n}`, 0);
      for (let sent = 0; sent < each; sent += 1) dispatch(actor, { amount: 1 });
      expectTotal(await this.#add(`u${n}`, 0), before + each);
    });
  }

  async activations(count: number): Promise<void> {
    await inLanes(LANES, async (lane) => {
      for (let n = lane; n < count; n += LANES) {
        this.#made += 1;
        expectTotal(await this.#add(`new${this.#made}`, 1), 1);
      }
    });
  }

  async reset(): Promise<void> {
    stop(this.#system);
    this.#actors.clear();
    this.#system = start();
  }

  async close(): Promise<void> {
    stop(this.#system);
    this.#actors.clear();
  }
}
