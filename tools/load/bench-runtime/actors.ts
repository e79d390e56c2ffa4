// The actors of the measurements: one that counts, in memory or durably, and one that drives others.

import { create } from '@bufbuild/protobuf';
import {
  CounterRecordSchema,
  CounterService,
  CounterStateSchema,
  type DriveResponse,
  DriveResponseSchema,
  NoteRequestSchema,
} from '../../../proto/gen/starling/test/v1/counter_pb.ts';
import { actorType, defineActor, defineMemoryActor, type Later, type Turn } from '../../../runtime/index.ts';

/** Bytes of a record and of a note: those of a short text message. */
const CONTENT_BYTES = 200;

export const Counter = actorType({ kind: 'counter', contract: CounterService, rank: 20 });
export const DurableCounter = actorType({ kind: 'durable', contract: CounterService, rank: 20 });
export const Driver = actorType({ kind: 'driver', contract: CounterService, rank: 10 });

const content = Buffer.alloc(CONTENT_BYTES, 'x');
const note = create(NoteRequestSchema, { content });

/** A state of one number. */
const counter = defineMemoryActor(Counter, {
  state: () => ({ total: 0 }),
  handlers: {
    add({ amount }, { state }) {
      state.total += amount;
      return { total: state.total };
    },
    note(_request, { state }) {
      state.total += 1;
      return {};
    },
    drive: () => ({}),
  },
});

/** The same state, folded from a record of 200 bytes a call. An amount of 0 only asks. */
const durable = defineActor(DurableCounter, {
  state: CounterStateSchema,
  record: CounterRecordSchema,
  apply(state, { amount }) {
    state.total += amount;
  },
  handlers: {
    add({ amount }, turn) {
      if (amount > 0) turn.append({ amount, content });
      return { total: turn.state.total };
    },
    note(request, turn) {
      turn.append({ amount: 1, content: request.content });
      return {};
    },
    drive: () => ({}),
  },
});

type DriverTurn = Turn<readonly string[], never>;

/** What a driver does to counters: the first part of its key; the second is how many there are, e.g. `oneway/64`. */
const WAYS: Readonly<
  Record<
    string,
    (each: number, turn: DriverTurn) => { done: number } | Later<DriveResponse> | Promise<{ done: number }>
  >
> = {
  /** Calls one after the other, waiting for each answer. */
  async call(each, turn) {
    let done = 0;
    for (const actor of turn.state) {
      let last = 0;
      for (let n = 0; n < each; n += 1) {
        const { total } = await turn.client(Counter, actor).add({ amount: 1 });
        if (last === 0 || total === last + 1) done += 1;
        last = total;
      }
    }
    return { done };
  },
  oneway(each, turn) {
    for (let n = 0; n < each; n += 1) for (const actor of turn.state) turn.oneWay(Counter, actor).note(note);
    return { done: each * turn.state.length };
  },
  fanout(_each, turn) {
    const later = turn.defer<DriveResponse>();
    const receivers = turn.state.map((key) => ({ key, own: {} }));
    turn.fanOut(Counter, CounterService.method.note, note, receivers, (refused) =>
      later.resolve(create(DriveResponseSchema, { done: receivers.length - refused.length })),
    );
    return later;
  },
};

/** Its state is the keys of its counters. */
const driver = defineMemoryActor(Driver, {
  awaits: [Counter],
  state: ({ key }): readonly string[] =>
    Array.from({ length: Number(key.split('/')[1]) }, (_, n) => `main/u${n}`),
  handlers: {
    add: () => ({}),
    note: () => ({}),
    drive({ each }, turn) {
      const way = WAYS[turn.self.key.split('/')[0] ?? ''];
      if (way === undefined) throw new Error(`a driver can't ${turn.self.key}`);
      return way(each, turn);
    },
  },
});

/** Everything that a node of the measurements runs. */
export const DEFINITIONS = [counter, driver, durable];
