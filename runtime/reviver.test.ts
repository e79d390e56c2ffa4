import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StarlingError } from './errors.ts';
import { Reviver } from './reviver.ts';
import { KernelNode, latch, SimClock, scripted } from './testing/index.ts';

const MIN = 200;
const MAX = 30_000;
const actor = (key: string) => ({ kind: 'script', key, shard: 0 });

/** A reviver whose `open` is the test's own; notes when each actor was opened. */
function setUp(open: (key: string) => Promise<void>, concurrencyMax = 64) {
  const clock = new SimClock();
  const times: number[] = [];
  const reviver = new Reviver({
    clock,
    retryMsMin: MIN,
    retryMsMax: MAX,
    concurrencyMax,
    open: ({ key }) => {
      times.push(clock.monotonic());
      return open(key);
    },
    held: () => true,
    failed: () => {},
  });
  return { clock, times, reviver };
}

describe('an actor that is opened again', () => {
  it('R1: waits longer each time it opens and ends soon after, up to the bound, and is well again after that', async () => {
    const { clock, times, reviver } = setUp(async () => {});
    reviver.revive(actor('a'));
    for (let i = 0; i < 9; i++) {
      const before = times.length;
      while (times.length === before) await clock.advance(50);
      reviver.revive(actor('a'));
    }
    const waits = times.map((time, i) => time - (times[i - 1] ?? 0));
    assert.deepEqual(waits.slice(0, 3), [200, 400, 800]);
    assert.equal(waits.at(-1), MAX);
    await clock.advance(MAX);
    const ended = times.at(-1) ?? 0;
    await clock.advance(ended + MAX + 1 - clock.monotonic());
    const began = clock.monotonic();
    const { length } = times;
    reviver.revive(actor('a'));
    await clock.advance(MIN);
    assert.equal(times[length], began + MIN);
  });

  it('R1: waits longer each time it does not open', async () => {
    const { clock, times, reviver } = setUp(async () => {
      throw new StarlingError('STORAGE_FAILED');
    });
    reviver.revive(actor('a'));
    await clock.advance(60_000);
    assert.deepEqual(times.slice(0, 4), [200, 600, 1_400, 3_000]);
    reviver.stop();
  });

  it('R2: is one of so many at a time, however many failed together', async () => {
    const gate = latch();
    let now = 0;
    let most = 0;
    const { clock, times, reviver } = setUp(async () => {
      most = Math.max(most, ++now);
      await gate.promise;
      now--;
    }, 3);
    for (let i = 0; i < 50; i++) reviver.revive(actor(`k${i}`));
    const woken = reviver.open(actor('marked'));
    await clock.advance(MIN);
    assert.equal(times.length, 3);
    gate.open();
    await woken;
    await clock.advance(MIN);
    assert.equal(times.length, 51);
    assert.equal(most, 3);
  });

  it('R3: is opened once more when it ends by a failure while it is being opened', async () => {
    const { clock, times, reviver } = setUp(async () => {
      if (times.length === 1) reviver.revive(actor('a'));
    });
    reviver.revive(actor('a'));
    await clock.advance(10_000);
    assert.deepEqual(times, [200, 600]);
  });
});

describe('an actor whose first turn fails whenever it opens', () => {
  it('R1: is opened a few times a minute, and works as soon as that turn ends well', async () => {
    let opened = 0;
    let broken = true;
    const { type, definition } = scripted({
      opened: () => {
        opened++;
        if (broken) throw new Error('a defect');
      },
    });
    const node = new KernelNode([definition]);
    const call = node.run(type, 'a', 'x').catch(() => {});
    await node.clock.advance(300_000);
    await call;
    assert.ok(opened > 8 && opened < 20, `${opened} times in five minutes`);
    broken = false;
    const before = opened;
    await node.clock.advance(30_000);
    assert.equal(opened, before + 1);
    assert.equal(await node.run(type, 'a', 'y'), '1');
  });
});

describe('an actor that can not be opened', () => {
  it('is not opened again for a call that found it so: nothing of it was left', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition]);
    let reads = 0;
    const { store } = node;
    const readHead = store.readHead.bind(store);
    store.readHead = (address) => {
      reads++;
      return reads === 1 ? Promise.reject(new StarlingError('STORAGE_FAILED')) : readHead(address);
    };
    await assert.rejects(node.run(type, 'a', 'x'));
    await node.clock.advance(60_000);
    assert.equal(reads, 1);
  });
});
