import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineMemoryActor } from './definition.ts';
import { StarlingError } from './errors.ts';
import { tell } from './tells.ts';
import { codeOf, KernelNode, latch, SimOwnership, SimStore, scripted, settle } from './testing/index.ts';

function setUp(options: Parameters<typeof scripted>[0] = {}) {
  const store = new SimStore({ type: 'immediate' });
  const { type, definition } = scripted(options);
  const node = new KernelNode([definition], { store });
  return { store, type, definition, node, shard: node.runtime.place(type, 'a').shard };
}

describe('a shard that is given away', () => {
  it('H1: ends what was accepted, refuses what is new, and leaves nothing in memory', async () => {
    const gate = latch();
    const { node, type, shard } = setUp({
      run: async (text, turn) => {
        await gate.promise;
        return String(turn.append(text));
      },
    });
    const accepted = node.run(type, 'a', 'x');
    await settle();
    let drained = false;
    const drain = node.runtime.drainShard(shard, 1000).then(() => {
      drained = true;
    });
    assert.equal(await codeOf(node.run(type, 'a', 'y')), 'NOT_OWNER');
    await node.clock.advance(100);
    assert.equal(drained, false);
    gate.open();
    assert.equal(await accepted, '1');
    await node.clock.advance(100);
    await drain;
    assert.equal(node.runtime.stats().activations, 0);
  });

  it('is let go of after the grace, whatever still runs', async () => {
    const { node, type, shard } = setUp({ run: () => new Promise(() => {}) });
    const stuck = codeOf(node.run(type, 'a', 'x'));
    await settle();
    const drain = node.runtime.drainShard(shard, 200);
    await node.clock.advance(300);
    await drain;
    assert.equal(node.runtime.stats().activations, 0);
    await node.clock.advance(20_000);
    assert.equal(await stuck, 'DEADLINE_EXCEEDED');
  });

  it('tells its actors before, in a turn of theirs', async () => {
    const { type, definition } = scripted();
    const told: string[] = [];
    const { create } = definition;
    const node = new KernelNode([
      {
        ...definition,
        create: (self) => {
          const instance = create(self);
          return { ...instance, lifecycle: { draining: () => void told.push(self.key) } };
        },
      },
    ]);
    await node.run(type, 'a', 'x');
    const drain = node.runtime.drainShard(node.runtime.place(type, 'a').shard, 1000);
    await node.clock.advance(50);
    await drain;
    assert.deepEqual(told, ['a']);
  });

  it('serves again when the drain is given up', async () => {
    const { node, type, shard } = setUp();
    await node.run(type, 'a', 'x');
    const drain = node.runtime.drainShard(shard, 1000);
    node.runtime.undrainShard(shard);
    await node.clock.advance(50);
    await drain;
    assert.equal(await node.run(type, 'a', 'y'), '2');
  });
});

describe('a drain that is given up', () => {
  /** A sender whose receiver takes nothing until it is told to, so that its message stays to be sent. */
  function sender() {
    const receiver = { taken: [] as string[], busy: true };
    const target = scripted({
      kind: 'target',
      rank: 20,
      run: (text, turn) => {
        if (receiver.busy) throw new StarlingError('OVERLOADED');
        receiver.taken.push(text);
        return String(turn.append(text));
      },
    });
    const source = scripted({
      kind: 'source',
      run: (text, turn) => String(turn.append(text, { tells: [tell(target.type, 'far').run({ text })] })),
    });
    const store = new SimStore({ type: 'immediate' });
    const node = new KernelNode([source.definition, target.definition], { store });
    const far = node.runtime.place(target.type, 'far').shard;
    const key = ['a', 'b', 'c', 'd', 'e', 'f'].find(
      (one) => node.runtime.place(source.type, one).shard !== far,
    );
    assert.ok(key !== undefined);
    return { receiver, node, source, key, shard: node.runtime.place(source.type, key).shard };
  }

  it('H4: leaves no work behind that an actor still had: its message is sent with no further call', async () => {
    const { receiver, node, source, key, shard } = sender();
    await node.run(source.type, key, 'x');
    await node.clock.advance(1000);
    const drain = node.runtime.drainShard(shard, 1000);
    await node.clock.advance(2000);
    await drain;
    receiver.busy = false;
    await node.clock.advance(60_000);
    assert.deepEqual(receiver.taken, [], 'a drained shard does nothing');
    node.runtime.undrainShard(shard);
    await node.clock.advance(60_000);
    assert.deepEqual(receiver.taken, ['x']);
  });

  it('H4: opens the marked actors that could not be opened meanwhile', async () => {
    const opened: string[] = [];
    const { store, type, definition } = setUp({ opened: (_turn, { key }) => opened.push(key) });
    const node = new KernelNode([definition], { store, ownership: new SimOwnership(70_000) });
    const { shard } = node.runtime.place(type, 'a');
    const mark = { shard, epoch: 65_536, n: 0, kind: 'script', key: 'a' };
    await store.commit({ actor: { kind: 'script', key: 'a', shard }, mark });
    const taken = node.runtime.shardTaken(shard);
    const drain = node.runtime.drainShard(shard, 1000);
    await node.clock.advance(5000);
    await Promise.all([taken, drain]);
    assert.deepEqual(opened, []);
    node.runtime.undrainShard(shard);
    await node.clock.advance(60_000);
    assert.deepEqual(opened, ['a']);
  });

  it('H4: a shard that goes leaves nothing to be opened here', async () => {
    const { receiver, node, source, key, shard } = sender();
    await node.run(source.type, key, 'x');
    const drain = node.runtime.drainShard(shard, 1000);
    await node.clock.advance(2000);
    await drain;
    node.ownership.lose(shard);
    node.runtime.shardLost(shard);
    receiver.busy = false;
    await node.clock.advance(60_000);
    assert.deepEqual(receiver.taken, []);
  });

  it('is over at once, and leaves alone what runs', async () => {
    const gate = latch();
    const { node, type, shard } = setUp({ run: (text) => gate.promise.then(() => text) });
    const answer = node.run(type, 'a', 'x');
    await settle();
    const drain = node.runtime.drainShard(shard, 60_000);
    node.runtime.undrainShard(shard);
    await node.clock.advance(5);
    await drain;
    gate.open();
    assert.equal(await answer, 'x');
    assert.equal(node.runtime.stats().activations, 1);
  });

  it('H4: opens an actor again that was ended in the middle of a turn', async () => {
    const opened: string[] = [];
    const { node, type, shard } = setUp({
      run: () => new Promise(() => {}),
      opened: (_turn, { key }) => opened.push(key),
    });
    void codeOf(node.run(type, 'a', 'x'));
    await settle();
    const drain = node.runtime.drainShard(shard, 200);
    await node.clock.advance(300);
    await drain;
    node.runtime.undrainShard(shard);
    await node.clock.advance(60_000);
    assert.deepEqual(opened, ['a', 'a']);
  });
});

describe('a shard that is lost', () => {
  it('H2: ends its activations at once and does not open them again', async () => {
    const { node, type, shard } = setUp();
    await node.run(type, 'a', 'x');
    node.ownership.lose(shard);
    node.runtime.shardLost(shard);
    assert.equal(node.runtime.stats().activations, 0);
    await node.clock.advance(60_000);
    assert.equal(node.runtime.stats().activations, 0);
    assert.equal(await codeOf(node.run(type, 'a', 'y')), 'NOT_OWNER');
  });

  it('H2: what a turn answers that was running then is not known, of an actor in memory too', async () => {
    const gate = latch();
    const { type } = scripted();
    const definition = defineMemoryActor(type, {
      state: () => undefined,
      handlers: { run: () => gate.promise.then(() => ({ text: 'x' })), watch: () => {} },
      reads: { look: () => ({ text: '' }) },
    });
    const node = new KernelNode([definition]);
    const answer = codeOf(node.run(type, 'a', 'x'));
    await settle();
    const { shard } = node.runtime.place(type, 'a');
    node.ownership.lose(shard);
    node.runtime.shardLost(shard);
    gate.open();
    assert.equal(await answer, 'OUTCOME_UNKNOWN');
  });
});

describe('a shard that comes back', () => {
  it('is served from the moment of its claim, however it went', async () => {
    const { node, type, shard } = setUp();
    for (const [i, went] of ['drained', 'drained and lost'].entries()) {
      const drain = node.runtime.drainShard(shard, 200);
      await node.clock.advance(300);
      await drain;
      node.ownership.lose(shard);
      if (went === 'drained and lost') node.runtime.shardLost(shard);
      node.ownership.regain(shard);
      if (went === 'drained') await node.runtime.shardTaken(shard);
      assert.equal(await node.run(type, 'a', 'x'), String(i + 1), went);
    }
  });

  it('has its marks read for the claim of now alone', async () => {
    const { node, store, shard } = setUp();
    let reads = 0;
    store.readMarks = () => {
      reads++;
      return Promise.reject(new Error('The store does not answer.'));
    };
    await node.runtime.shardTaken(shard);
    node.ownership.lose(shard);
    node.ownership.regain(shard);
    await node.runtime.shardTaken(shard);
    await node.clock.advance(1000);
    assert.equal(reads, 2 + 3, 'again after 100, 300 and 700 ms');
  });
});

describe('a shard that is taken', () => {
  it('H3: has its marks read until that succeeds', async () => {
    const opened: string[] = [];
    const { store, type, definition } = setUp({ opened: (_turn, { key }) => opened.push(key) });
    const marks = {
      failing: 2,
      async read<T>(run: () => Promise<T>): Promise<T> {
        if (this.failing-- > 0) throw new Error('The store does not answer.');
        return run();
      },
    };
    const readMarks = store.readMarks.bind(store);
    store.readMarks = (...rest) => marks.read(() => readMarks(...rest));
    const node = new KernelNode([definition], { store, ownership: new SimOwnership(70_000) });
    const { shard } = node.runtime.place(type, 'a');
    await store.commit({
      actor: { kind: 'script', key: 'a', shard },
      mark: { shard, epoch: 65_536, n: 0, kind: 'script', key: 'a' },
    });
    await node.runtime.shardTaken(shard);
    assert.deepEqual(opened, []);
    await node.clock.advance(1000);
    assert.deepEqual(opened, ['a']);
  });
});
