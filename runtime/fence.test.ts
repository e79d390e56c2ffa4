import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FenceReader } from './fence.ts';
import { codeOf, SimClock, SimOwnership, settle } from './testing/index.ts';

function setUp() {
  const ownership = new SimOwnership();
  let fenced = 0;
  const clock = new SimClock();
  const reader = new FenceReader(ownership, clock, {
    onFenced: () => {
      fenced++;
    },
  });
  return { ownership, clock, reader, fenced: () => fenced };
}

describe('fence reads', () => {
  it('answer at once where the store is its own fence', () => {
    assert.equal(setUp().reader.read(), 'live');
  });

  it('serve only those who asked before they began: who asks during one gets the next', async () => {
    const { ownership, reader } = setUp();
    ownership.hold();
    const first = reader.read();
    const second = reader.read();
    const third = reader.read();
    assert.equal(ownership.reads, 1, 'one at a time');
    assert.notEqual(second, first);
    assert.equal(third, second, 'all who wait share the next one');
    let answered = false;
    void Promise.resolve(second).then(() => {
      answered = true;
    });
    ownership.release();
    ownership.hold();
    await first;
    await settle();
    assert.equal(ownership.reads, 2);
    assert.equal(answered, false, 'the second read has not come back');
    ownership.release();
    await second;
  });

  it('never run two at a time, also when one is asked for just as another ends', async () => {
    const { ownership, reader } = setUp();
    ownership.hold();
    const first = reader.read();
    void reader.read();
    let underWayAtMost = 0;
    const asking = Promise.resolve(first).then(async () => {
      for (let i = 0; i < 5; i++) {
        void reader.read();
        underWayAtMost = Math.max(underWayAtMost, ownership.heldReads);
        await Promise.resolve();
      }
    });
    ownership.release();
    ownership.hold();
    await asking;
    assert.equal(underWayAtMost, 1);
    ownership.release();
    await settle();
  });

  it('F2: that can not be had are made again, and nobody is told anything until one says something', async () => {
    const { ownership, clock, reader, fenced } = setUp();
    const readFence = ownership.readFence.bind(ownership);
    let failing = 3;
    ownership.readFence = () =>
      failing-- > 0 ? Promise.reject(new Error('The store does not answer.')) : readFence();
    let answered = false;
    const read = Promise.resolve(reader.read()).then(() => {
      answered = true;
    });
    await clock.advance(50);
    assert.deepEqual([answered, fenced()], [false, 0]);
    await clock.advance(500);
    await read;
    assert.equal(fenced(), 0);
    assert.equal(failing, -1);
  });

  it('reject and tell the node when it is fenced, also those that waited behind another', async () => {
    const { ownership, reader, fenced } = setUp();
    ownership.hold();
    const first = reader.read();
    const second = reader.read();
    assert.ok(first !== 'live' && second !== 'live');
    ownership.fence();
    ownership.release();
    assert.deepEqual(await Promise.all([codeOf(first), codeOf(second)]), ['NOT_OWNER', 'NOT_OWNER']);
    assert.ok(fenced() > 0);
  });

  it('F2: a driver that throws at once is asked again like one that fails later', async () => {
    const { ownership, clock, reader, fenced } = setUp();
    let failing = 3;
    const readFence = ownership.readFence.bind(ownership);
    ownership.readFence = () => {
      if (failing-- > 0) throw new Error('The driver is not connected.');
      return readFence();
    };
    const reads = Promise.all([reader.read(), reader.read()]);
    await clock.advance(1000);
    await reads;
    assert.deepEqual([failing, fenced()], [-2, 0]);
  });

  it('F2: a read that can not be had is made again less and less often', async () => {
    const { ownership, clock, reader } = setUp();
    let reads = 0;
    ownership.readFence = () => {
      reads++;
      return Promise.reject(new Error('Too few replicas are in reach.'));
    };
    void reader.read();
    await clock.advance(10_000);
    assert.equal(reads, 1 + 6 + 8, 'after 20 ms to 640 ms, then every second');
  });
});
