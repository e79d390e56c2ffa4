import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  LookResponseSchema,
  RunRequestSchema,
  ScriptService,
} from '../proto/gen/starling/test/v1/script_pb.ts';
import { actorType, defineActor, defineMemoryActor } from './index.ts';
import { codeOf, KernelNode, type ScriptType, SimOwnership, SimStore } from './testing/index.ts';

const Words: ScriptType = actorType({ kind: 'words', contract: ScriptService, rank: 10 });

/** Joins what it is given; `migrations` as a later release would have them. */
function words(migrations: readonly ((state: { text: string }) => void)[] = []) {
  return defineActor(Words, {
    state: LookResponseSchema,
    record: RunRequestSchema,
    migrations,
    apply(state, { text }) {
      state.text += text;
    },
    handlers: {
      run({ text }, turn) {
        if (text === 'checkpoint') turn.checkpoint();
        else turn.append({ text });
        return { text: turn.state.text };
      },
      watch() {},
    },
    reads: {
      look(_request, turn) {
        return { text: `${turn.self.key}: ${turn.state.text}` };
      },
    },
  });
}

describe('a declared actor', () => {
  it('shows in its state what was appended, and again after it was dropped', async () => {
    const store = new SimStore({ type: 'immediate' });
    const first = new KernelNode([words()], { store });
    assert.equal(await first.run(Words, 'a', 'x'), 'x');
    assert.equal(await first.run(Words, 'a', 'y'), 'xy');
    assert.equal(await first.look(Words, 'a'), 'a: xy');
    const second = new KernelNode([words()], { store: store.crash(), ownership: new SimOwnership(70_000) });
    assert.equal(await second.look(Words, 'a'), 'a: xy');
    assert.equal(await second.look(Words, 'b'), 'b: ', 'and keeps the states of two actors apart');
  });

  it('is refused where the contract marks a method otherwise than the definition does', () => {
    const handlers = { run: () => ({}), look: () => ({}), watch: () => {} };
    assert.throws(() => defineMemoryActor(Words, { state: () => ({}), handlers }), /look is among reads/);
  });

  it('is refused where a method is missing', () => {
    const handlers = { run: () => ({}), watch: () => {} };
    // @ts-expect-error: the compiler says so too.
    assert.throws(() => defineMemoryActor(Words, { state: () => ({}), handlers }), /look has a handler/);
  });

  it('in memory begins anew with each activation', async () => {
    const node = new KernelNode([
      defineMemoryActor(Words, {
        state: () => ({ seen: 0 }),
        handlers: {
          run(_request, turn) {
            turn.state.seen++;
            turn.passivate();
            return { text: String(turn.state.seen) };
          },
          watch() {},
        },
        reads: { look: (_request, turn) => ({ text: String(turn.state.seen) }) },
      }),
    ]);
    assert.equal(await node.run(Words, 'a', ''), '1');
    assert.equal(await node.run(Words, 'a', ''), '1');
  });
});

describe('the version of a state', () => {
  const upper = (state: { text: string }): void => {
    state.text = state.text.toUpperCase();
  };
  const marked = (state: { text: string }): void => {
    state.text += '!';
  };

  /** The store after a release with these migrations has written a checkpoint over `ab`, and then the record `c`. */
  async function written(migrations: readonly ((state: { text: string }) => void)[]): Promise<SimStore> {
    const store = new SimStore({ type: 'immediate' });
    const node = new KernelNode([words(migrations)], { store });
    await node.run(Words, 'a', 'ab');
    await node.run(Words, 'a', 'checkpoint');
    await node.run(Words, 'a', 'c');
    return store.crash();
  }

  it('is brought up step by step, before later records are folded', async () => {
    const store = await written([]);
    const node = new KernelNode([words([upper, marked])], { store, ownership: new SimOwnership(70_000) });
    assert.equal(await node.look(Words, 'a'), 'a: AB!c');
  });

  it('is brought up from where it stands, and each step runs once over any number of releases', async () => {
    const second = new KernelNode([words([upper])], {
      store: await written([]),
      ownership: new SimOwnership(70_000),
    });
    assert.equal(await second.run(Words, 'a', 'checkpoint'), 'ABc');
    const third = new KernelNode([words([upper, marked])], {
      store: second.store.crash(),
      ownership: new SimOwnership(80_000),
    });
    assert.equal(await third.look(Words, 'a'), 'a: ABc!');
  });

  it('that is newer than the program is refused, and nothing is written over it', async () => {
    const store = await written([upper]);
    const node = new KernelNode([words()], { store, ownership: new SimOwnership(70_000) });
    assert.equal(await codeOf(node.run(Words, 'a', 'd')), 'VERSION_TOO_NEW');
    const later = new KernelNode([words([upper])], {
      store: store.crash(),
      ownership: new SimOwnership(80_000),
    });
    assert.equal(await later.look(Words, 'a'), 'a: abc');
  });
});

describe('a stored state that happens to be the empty message', () => {
  it('is brought up step by step like every other', async () => {
    const store = new SimStore({ type: 'immediate' });
    const first = new KernelNode([words()], { store });
    await first.run(Words, 'a', '');
    await first.run(Words, 'a', 'checkpoint');
    const next = words([
      (state) => {
        state.text = `[${state.text}]`;
      },
    ]);
    const second = new KernelNode([next], { store: store.crash(), ownership: new SimOwnership(70_000) });
    assert.equal(await second.look(Words, 'a'), 'a: []');
    assert.equal(await second.look(Words, 'b'), 'b: ', 'an actor that is new has nothing to be brought up');
  });

  it('is not touched by a release that is older than the one that wrote it', async () => {
    const store = new SimStore({ type: 'immediate' });
    const first = new KernelNode([words([() => {}])], { store });
    await first.run(Words, 'a', '');
    await first.run(Words, 'a', 'checkpoint');
    const second = new KernelNode([words()], { store: store.crash(), ownership: new SimOwnership(70_000) });
    assert.equal(await codeOf(second.look(Words, 'a')), 'VERSION_TOO_NEW');
  });
});
