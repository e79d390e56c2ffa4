import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  describeFault,
  FAULT_KINDS,
  type Fault,
  mayMeet,
  nodeOf,
  type Slot,
  scheduleOf,
} from './schedule.ts';

const ground = { nodes: 3, cassandraNodes: 3 };

function slots(seed: number, count: number): Slot[] {
  const schedule = scheduleOf(seed, ground);
  return Array.from({ length: count }, () => schedule.next().value);
}

function faults(seed: number, count: number): Fault[] {
  return slots(seed, count).flatMap((slot) => slot.faults);
}

describe('a schedule of faults', () => {
  test('The same seed gives the same schedule, another seed another one.', () => {
    assert.deepEqual(slots(7, 50), slots(7, 50));
    assert.notDeepEqual(slots(7, 50), slots(8, 50));
  });

  test('Every kind comes once in each round.', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const drawn = faults(seed, 60).map(({ kind }) => kind);
      for (let from = 0; from + FAULT_KINDS.length <= drawn.length; from += FAULT_KINDS.length) {
        const round = drawn.slice(from, from + FAULT_KINDS.length);
        assert.deepEqual(round.toSorted(), FAULT_KINDS.toSorted());
      }
    }
  });

  test('Faults that are there together never harm two nodes of a kind.', () => {
    const pairs = Array.from({ length: 50 }, (_, seed) => slots(seed, 40))
      .flat()
      .filter((slot) => slot.faults.length > 1);
    assert.ok(pairs.length > 100);
    for (const { faults: together } of pairs) {
      assert.equal(together.length, 2);
      const [one, other] = together;
      assert.ok(one !== undefined && other !== undefined && mayMeet(one.kind, other.kind));
      assert.ok(nodeOf(one) === undefined || nodeOf(other) === undefined);
    }
  });

  test('Pauses last 5 to 30 seconds, every node and every Cassandra node gets its turn.', () => {
    const all = faults(3, 400);
    for (const fault of all)
      if (fault.kind === 'pause') assert.ok(fault.holdMs >= 5_000 && fault.holdMs <= 30_000);
    assert.deepEqual(new Set(all.flatMap((fault) => nodeOf(fault) ?? [])), new Set([0, 1, 2]));
    const servers = all.flatMap((fault) => (fault.kind === 'cassandra_kill' ? [fault.server] : []));
    assert.deepEqual(new Set(servers), new Set([0, 1, 2]));
  });

  test('Each fault is told in words that name its target.', () => {
    assert.equal(describeFault({ kind: 'pause', node: 1, holdMs: 12_345 }), 'pause n2 for 12.3 s');
    const cut: Fault = { kind: 'cut_cassandra', node: 0, holdMs: 2_000, way: 'requests', reset: true };
    assert.equal(describeFault(cut), 'cut n1 from Cassandra (requests only) for 2.0 s, then reset');
  });
});
