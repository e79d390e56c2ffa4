import { equal, ok, throws } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { settle } from './sim-clock.ts';
import { SimOwnership } from './sim-ownership.ts';

describe('simulated ownership', () => {
  test('write times rise within a claim and over its successors', () => {
    const ownership = new SimOwnership();
    const first = ownership.claim(1);
    const a = first?.nextTimestamp() ?? 0n;
    const b = first?.nextTimestamp() ?? 0n;
    ok(b > a && a >= 2n ** 52n);
    ownership.lose(1);
    throws(() => first?.nextTimestamp(), { code: 'NOT_OWNER' });
    equal(ownership.claim(1), undefined);
    ownership.regain(1);
    equal(ownership.claim(1)?.epoch, 65_537);
    ok((ownership.claim(1)?.nextTimestamp() ?? 0n) > b);
  });
  test('a held fence read answers with the state of the moment of its release', async () => {
    const ownership = new SimOwnership();
    equal(ownership.readFence(), 'live');
    ownership.hold();
    let answer: string | undefined;
    void Promise.resolve(ownership.readFence()).then((state) => {
      answer = state;
    });
    await settle();
    equal(answer, undefined);
    equal(ownership.heldReads, 1);
    ownership.fence();
    ownership.release();
    await settle();
    equal(answer, 'fenced');
    equal(ownership.reads, 2);
  });
  test('a fenced node keeps its claims, for it does not know', () => {
    const ownership = new SimOwnership();
    ownership.fence();
    ok(ownership.claim(1)?.nextTimestamp());
    equal(ownership.readFence(), 'fenced');
  });
});
