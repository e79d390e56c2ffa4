import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StarlingError } from './errors.ts';
import type { ActorAddress, WakeMark } from './ports/store.ts';
import { SimStore } from './testing/index.ts';
import { wakeShard } from './wake.ts';

const OWN = 70_000;

async function setUp(marks: readonly Omit<WakeMark, 'shard' | 'kind'>[]) {
  const store = new SimStore({ type: 'immediate' });
  for (const { key, epoch, n } of marks) {
    const actor = { kind: 'script', key, shard: 0 };
    await store.commit({ actor, mark: { shard: 0, kind: 'script', key, epoch, n } });
  }
  const seen: string[] = [];
  const marksNow = () => store.readMarks(0, { marksMax: 10_000 });
  const wake = (
    onWake: (actor: ActorAddress) => Promise<void> = async () => {},
    concurrencyMax = 2,
    live = async () => {},
  ) =>
    wakeShard(
      {
        ...{ store, concurrencyMax, live },
        wake: async (actor) => {
          seen.push(actor.key);
          await onWake(actor);
        },
      },
      0,
      OWN,
    );
  return { seen, wake, marksNow };
}

describe('waking what a former owner left', () => {
  it('wakes each marked actor once, however many marks it has, and leaves those of the own epoch alone', async () => {
    const { seen, wake } = await setUp([
      { key: 'a', epoch: 65_536, n: 0 },
      { key: 'a', epoch: 65_536, n: 7 },
      { key: 'b', epoch: 65_537, n: 1 },
      { key: 'own', epoch: OWN, n: 0 },
    ]);
    assert.equal(await wake(), 2);
    assert.deepEqual(seen, ['a', 'b']);
  });

  it('rule 10: has an actor marked in the own epoch before it is woken, and drops older marks only after all were', async () => {
    const { wake, marksNow } = await setUp([
      { key: 'a', epoch: 65_536, n: 0 },
      { key: 'b', epoch: 65_536, n: 0 },
    ]);
    await wake(async ({ key }) => {
      const marks = await marksNow();
      assert.ok(marks.some((mark) => mark.key === key && mark.epoch === OWN));
      assert.equal(marks.filter((mark) => mark.epoch < OWN).length, 2);
    });
    assert.deepEqual(
      (await marksNow()).map(({ key, epoch }) => `${key} ${epoch}`),
      [`a ${OWN}`, `b ${OWN}`],
    );
  });

  it('rule 8: drops no mark where the node was fenced meanwhile', async () => {
    const { wake, marksNow } = await setUp([{ key: 'a', epoch: 65_536, n: 0 }]);
    const woken: string[] = [];
    const fenced = async (): Promise<void> => {
      // Asked last: after all that the drop rests on.
      assert.deepEqual(woken, ['a']);
      throw new StarlingError('NOT_OWNER');
    };
    await assert.rejects(
      wake(async ({ key }) => void woken.push(key), 2, fenced),
      { code: 'NOT_OWNER' },
    );
    assert.deepEqual(
      (await marksNow()).map(({ epoch }) => epoch),
      [65_536, OWN],
    );
  });

  it('wakes no more at a time than its bound, over more marks than one page has', async () => {
    const { seen, wake } = await setUp(
      Array.from({ length: 600 }, (_, i) => ({ key: `k${i}`, epoch: 65_536, n: 0 })),
    );
    let now = 0;
    let most = 0;
    await wake(async () => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
    }, 5);
    assert.equal(most, 5);
    assert.equal(new Set(seen).size, 600);
  });
});
