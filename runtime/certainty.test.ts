import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf, KernelNode, latch, SimStore, scripted, settle } from './testing/index.ts';

// What an answer says of what was done: "not done" only where surely nothing was.

describe('an answer says "not done"', () => {
  function setUp() {
    const held = latch();
    const { type, definition } = scripted({
      run: async (text, turn) => {
        turn.append(text);
        if (!text.startsWith('held')) return text;
        await held.promise;
        if (text === 'held twice') turn.append('again');
        return text;
      },
    });
    const store = new SimStore();
    const node = new KernelNode([definition], { store });
    const flushed = async (): Promise<void> => {
      await settle();
      store.flush();
      await settle();
    };
    return { held, type, store, node, flushed };
  }

  it('not where the write of the call is durable and only its fence read is out, when the next write is refused', async () => {
    const { held, type, store, node, flushed } = setUp();
    const first = codeOf(node.run(type, 'a', 'held'));
    await flushed();
    await flushed();
    node.ownership.hold();
    held.open();
    await settle();
    const second = codeOf(node.run(type, 'a', 'b'));
    await settle();
    store.failNext({ type: 'not_done' });
    await flushed();
    node.ownership.release();
    assert.deepEqual([await first, await second], ['OUTCOME_UNKNOWN', 'STORAGE_FULL']);
  });

  it('not where the first of two writes of the call is durable and the second is refused', async () => {
    const { held, type, store, node, flushed } = setUp();
    const both = codeOf(node.run(type, 'a', 'held twice'));
    await flushed();
    await flushed();
    store.failNext({ type: 'not_done' });
    held.open();
    await flushed();
    assert.equal(await both, 'OUTCOME_UNKNOWN');
  });

  it('where its only write was refused, also behind writes of others that are durable', async () => {
    const { type, store, node, flushed } = setUp();
    const before = node.run(type, 'a', 'x');
    await flushed();
    await flushed();
    await before;
    store.failNext({ type: 'not_done' });
    const refused = codeOf(node.run(type, 'a', 'y'));
    await flushed();
    assert.equal(await refused, 'STORAGE_FULL');
  });
});
