// Effect Cluster: virtual actors ("entities") with a schema as contract, activated by the first call. One runner, storage in
// memory, no wire: its own smallest cluster.

import { Effect, Layer, ManagedRuntime, Schema } from 'effect';
import { Entity, TestRunner } from 'effect/cluster';
import { Rpc } from 'effect/rpc';
import { expectTotal, LANES, type Subject } from './subject.ts';

const Add = Rpc.make('Add', { payload: { amount: Schema.Int }, success: Schema.Int });
const Counter = Entity.make('Counter', [Add]);

const handlers = Effect.sync(() => {
  let total = 0;
  return Counter.of({
    Add: ({ payload }) =>
      Effect.sync(() => {
        total += payload.amount;
        return total;
      }),
  });
});

function makeRuntime() {
  const layer = Counter.toLayer(handlers, { maxIdleTime: '5 minutes' });
  return ManagedRuntime.make(layer.pipe(Layer.provideMerge(TestRunner.layer)));
}

export class EffectSubject implements Subject {
  #runtime = makeRuntime();
  #made = 0;

  calls(lanes: number, each: number): Promise<void> {
    return this.#inFibers(lanes, (clientFor, lane) =>
      Effect.gen(function* () {
        const client = clientFor(`u${lane}`);
        const before = yield* client.Add({ amount: 0 });
        for (let n = 1; n <= each; n += 1) expectTotal(yield* client.Add({ amount: 1 }), before + n);
      }),
    );
  }

  oneWays(actors: number, each: number): Promise<void> {
    return this.#inFibers(actors, (clientFor, n) =>
      Effect.gen(function* () {
        const client = clientFor(`u${n}`);
        const before = yield* client.Add({ amount: 0 });
        for (let sent = 0; sent < each; sent += 1) yield* client.Add({ amount: 1 }, { discard: true });
        expectTotal(yield* client.Add({ amount: 0 }), before + each);
      }),
    );
  }

  activations(count: number): Promise<void> {
    const key = (): string => {
      this.#made += 1;
      return `new${this.#made}`;
    };
    return this.#inFibers(LANES, (clientFor, lane) =>
      Effect.gen(function* () {
        for (let n = lane; n < count; n += LANES) expectTotal(yield* clientFor(key()).Add({ amount: 1 }), 1);
      }),
    );
  }

  async reset(): Promise<void> {
    await this.#runtime.dispose();
    this.#runtime = makeRuntime();
  }

  async close(): Promise<void> {
    await this.#runtime.dispose();
  }

  #inFibers(count: number, lane: (clientFor: ClientFor, lane: number) => Effect.Effect<void, unknown>) {
    const all = Effect.gen(function* () {
      const clientFor = yield* Counter.client;
      const lanes = Array.from({ length: count }, (_, n) => lane(clientFor, n));
      yield* Effect.all(lanes, { concurrency: 'unbounded', discard: true });
    });
    return this.#runtime.runPromise(all);
  }
}

type ClientFor = Effect.Success<typeof Counter.client>;
