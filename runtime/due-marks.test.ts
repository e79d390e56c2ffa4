import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KernelNode, settle } from './testing/index.ts';
import { reminded, START_MS } from './testing/reminded-actor.ts';

describe('a due mark that may go', () => {
  it('D2: goes with the time at which that was said: one that is written while the fence is read stays', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition]);
    await node.runtime.start();
    await node.run(script.type, 'a', 'set x 1000');
    await node.clock.advance(10_000);
    assert.deepEqual(script.runs, ['x@1000']);
    const { shard } = node.runtime.place(script.type, 'a');
    const marks = async () =>
      (await node.store.readDue(shard, { untilMs: START_MS + 59_999, marksMax: 9 })).length;
    assert.equal(await marks(), 1);
    node.ownership.hold();
    await node.clock.advance(20_000);
    assert.equal(node.ownership.heldReads, 1, 'the drop waits for its fence read');
    assert.equal(await marks(), 1);
    const set = node.run(script.type, 'a', 'set y 20000');
    await settle();
    node.ownership.release();
    await set;
    await settle();
    assert.equal(await marks(), 1);
  });
});
