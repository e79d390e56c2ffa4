import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type RunResponse, WatchRequestSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { StarlingError } from './errors.ts';
import { codeOf, KernelNode, latch, SimOwnership, SimStore, scripted, settle } from './testing/index.ts';

describe('passivation', () => {
  const idleMsMax = 1000;
  const idle = async (node: KernelNode): Promise<void> => {
    for (let i = 0; i < 4; i++) await node.clock.advance(idleMsMax);
  };

  it('drops an idle activation after writing its state, so that the next one reads no rows', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition], { limits: { idleMsMax } });
    await node.runtime.start();
    await node.run(type, 'k', 'a');
    await idle(node);
    assert.equal(node.runtime.stats().activations, 0);
    const { shard } = node.runtime.place(type, 'k');
    assert.equal((await node.store.readHead({ kind: 'script', key: 'k', shard }))?.asOf, 1);
    assert.equal(await node.look(type, 'k'), 'a');
  });

  it('drops one that owes an answer to nobody but callers who have given up', async () => {
    const { type, definition } = scripted({ run: (_text, turn) => turn.defer<RunResponse>() });
    const node = new KernelNode([definition], { limits: { idleMsMax } });
    await node.runtime.start();
    const answer = codeOf(node.run(type, 'k', 'a', 5000));
    await node.clock.advance(4000);
    assert.equal(node.runtime.stats().activations, 1);
    await node.clock.advance(5000);
    assert.equal(await answer, 'DEADLINE_EXCEEDED');
    assert.equal(node.runtime.stats().activations, 0);
  });

  it('keeps one that holds itself awake, owes an answer, or is in the middle of a turn', async () => {
    const held = latch();
    let letGo = (): void => {};
    const { type, definition } = scripted({
      run: (text, turn) => {
        if (text === 'defer') return turn.defer<RunResponse>();
        if (text === 'hold') return held.promise.then(() => '');
        letGo = turn.keepAwake();
        return '';
      },
      look: () => held.promise.then(() => ''),
    });
    const node = new KernelNode([definition], { limits: { idleMsMax, callMsMax: 60_000 } });
    await node.runtime.start();
    await node.run(type, 'awake', 'awake');
    for (const text of ['defer', 'hold']) void codeOf(node.run(type, text, text, 60_000));
    void node.look(type, 'look');
    await idle(node);
    assert.equal(node.runtime.stats().activations, 4);
    letGo();
    letGo();
    held.open();
    await idle(node);
    assert.equal(node.runtime.stats().activations, 1, 'the one that owes an answer');
  });

  it('drops an activation at its own word as soon as it has nothing to do', async () => {
    const { type, definition } = scripted({
      run: (_text, turn) => {
        turn.passivate();
        return 'bye';
      },
    });
    const node = new KernelNode([definition]);
    assert.equal(await node.run(type, 'k', ''), 'bye');
    await settle();
    assert.equal(node.runtime.stats().activations, 0);
  });
});

describe('an activation that fails', () => {
  it('I10: is opened again with no further call, and goes on with what it left', async () => {
    let openings = 0;
    const { type, definition } = scripted({
      opened: () => {
        openings++;
      },
    });
    const node = new KernelNode([definition]);
    await node.run(type, 'k', 'a');
    node.store.failNext({ type: 'unknown_not_applied' });
    assert.equal(await codeOf(node.run(type, 'k', 'b')), 'OUTCOME_UNKNOWN');
    for (let i = 0; i < 3; i++) node.store.failNext({ type: 'not_done' }, ({ head }) => head !== undefined);
    await node.clock.advance(60_000);
    assert.equal(openings, 2);
    assert.equal(node.runtime.stats().activations, 1);
  });

  it('does not take the turns of other actors with it, also if its last word fails', async () => {
    const { type, definition } = scripted({
      run: (text) => {
        if (text === 'bad') throw new Error('a defect');
        return text;
      },
      closed: () => {
        throw new Error('another defect');
      },
    });
    const node = new KernelNode([definition]);
    await Promise.all(['a', 'b'].map((key) => node.look(type, key)));
    const calls = [codeOf(node.run(type, 'a', 'bad')), codeOf(node.run(type, 'b', 'good'))];
    assert.deepEqual(await Promise.all(calls), ['INTERNAL', 'OK']);
    assert.equal(await node.run(type, 'a', 'good'), 'good');
  });

  it('does not keep the node from starting, nor other marked actors from being woken', async () => {
    const opened: string[] = [];
    const { type, definition } = scripted({
      run: (text, turn) => String(turn.append(text, { wake: true })),
      opened: (_turn, { key }) => opened.push(key),
    });
    const node = new KernelNode([definition]);
    for (const key of ['a', 'b', 'c']) await node.run(type, key, 'work');
    const store = node.store.crash();
    opened.length = 0;
    store.failNext({ type: 'not_done' }, ({ head, actor }) => head !== undefined && actor.key === 'b');
    const next = new KernelNode([definition], { store, ownership: new SimOwnership(65_537) });
    await next.runtime.start();
    await settle();
    assert.deepEqual([...opened].sort(), ['a', 'c']);
    await next.clock.advance(1000);
    assert.deepEqual([...opened].sort(), ['a', 'b', 'c']);
  });
});

describe('stopping', () => {
  it('lets what was accepted end, writes checkpoints and drops everything', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition]);
    const runs = ['a', 'b'].map((text) => node.run(type, 'k', text));
    await settle();
    const stopped = node.runtime.stop(1000);
    await node.clock.advance(1000);
    await stopped;
    assert.deepEqual(await Promise.all(runs), ['1', '2']);
    assert.equal(node.runtime.stats().activations, 0);
    const { shard } = node.runtime.place(type, 'k');
    assert.equal((await node.store.readHead({ kind: 'script', key: 'k', shard }))?.asOf, 2);
    assert.equal(await codeOf(node.look(type, 'k')), 'SHUTTING_DOWN');
  });

  it('waits no longer than its grace, and says of begun work that its outcome is unknown', async () => {
    const store = new SimStore();
    const { type, definition } = scripted();
    const node = new KernelNode([definition], { store });
    const run = codeOf(node.run(type, 'k', 'a'));
    await settle();
    store.flush();
    await settle();
    const stopped = node.runtime.stop(100);
    await node.clock.advance(200);
    await stopped;
    assert.equal(await run, 'OUTCOME_UNKNOWN');
  });
});

describe('streams', () => {
  it('belong to the actor that was opened for them, and end with an error where it refuses', async () => {
    const { type, definition } = scripted({
      watch: (text) => {
        throw new StarlingError('INVALID_REQUEST', text);
      },
    });
    const node = new KernelNode([definition]);
    const ended: (string | undefined)[] = [];
    const stream = {
      send: () => {},
      end: (error?: StarlingError) => ended.push(error?.code),
      bufferedBytes: 0,
      sentBytes: 0,
      closed: false,
      onClose: () => {},
    };
    node.runtime.open(type, 'k', 'watch', create(WatchRequestSchema), stream);
    await settle();
    assert.deepEqual(ended, ['INVALID_REQUEST']);
  });
});

describe('a node that was fenced', () => {
  it('opens nothing any more, and leaves no timer behind', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition]);
    await node.runtime.start();
    await node.run(type, 'a', 'x');
    node.store.failNext({ type: 'unknown_applied' });
    assert.equal(await codeOf(node.run(type, 'a', 'y')), 'OUTCOME_UNKNOWN');
    node.ownership.fence();
    await node.clock.advance(1000);
    assert.equal(await codeOf(node.run(type, 'a', 'z')), 'SHUTTING_DOWN');
    const logged = node.log.length;
    await node.clock.advance(3_600_000);
    assert.equal(node.log.length, logged);
    assert.equal(node.clock.pending, 0);
  });
});
