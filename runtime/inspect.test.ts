import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { remind } from './index.ts';
import { KernelNode, type ScriptType, SimOwnership, scripted } from './testing/index.ts';

function setUp() {
  const script: {
    readonly type: ScriptType;
    readonly definition: ReturnType<typeof scripted>['definition'];
  } = scripted({
    run: (text, turn) => {
      if (text === 'checkpoint') turn.checkpoint();
      else
        turn.append(text, { reminders: [remind(script.type, { name: 'later', atMs: 9e12 }).run({ text })] });
      return text;
    },
  });
  return { ...script, node: new KernelNode([script.definition]) };
}

describe('looking at an actor', () => {
  it('shows what waits, its log and its reminders, and opens nothing', async () => {
    const { node, type } = setUp();
    const before = await node.runtime.inspect(type.kind, 'a');
    assert.deepEqual([before.stored, before.activation, before.tail], [false, 'none', 0]);
    assert.equal(node.runtime.stats().activations, 0);
    await node.run(type, 'a', 'x');
    const seen = await node.runtime.inspect(type.kind, 'a');
    assert.deepEqual([seen.stored, seen.activation, seen.tail, seen.waiting], [true, 'active', 1, 0]);
    assert.deepEqual(
      seen.reminders.map(({ name, dueMs }) => [name, dueMs]),
      [['later', 9e12]],
    );
  });

  it('shows what the checkpoint says of an actor that is not in memory', async () => {
    const { node, type, definition } = setUp();
    await node.run(type, 'a', 'x');
    await node.run(type, 'a', 'checkpoint');
    const later = new KernelNode([definition], {
      store: node.store.crash(),
      ownership: new SimOwnership(70_000),
    });
    const seen = await later.runtime.inspect(type.kind, 'a');
    assert.deepEqual([seen.activation, seen.tail, seen.asOf, seen.reminders.length], ['none', 1, 1, 1]);
  });

  it('says that a shard is not served here', async () => {
    const { node, type } = setUp();
    const { shard } = node.runtime.place(type, 'a');
    node.ownership.lose(shard);
    const { epoch, servedBy } = await node.runtime.inspect(type.kind, 'a');
    assert.deepEqual([epoch, servedBy], [0, undefined]);
  });

  it('refuses a kind that nobody knows, and names those that are known', () => {
    const { node } = setUp();
    assert.throws(() => node.runtime.inspect('nobody', 'a'), /must be a kind of this node: script/);
  });
});
