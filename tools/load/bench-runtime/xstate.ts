// XState: actors with a mailbox each, run synchronously where nothing waits. It knows no replies, so a call is an event that
// carries how to answer it; it knows no deadlines either.

import { type ActorRefFrom, createActor, fromTransition } from 'xstate';
import { expectTotal, inLanes, LANES, type Subject } from './subject.ts';

interface Add {
  readonly type: 'add';
  readonly amount: number;
  readonly reply?: (total: number) => void;
}

const counter = fromTransition((total: number, { amount, reply }: Add) => {
  const sum = total + amount;
  reply?.(sum);
  return sum;
}, 0);

type Counter = ActorRefFrom<typeof counter>;

export class XstateSubject implements Subject {
  readonly #actors = new Map<string, Counter>();
  #made = 0;

  #actor(key: string): Counter {
    let actor = this.#actors.get(key);
    if (actor === undefined) {
      actor = createActor(counter, { id: key }).start();
      this.#actors.set(key, actor);
    }
    return actor;
  }

  #add(actor: Counter, amount: number): Promise<number> {
    return new Promise((reply) => actor.send({ type: 'add', amount, reply }));
  }

  async calls(lanes: number, each: number): Promise<void> {
    await inLanes(lanes, async (lane) => {
      const actor = this.#actor(`u${lane}`);
      const before = await this.#add(actor, 0);
      for (let n = 1; n <= each; n += 1) expectTotal(await this.#add(actor, 1), before + n);
    });
  }

  async oneWays(actors: number, each: number): Promise<void> {
    await inLanes(actors, async (n) => {
      const actor = this.#actor(`u${n}`);
      const before = await this.#add(actor, 0);
      for (let sent = 0; sent < each; sent += 1) actor.send({ type: 'add', amount: 1 });
      expectTotal(await this.#add(actor, 0), before + each);
    });
  }

  async activations(count: number): Promise<void> {
    await inLanes(LANES, async (lane) => {
      for (let n = lane; n < count; n += LANES) {
        this.#made += 1;
        expectTotal(await this.#add(this.#actor(`new${this.#made}`), 1), 1);
      }
    });
  }

  async reset(): Promise<void> {
    for (const actor of this.#actors.values()) actor.stop();
    this.#actors.clear();
  }

  async close(): Promise<void> {
    await this.reset();
  }
}
