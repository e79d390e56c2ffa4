import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StarlingError } from './errors.ts';
import { tell } from './tells.ts';
import {
  codeOf,
  KernelNode,
  keyOn,
  SimOwnership,
  SimStore,
  scripted,
  settle,
  twoNodes,
} from './testing/index.ts';

describe('tells', () => {
  function pair() {
    const seen: string[] = [];
    const receiver = scripted({
      kind: 'receiver',
      run: (text, turn) => {
        seen.push(text);
        return String(turn.append(text));
      },
    });
    const sender = scripted({
      kind: 'sender',
      run: (text, turn) => {
        const [to = '', ...words] = text.split(' ');
        return String(
          turn.append(text, { tells: words.map((word) => tell(receiver.type, to).run({ text: word })) }),
        );
      },
    });
    return { receiver, sender, seen };
  }

  it('T1: go only once their own row is durable and fence-checked, whatever went before them', async () => {
    const { receiver, sender, seen } = pair();
    const store = new SimStore();
    const node = new KernelNode([receiver.definition, sender.definition], { store });
    const step = async (count?: number): Promise<void> => {
      store.flush(count);
      await settle();
    };
    const opened = ['x', 'y'].map((key) => node.look(receiver.type, key));
    await settle();
    await step();
    await Promise.all(opened);
    void node.run(sender.type, 's', 'x one');
    await settle();
    await step();
    await step();
    assert.deepEqual(seen, ['one'], 'it waits for the write of its receiver');
    for (const text of ['x two', 'y three']) void node.run(sender.type, 's', text);
    await settle();
    assert.equal(store.pending, 2);
    await step(1);
    assert.deepEqual(seen, ['one'], 'it was taken; the rows of the others are not durable');
    await step();
    assert.deepEqual([...seen].sort(), ['one', 'three', 'two']);
  });

  it('T4: one that was taken without a record has no second turn when its answer was lost', async () => {
    const seen: string[] = [];
    const receiver = scripted({ kind: 'receiver', run: (text) => String(seen.push(text)) });
    const sender = scripted({
      kind: 'sender',
      run: (text, turn) =>
        String(turn.append(text, { tells: [tell(receiver.type, keyOn(receiver.type, 1)).run({ text })] })),
    });
    const { nodes, network, clock } = twoNodes([receiver.definition, sender.definition]);
    network.decide(() => (network.sent.length === 1 ? 'answer_lost' : 'carried'));
    await nodes[0].client(sender.type, keyOn(sender.type, 0)).run({ text: 'x' });
    await clock.advance(10_000);
    assert.deepEqual([seen, network.sent.length], [['x'], 2]);
  });

  it('T1 to T4: arrive once each and in order, through failures of the receiver, of the sender and of the node', async () => {
    const { receiver, sender } = pair();
    let node = new KernelNode([receiver.definition, sender.definition]);
    const clock = node.clock;
    const expected: string[] = [];
    for (let round = 0; round < 6; round++) {
      if (round % 2 === 1)
        node.store.failNext(
          { type: 'unknown_applied' },
          ({ actor, rows }) => rows !== undefined && actor.kind === 'receiver',
        );
      if (round % 3 === 1)
        node.store.failNext(
          { type: 'late' },
          ({ actor, rows }) => rows !== undefined && actor.kind === 'receiver',
        );
      const words = [`${round}a`, `${round}b`];
      assert.equal(await codeOf(node.run(sender.type, 's', `x ${words.join(' ')}`)), 'OK');
      expected.push(...words);
      if (round === 2) {
        node.store.failNext({ type: 'unknown_not_applied' }, ({ actor }) => actor.kind === 'sender');
        assert.equal(await codeOf(node.run(sender.type, 's', 'x never')), 'OUTCOME_UNKNOWN');
      }
      if (round === 3) {
        const store = node.store.crash();
        node = new KernelNode([receiver.definition, sender.definition], {
          store,
          clock,
          ownership: new SimOwnership(65_537),
        });
        await node.runtime.start();
      }
    }
    await clock.advance(120_000);
    assert.equal(await node.look(receiver.type, 'x'), expected.join());
  });

  it('of an ended activation are not sent by it any more', async () => {
    const { sender } = pair();
    let sent = 0;
    const receiver = scripted({
      kind: 'receiver',
      run: () => {
        sent++;
        throw new StarlingError('OVERLOADED');
      },
    });
    const node = new KernelNode([receiver.definition, sender.definition], {
      limits: { tellRetryMsMin: 100, tellRetryMsMax: 100, reviveMsMin: 1_000_000 },
    });
    await node.run(sender.type, 's', 'x one');
    await settle();
    node.store.failNext({ type: 'unknown_not_applied' });
    await codeOf(node.run(sender.type, 's', 'x two'));
    const before = sent;
    await node.clock.advance(10_000);
    assert.equal(sent, before);
  });
});
