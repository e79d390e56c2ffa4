import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Mailbox } from './mailbox.ts';

const work = (name: number, reserved = false) => ({ name, reserved, deadline: 0 });

describe('the mailbox', () => {
  it('refuses new work beyond its bound and has room again when some was taken', () => {
    const mailbox = new Mailbox(2);
    assert.deepEqual(
      [1, 2, 3].map((name) => mailbox.push(work(name))),
      [true, true, false],
    );
    mailbox.shift();
    assert.equal(mailbox.push(work(4)), true);
  });

  it('has room for continuations of accepted work, however full it is', () => {
    const mailbox = new Mailbox(1);
    assert.equal(mailbox.push(work(1)), true);
    for (let i = 0; i < 100; i++) assert.equal(mailbox.push(work(i, true)), true);
    assert.equal(mailbox.push(work(2)), false, 'and they do not make room for new work');
    assert.equal(mailbox.size, 101);
  });

  it('gives everything back when it is drained, and is empty and open again', () => {
    const mailbox = new Mailbox<ReturnType<typeof work>>(2);
    mailbox.push(work(1));
    mailbox.push(work(2));
    mailbox.shift();
    assert.deepEqual(
      mailbox.drain().map(({ name }) => name),
      [2],
    );
    assert.equal(mailbox.size, 0);
    assert.equal(mailbox.shift(), undefined);
    assert.equal(mailbox.push(work(3)), true);
  });

  it('is first in, first out over any sequence of operations, across its internal moves', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1500, max: 2000 }), { maxLength: 12 }), (steps) => {
        const mailbox = new Mailbox<ReturnType<typeof work>>(Number.POSITIVE_INFINITY);
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
