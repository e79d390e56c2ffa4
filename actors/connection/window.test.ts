import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PushWindow } from './window.ts';

const LIMITS = { windowDeliveriesMax: 3, windowBytesMax: 100 };

describe('the window of a device', () => {
  it('W1, W2: pushes until it is full, then tells the head once per new entry, and pushes nothing', () => {
    const window = new PushWindow(LIMITS, 0, 0);
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((seq) => window.offer(seq, seq, 1)),
      ['push', 'push', 'push', 'notify', 'notify'],
    );
    window.has(3, true);
    assert.equal(window.offer(6, 6, 1), 'notify', 'there is a hole before it');
    assert.equal(window.unacked, 0);
  });

  it('W3: pushes again when the device has everything up to the head', () => {
    const window = new PushWindow(LIMITS, 0, 0);
    for (let seq = 1; seq <= 4; seq++) window.offer(seq, seq, 1);
    window.has(4, false);
    assert.equal(window.offer(5, 5, 1), 'notify', 'pulled is not acknowledged: the window is still full');
    window.has(5, true);
    assert.equal(window.offer(6, 6, 1), 'push');
  });

  it('is bounded by bytes, but lets one larger entry go alone', () => {
    const window = new PushWindow(LIMITS, 0, 0);
    assert.equal(window.offer(1, 1, 500), 'push');
    assert.equal(window.offer(2, 2, 1), 'notify');
  });

  it('W1: offers what the device has no second time', () => {
    const window = new PushWindow(LIMITS, 4, 4);
    assert.equal(window.offer(4, 4, 1), 'nothing');
    assert.equal(window.offer(4, 6, 1), 'notify', 'overlapping entries are pulled');
  });

  it('tells a device that begins behind, and one that lost a push', () => {
    const window = new PushWindow(LIMITS, 2, 5);
    assert.equal(window.notifying, true);
    const other = new PushWindow(LIMITS, 5, 5);
    assert.equal(other.learnHead(5), 'nothing');
    assert.equal(other.learnHead(7), 'notify');
    assert.equal(other.learnHead(7), 'nothing', 'once');
  });

  it('takes an absurd acknowledgement for one of everything that was offered', () => {
    const window = new PushWindow(LIMITS, 0, 0);
    window.offer(1, 1, 1);
    window.has(Number(2n ** 63n), true);
    assert.equal(window.offer(2, 2, 1), 'push');
  });

  it('never pushes an entry twice, out of order or beyond its bounds, and never leaves a device unaware of the head', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('offer' as const),
        count: fc.integer({ min: 1, max: 3 }),
        bytes: fc.integer({ min: 1, max: 60 }),
      }),
      fc.record({ do: fc.constantFrom('ack' as const, 'pulled' as const), back: fc.nat({ max: 4 }) }),
      fc.record({ do: fc.constant('lost' as const), count: fc.integer({ min: 1, max: 3 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const window = new PushWindow(LIMITS, 0, 0);
        let head = 0;
        let has = 0;
        let told = 0;
        for (const one of steps) {
          if (one.do === 'offer') {
            const first = head + 1;
            head += one.count;
            const decision = window.offer(first, head, one.bytes * one.count);
            if (decision === 'push') {
              assert.equal(first, has + 1);
              has = head;
              told = head;
              assert.ok(window.unacked <= LIMITS.windowDeliveriesMax);
            } else if (decision === 'notify') told = head;
          } else if (one.do === 'lost') {
            head += one.count;
            if (window.learnHead(head) === 'notify') told = head;
          } else {
            has = Math.max(has, one.do === 'pulled' ? head - one.back : has);
            window.has(Math.max(0, has), one.do === 'ack');
          }
          assert.equal(told, Math.max(told, has), 'it knows what it has');
          assert.ok(has >= head || told >= head, 'it has the head or was told of it');
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
