import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf, KernelNode, latch, SimStore, scripted, settle } from './testing/index.ts';

describe("a call that waits at its sender's gate", () => {
  it('I13: ends by its deadline even there, and is not made when the gate opens', async () => {
    const store = new SimStore({ type: 'manual' });
    let asked = 0;
    const target = scripted({
      kind: 'target',
      rank: 20,
      run: () => {
        asked++;
        return 'done';
      },
    });
    let seen = '';
    const source = scripted({
      kind: 'source',
      run: async (text, turn) => {
        turn.append(text);
        seen = await codeOf(turn.client(target.type, 't').run({ text }, { timeoutMs: 300 }));
        return seen;
      },
    });
    const node = new KernelNode([target.definition, source.definition], { store });
    const answer = node.run(source.type, 's', 'x', 5000);
    await settle();
    store.flush();
    await node.clock.advance(400);
    assert.equal(seen, 'DEADLINE_EXCEEDED');
    for (let i = 0; i < 4; i++) {
      store.flush();
      await settle();
    }
    assert.equal(await answer, 'DEADLINE_EXCEEDED');
    assert.equal(asked, 0);
  });
});

describe('an activation that has asked something', () => {
  it('is not dropped as idle before the answer has come', async () => {
    const gate = latch();
    const heard: string[] = [];
    const target = scripted({ kind: 'target', rank: 20, run: () => gate.promise.then(() => 'late') });
    const source = scripted({
      kind: 'source',
      idleMsMax: 1000,
      run: (text, turn) => {
        turn.ask(target.type, 't').run({ text }, (outcome) => {
          heard.push(outcome.ok ? outcome.value.text : outcome.error.code);
        });
        return 'asked';
      },
    });
    const limits = { idleMsMax: 2000, callMsDefault: 20_000 };
    const node = new KernelNode([target.definition, source.definition], { limits });
    await node.runtime.start();
    await node.run(source.type, 's', 'x');
    await node.clock.advance(8000);
    gate.open();
    await settle();
    assert.deepEqual(heard, ['late']);
    await node.clock.advance(8000);
    assert.equal(node.runtime.stats().byKind['source'], 0);
  });
});
