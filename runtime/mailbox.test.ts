import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Mailbox, type MailboxBounds } from './mailbox.ts';

const work = (name: number, reserved = false, size = 1) => ({ name, reserved, deadline: 0, size });
type Named = ReturnType<typeof work>;

/** A mailbox without bounds but the ones given, and the time it sees. */
function make(bounds: Partial<MailboxBounds>) {
  const time = { now: 0 };
  const none = Number.POSITIVE_INFINITY;
  const mailbox = new Mailbox<Named>({
    turnsMax: none,
    bytesMax: none,
    ageMsMax: none,
    ...bounds,
    sizeOf: ({ size }) => size,
    monotonic: () => time.now,
  });
  return { mailbox, time };
}

describe('the mailbox', () => {
  it('refuses new work beyond its bound and has room again when some was taken', () => {
    const { mailbox } = make({ turnsMax: 2 });
    assert.deepEqual(
      [1, 2, 3].map((name) => mailbox.push(work(name))),
      [undefined, undefined, 'turns'],
    );
    mailbox.shift();
    assert.equal(mailbox.push(work(4)), undefined);
  });

  it('has room for continuations of accepted work, however full it is', () => {
    const { mailbox } = make({ turnsMax: 1 });
    assert.equal(mailbox.push(work(1)), undefined);
    for (let i = 0; i < 100; i++) assert.equal(mailbox.push(work(i, true)), undefined);
    assert.equal(mailbox.push(work(2)), 'turns', 'and they do not make room for new work');
    assert.equal(mailbox.size, 101);
  });

  it('refuses by bytes, whatever their number, and takes again what was made room for', () => {
    const { mailbox } = make({ bytesMax: 10 });
    assert.equal(mailbox.push(work(1, false, 1000)), undefined, 'what need not wait is not measured');
    assert.equal(mailbox.push(work(2, false, 6)), undefined);
    assert.equal(mailbox.push(work(3, false, 5)), 'bytes');
    assert.equal(mailbox.push(work(4, false, 4)), undefined);
    mailbox.shift();
    mailbox.shift();
    assert.equal(mailbox.push(work(5, false, 6)), undefined);
  });

  it('refuses by age: while the oldest has waited too long nothing new comes in', () => {
    const { mailbox, time } = make({ ageMsMax: 100 });
    mailbox.push(work(1));
    mailbox.push(work(2));
    mailbox.shift();
    time.now = 100;
    assert.equal(mailbox.push(work(3)), undefined);
    time.now = 101;
    assert.equal(mailbox.push(work(4)), 'age');
    mailbox.shift();
    assert.equal(mailbox.push(work(5)), undefined);
  });

  it('lets work in front of everything that waits, whatever was taken before', () => {
    for (const taken of [0, 1, 3]) {
      const { mailbox } = make({});
      for (let i = 0; i < 6; i++) mailbox.push(work(i));
      for (let i = 0; i < taken; i++) mailbox.shift();
      mailbox.pushFirst(work(100, true));
      const rest = Array.from({ length: 6 - taken }, (_, i) => i + taken);
      assert.equal(mailbox.size, rest.length + 1);
      assert.deepEqual(
        mailbox.drain().map(({ name }) => name),
        [100, ...rest],
      );
    }
    const { mailbox } = make({});
    mailbox.pushFirst(work(1, true));
    assert.equal(mailbox.shift()?.name, 1);
  });

  it('gives everything back when it is drained, and is empty and open again', () => {
    const { mailbox } = make({ turnsMax: 2 });
    mailbox.push(work(1));
    mailbox.push(work(2));
    mailbox.shift();
    assert.deepEqual(
      mailbox.drain().map(({ name }) => name),
      [2],
    );
    assert.equal(mailbox.size, 0);
    assert.equal(mailbox.shift(), undefined);
    assert.equal(mailbox.push(work(3)), undefined);
  });

  it('is first in, first out over any sequence of operations, across its internal moves', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1500, max: 2000 }), { maxLength: 12 }), (steps) => {
        const { mailbox } = make({});
        const model: number[] = [];
        let next = 0;
        for (const step of steps) {
          for (let i = 0; i < step; i++) {
            mailbox.push(work(next));
            model.push(next++);
          }
          for (let i = 0; i > step; i--) assert.equal(mailbox.shift()?.name, model.shift());
          assert.equal(mailbox.size, model.length);
        }
      }),
      { seed: 7, numRuns: 50 },
    );
  });
});
