import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KernelNode, scripted, settle } from './testing/index.ts';

const { type, definition } = scripted({ look: (_text, turn) => String(turn.timeline.tail) });

/** A node whose memory the test sets. */
function nodeWithMemory() {
  const memory = { usedBytes: 0, limitBytes: 1_000, reads: 0 };
  const node = new KernelNode([definition], {
    memory: {
      read: () => {
        memory.reads++;
        return memory;
      },
    },
    limits: { memoryHighRatio: 0.8, memoryLowRatio: 0.6, memoryLookMsMin: 100 },
  });
  const open = async (from: number, count: number): Promise<void> => {
    for (let n = from; n < from + count; n++) await node.look(type, `k${n}`);
  };
  return { node, memory, open, resident: () => node.runtime.stats().activations };
}

describe('when memory is short', () => {
  it('activations go, in the share that brings memory to the low mark, and those that are used stay', async () => {
    const { node, memory, open, resident } = nodeWithMemory();
    await open(0, 100);
    for (let n = 0; n < 50; n++) await node.look(type, `k${n}`);
    memory.usedBytes = 800;
    await node.clock.advance(100);
    await open(100, 1);
    assert.equal(resident(), 101, 'at the high mark nothing happens');
    memory.usedBytes = 1_000;
    await node.clock.advance(100);
    await open(101, 1);
    assert.equal(resident(), 102 - 41, '40 % of 101, and one that came');
    const before = resident();
    await open(0, 50);
    assert.equal(resident(), before, 'all of the used ones are still there');
  });

  it('is looked at once in a while, so that a garbage collection can show what was dropped', async () => {
    const { node, memory, open, resident } = nodeWithMemory();
    await open(0, 50);
    memory.usedBytes = 900;
    await node.clock.advance(100);
    const reads = memory.reads;
    await open(50, 20);
    assert.equal(memory.reads, reads + 1);
    assert.equal(resident(), 70 - 17);
    assert.equal(node.log.filter(({ message }) => message.startsWith('memory is short')).length, 1);
  });

  it('is seen by the sweep too, when nobody new is called', async () => {
    const { node, memory, open, resident } = nodeWithMemory();
    await node.runtime.start();
    await open(0, 10);
    memory.usedBytes = 1_200;
    await node.clock.advance(node.runtime.limits.idleMsMax / 4);
    assert.equal(resident(), 5);
  });

  it('an actor with records goes once its state is written, and loses nothing', async () => {
    const { node, memory, open, resident } = nodeWithMemory();
    await node.run(type, 'written', 'a');
    memory.usedBytes = 10_000;
    await node.clock.advance(100);
    await open(0, 1);
    await settle();
    await node.clock.advance(100);
    await open(1, 1);
    assert.equal(resident(), 1, 'the last one that came');
    const { shard } = node.runtime.place(type, 'written');
    assert.equal((await node.store.readHead({ kind: 'script', key: 'written', shard }))?.asOf, 1);
    assert.equal(await node.look(type, 'written'), '1');
  });
});

describe('at the bound of activations', () => {
  it('a scan drops what it brought, not what is called again and again', async () => {
    const opened: string[] = [];
    const hot = scripted({
      look: (_text, turn) => String(turn.timeline.tail),
      opened: (_turn, { key }) => opened.push(key),
    });
    const node = new KernelNode([hot.definition], { limits: { activationsMax: 20 } });
    for (let call = 0; call < 400; call++) {
      await node.look(hot.type, `hot${call % 8}`);
      await node.look(hot.type, `cold${call}`);
    }
    assert.equal(node.runtime.stats().activations, 20);
    assert.equal(opened.filter((key) => key.startsWith('cold')).length, 400);
    assert.equal(opened.filter((key) => key.startsWith('hot')).length, 8, 'each was opened once');
  });
});
