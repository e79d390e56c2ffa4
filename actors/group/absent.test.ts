import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Absent } from './absent.ts';

describe('who is absent', () => {
  it('A1: is not told by the answer of a fan-out that began before the member attached', () => {
    const absent = new Absent();
    const early = absent.begin();
    absent.attach('bob');
    const late = absent.begin();
    assert.equal(absent.mark('bob', early), false);
    assert.equal(absent.has('bob'), false);
    assert.equal(absent.mark('bob', late), true);
    assert.equal(absent.has('bob'), true);
  });

  it('A1: is told by any fan-out begun later, however many have ended since', () => {
    const absent = new Absent();
    absent.begin();
    absent.attach('bob');
    absent.end();
    assert.equal(absent.mark('bob', absent.begin()), true);
  });

  it('A2: must be durable for a member that the last checkpoint calls marked, and only then', () => {
    const absent = new Absent();
    absent.mark('bob', absent.begin());
    assert.equal(absent.attach('bob'), false, 'no checkpoint has the mark');
    absent.mark('bob', absent.begin());
    assert.deepEqual([...absent.snapshot()], ['bob']);
    assert.equal(absent.attach('bob'), true);
    assert.equal(absent.attach('bob'), true, 'until there is a checkpoint without it');
    assert.deepEqual([...absent.snapshot()], []);
    assert.equal(absent.attach('bob'), false);
    const later = new Absent();
    later.restore(new Set(['carol']));
    assert.equal(later.has('carol'), true);
    assert.equal(later.attach('carol'), true, 'what was restored is durable');
  });
});
