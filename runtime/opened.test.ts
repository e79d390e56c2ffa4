import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KernelNode, SimOwnership, scripted } from './testing/index.ts';

describe('an activation that opens', () => {
  it('takes up what a former one left before the calls that came meanwhile', async () => {
    const order: string[] = [];
    const { type, definition } = scripted({
      opened: (_turn, { words }) => order.push(`opened with ${words.join()}`),
      run: (text, turn) => {
        order.push(text);
        return String(turn.append(text));
      },
    });
    const first = new KernelNode([definition]);
    await first.run(type, 'a', 'left');
    order.length = 0;
    const next = new KernelNode([definition], {
      store: first.store.crash(),
      ownership: new SimOwnership(70_000),
    });
    await Promise.all([next.run(type, 'a', 'x'), next.run(type, 'a', 'y')]);
    assert.deepEqual(order, ['opened with left', 'x', 'y']);
  });
});
