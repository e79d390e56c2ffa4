import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  LookResponseSchema,
  RunRequestSchema,
  ScriptService,
} from '../../../proto/gen/starling/test/v1/script_pb.ts';
import { actorType, defineActor, remind } from '../../../runtime/index.ts';
import { AUTHOR_FAULTS, type SimulationFailure, type SimulationOptions, simulate } from './index.ts';

const Words = actorType({ kind: 'words', contract: ScriptService, rank: 10 });
const WORDS = 12;

/** Says each word once; `remember` is where it looks whether a word was said before. */
function words(
  remember: 'in the state' | 'nowhere',
  finish: 'by a reminder' | 'by a timer' = 'by a reminder',
) {
  return defineActor(Words, {
    state: LookResponseSchema,
    record: RunRequestSchema,
    apply(state, { text }) {
      state.text += `${text} `;
    },
    handlers: {
      run({ text }, turn) {
        const said = turn.state.text.split(' ');
        if (remember === 'in the state' && said.includes(text)) return { text };
        const atMs = turn.now() + 3_000;
        const last = text === String(WORDS - 1);
        const set =
          last && finish === 'by a reminder'
            ? [remind(Words, { name: 'end', atMs }).run({ text: 'end' })]
            : [];
        turn.append({ text }, { reminders: set });
        if (last && finish === 'by a timer') turn.after(3_000, (later) => void later.append({ text: 'end' }));
        return { text };
      },
      watch() {},
    },
    reads: { look: (_request, turn) => ({ text: turn.state.text }) },
  });
}

/** Every word is there once, in order, and then the end. */
function told(actor: ReturnType<typeof words>, seeds: number): SimulationOptions {
  return {
    actors: [actor],
    seeds,
    workload: async ({ client, repeat, random, pass }) => {
      for (let i = 0; i < WORDS; i++) {
        await repeat(() => client(Words, 'a').run({ text: String(i) }));
        await pass(random.below(1_500));
      }
    },
    check: async ({ client }) => {
      const { text } = await client(Words, 'a').look({});
      const all = [...Array.from({ length: WORDS }, (_, i) => String(i)), 'end', ''];
      assert.deepEqual(text.split(' '), all);
    },
  };
}

async function failureOf(options: SimulationOptions): Promise<SimulationFailure | undefined> {
  try {
    await simulate(options);
    return undefined;
  } catch (error) {
    assert.equal((error as Error).name, 'SimulationFailure', String(error));
    return error as SimulationFailure;
  }
}

describe('a simulation', () => {
  it('of actors that keep what they promise holds, and every fault happens', async () => {
    const { counts, seeds } = await simulate(told(words('in the state'), 60));
    assert.equal(seeds, 60);
    const events = [
      'killed',
      'process ended by its fence',
      'call of unknown outcome',
      'restart of all nodes',
    ];
    for (const event of [...AUTHOR_FAULTS, ...events]) assert.ok((counts.get(event) ?? 0) > 0, event);
  });

  it('finds an actor that does twice what is repeated, and the seed that it names fails alone too', async () => {
    const options = told(words('nowhere'), 100);
    const failure = await failureOf(options);
    assert.ok(failure !== undefined);
    assert.match(failure.message, new RegExp(`^Seed ${failure.seed} failed: AssertionError`));
    assert.match(failure.message, new RegExp(`again: SEED=${failure.seed} node --test .*simulate.test.ts`));
    const again = await failureOf({ ...options, seedStart: failure.seed, seeds: 1 });
    assert.equal(again?.message, failure.message, 'in every line of its trace');
  });

  it('finds work that is left to a timer, which dies with its node', async () => {
    assert.ok((await failureOf(told(words('in the state', 'by a timer'), 100))) !== undefined);
  });

  it('gives the same history to the same seed, and another one to another', async () => {
    const options = { ...told(words('in the state'), 3), seedStart: 7 };
    const [first, second] = [await simulate(options), await simulate(options)];
    assert.deepEqual(first.hashes, second.hashes);
    assert.equal(new Set(first.hashes).size, 3);
  });

  it('fails where the workload does not end, or throws what is no answer of an actor', async () => {
    const stuck = { ...told(words('in the state'), 1), workload: () => new Promise<void>(() => {}) };
    assert.match((await failureOf(stuck))?.message ?? '', /workload has not ended/);
    const wrong = {
      ...told(words('in the state'), 1),
      workload: ({ repeat }: { repeat: (call: () => Promise<never>) => Promise<never> }) =>
        repeat(() => Promise.reject(new TypeError('a mistake'))),
    };
    assert.match((await failureOf(wrong))?.message ?? '', /TypeError: a mistake/);
  });
});
