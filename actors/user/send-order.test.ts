import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { SendOrderSchema } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { DeviceOrder } from './send-order.ts';

const order = (session: number, settled: number) =>
  create(SendOrderSchema, { session: BigInt(session), settledDeviceSeq: BigInt(settled) });

describe('the order of one device', () => {
  it('O1: holds a send until all before it have gone on or are settled', () => {
    const device = new DeviceOrder(10);
    device.enter(order(1, 0));
    assert.equal(device.admit(2), 'hold');
    assert.equal(device.admit(1), 'go');
    assert.equal(device.admit(2), 'go');
    device.enter(order(1, 5));
    assert.equal(device.expected, 6);
    assert.equal(device.admit(6), 'go');
  });

  it('O2: lets a number that has gone on or is settled go on only as a repeat', () => {
    const device = new DeviceOrder(10);
    device.enter(order(1, 2));
    assert.equal(device.admit(3), 'go');
    assert.equal(device.admit(3), 'repeat');
    assert.equal(device.admit(1), 'repeat');
  });

  it('O3: waits for the repeat of a send that failed, whatever has gone on behind it', () => {
    const device = new DeviceOrder(10);
    device.enter(order(1, 0));
    device.admit(1);
    device.admit(2);
    device.failed(1n, 1);
    assert.equal(device.expected, 1);
    assert.equal(device.admit(3), 'hold');
    assert.equal(device.admit(1), 'go');
    assert.equal(device.expected, 3);
  });

  it('refuses a number too far ahead, and begins anew with a new session', () => {
    const device = new DeviceOrder(10);
    device.enter(order(1, 0));
    assert.equal(device.admit(11), 'hold');
    assert.equal(device.admit(12), 'too_far');
    device.admit(1);
    assert.equal(device.enter(order(2, 0)), true);
    assert.equal(device.expected, 1);
    device.failed(1n, 1);
    assert.equal(device.admit(1), 'go', 'a failure of the former session changes nothing');
  });

  it('goes on with either of two sessions, whichever request an activation that starts anew hears of first', () => {
    const device = new DeviceOrder(10);
    device.enter(order(1, 4));
    assert.equal(device.admit(3), 'repeat', 'a late repeat of the older session');
    device.enter(order(2, 0));
    assert.equal(device.admit(1), 'go', 'the newer session is not refused for having been heard of later');
    device.enter(order(1, 4));
    device.enter(order(2, 1));
    assert.equal(device.admit(2), 'go');
  });

  it('I9: new sends go on in the order of their numbers, however they arrive, fail and come again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ seq: fc.integer({ min: 1, max: 8 }), fails: fc.boolean() }), { maxLength: 80 }),
        (arrivals) => {
          const device = new DeviceOrder(100);
          device.enter(order(1, 0));
          const gone = new Set<number>();
          for (const { seq, fails } of arrivals) {
            const all = Array.from({ length: seq - 1 }, (_, i) => i + 1);
            const admission = device.admit(seq);
            if (gone.has(seq)) assert.equal(admission, 'repeat');
            else assert.equal(admission, all.every((one) => gone.has(one)) ? 'go' : 'hold');
            if (admission !== 'go') continue;
            if (fails) device.failed(1n, seq);
            else gone.add(seq);
          }
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });
});
