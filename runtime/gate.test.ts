import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StarlingError } from './errors.ts';
import { FenceReader } from './fence.ts';
import { Gate } from './gate.ts';
import { SimClock, SimOwnership, settle } from './testing/index.ts';

function setUp(outputsMax = 100) {
  const ownership = new SimOwnership();
  const gate = new Gate(new FenceReader(ownership, new SimClock(), { onFenced: () => {} }), outputsMax);
  const left: string[] = [];
  const put = (name: string, after: number): void =>
    gate.output(
      after,
      () => left.push(name),
      (error) => left.push(`${name}: ${error.code}`),
    );
  return { ownership, gate, left, put };
}

describe('the gate', () => {
  it('G1: holds an output until the writes before it have settled', () => {
    const { gate, left, put } = setUp();
    put('a', 2);
    gate.settle(1);
    assert.deepEqual(left, []);
    gate.settle(2);
    assert.deepEqual(left, ['a']);
  });

  it('G1: an output with nothing to wait for has a fence read of its own, begun after it was made', async () => {
    const { ownership, gate, left, put } = setUp();
    gate.settle(3);
    ownership.hold();
    const before = ownership.reads;
    put('a', 3);
    assert.equal(ownership.reads, before + 1);
    assert.deepEqual(left, []);
    ownership.release();
    await settle();
    assert.deepEqual(left, ['a']);
  });

  it('G1: lets nothing out when that read says fenced', async () => {
    const { ownership, gate, left, put } = setUp();
    gate.settle(3);
    ownership.hold();
    put('a', 3);
    ownership.fence();
    ownership.release();
    await settle();
    assert.deepEqual(left, []);
  });

  it('G2: an output that could leave waits for those made before it', async () => {
    const { ownership, gate, left, put } = setUp();
    gate.settle(1);
    put('first', 2);
    put('second', 1);
    assert.deepEqual(left, []);
    ownership.hold();
    gate.settle(2);
    put('third', 2);
    assert.deepEqual(left, ['first', 'second']);
    ownership.release();
    await settle();
    assert.deepEqual(left, ['first', 'second', 'third']);
  });

  it('G3: at its end what waits fails, and so does all that comes later', () => {
    const { gate, left, put } = setUp();
    put('a', 1);
    gate.end(new StarlingError('OUTCOME_UNKNOWN'));
    gate.settle(1);
    put('b', 0);
    assert.deepEqual(left, ['a: OUTCOME_UNKNOWN', 'b: OUTCOME_UNKNOWN']);
  });

  it('is full at its bound and has room again when outputs have left', () => {
    const { gate, put } = setUp(2);
    put('a', 1);
    assert.equal(gate.full, false);
    put('b', 1);
    assert.equal(gate.full, true);
    gate.settle(1);
    assert.equal(gate.full, false);
  });

  it('G1, G2: whatever the interleaving, outputs leave in order and none before its writes have settled', () => {
    const step = fc.oneof(fc.constant('output' as const), fc.constant('write' as const), fc.nat({ max: 5 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { gate } = setUp(10_000);
        const left: number[] = [];
        let issued = 0;
        let settled = 0;
        let made = 0;
        for (const one of steps) {
          if (one === 'write') issued++;
          else if (one === 'output') {
            const name = made++;
            const after = issued;
            gate.output(
              after,
              () => {
                assert.ok(after <= settled);
                left.push(name);
              },
              () => assert.fail('nothing ended'),
            );
          } else {
            settled = Math.min(issued, settled + one);
            gate.settle(settled);
          }
        }
        settled = issued;
        gate.settle(settled);
        assert.deepEqual(
          left,
          Array.from({ length: made }, (_, i) => i),
        );
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
