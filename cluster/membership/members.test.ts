import { deepEqual, equal } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fencesMaxPerMinute, MEMBERSHIP_LIMITS } from './limits.ts';
import {
  answered,
  dismissed,
  fenceRead,
  gone,
  initialMembers,
  isPlanner,
  type Members,
  mayRenew,
  metInRows,
  peersOf,
  readyIncarnations,
  renewed,
  seen,
  standing,
  suspects,
} from './members.ts';
import { decodeMember, decodePlacement, encodeMember, encodePlacement, type MemberRecord } from './record.ts';

function record(node: string, state: MemberRecord['state'] = 'ready'): MemberRecord {
  return {
    ...{
      node,
      state,
      incarnation: `${node}-1`,
      version: '1.2.3',
      address: `${node}:1`,
      weight: 1,
      roles: ['core'],
      shards: 16,
    },
    ...{
      wire: { min: 1, max: 2 },
      placementVersion: 1,
      planVersion: 1,
      placementOf: 7,
      serving: new Set([0, 9]),
    },
  };
}

/** Me, whose lease is renewed every second from 0 to `untilMs`, and others that are seen once at 0. */
function standingUntil(untilMs: number, others: readonly string[], fromMs = 0, base?: Members): Members {
  let state = base ?? initialMembers(MEMBERSHIP_LIMITS);
  for (const node of others) state = seen(state, record(node), 1, fromMs);
  for (let now = fromMs; now <= untilMs; now += 1_000) state = renewed(state, now, now);
  return state;
}

function asked(state: Members, nowMs: number): string[] {
  return suspects(state, nowMs).ask.map((other) => other.record.node);
}

describe('what a node believes of others', () => {
  test('N1: the lease may be renewed for leaseMs after the start of a fence read that said live, and no longer', () => {
    const none = initialMembers(MEMBERSHIP_LIMITS);
    equal(mayRenew(none, 0), false);
    const read = fenceRead(none, 1_000);
    equal(mayRenew(read, 3_999), true);
    equal(mayRenew(read, 4_000), false);
  });
  test('N2: silence is counted while the own lease stands', () => {
    const state = standingUntil(4_000, ['b']);
    deepEqual(asked(state, 3_999), []);
    deepEqual(asked(state, 4_000), ['b']);
    deepEqual(asked(seen(state, record('b'), 2, 3_000), 4_000), []);
    deepEqual(
      asked(seen(state, record('b'), 1, 3_000), 4_000),
      ['b'],
      'the same revision again is no sign of life',
    );
  });
  test('N2: a gap of the own lease starts every silence anew', () => {
    const before = standingUntil(1_000, ['b']);
    deepEqual(asked(before, 20_000), []);
    const after = standingUntil(23_000, [], 20_000, before);
    deepEqual(asked(after, 23_999), []);
    deepEqual(asked(renewed(after, 24_000, 24_000), 24_000), ['b']);
  });
  test('N3: only a silence and a question without a good answer condemn, and only while the own lease stands', () => {
    const { state } = suspects(standingUntil(4_000, ['b']), 4_000);
    equal(answered(state, 'b-1', 'well', 4_500).condemn, false);
    for (const answer of ['silent', 'unwell', 'replaced'] as const) {
      equal(answered(state, 'b-1', answer, 4_500).condemn, true);
      equal(answered(state, 'b-1', answer, 9_000).condemn, false, 'the own lease lapsed meanwhile');
    }
    equal(
      answered(seen(state, record('b'), 2, 4_400), 'b-1', 'silent', 4_500).condemn,
      false,
      'it was heard meanwhile',
    );
    equal(answered(standingUntil(4_000, ['b']), 'b-1', 'silent', 4_500).condemn, false, 'nobody asked');
  });
  test('N4: at most a third of the members is condemned in a minute, then the alarm is up until it passes', () => {
    const nodes = ['b', 'c', 'd', 'e', 'f', 'g'];
    let state = suspects(standingUntil(4_000, nodes), 4_000).state;
    const condemned: string[] = [];
    for (const node of nodes) {
      const result = answered(state, `${node}-1`, 'silent', 4_500);
      state = result.state;
      if (result.condemn) condemned.push(node);
    }
    deepEqual(condemned, ['b', 'c']);
    equal(state.alarm, true);
    state = suspects(standingUntil(65_000, [], 5_000, state), 65_000).state;
    const later = answered(state, 'd-1', 'silent', 65_000);
    equal(later.condemn, true);
    equal(later.state.alarm, false);
  });
  test('whoever an operator had fenced is condemned beyond the limit, and who is heard again ends the alarm', () => {
    const nodes = ['b', 'c', 'd'];
    let state = suspects(standingUntil(4_000, nodes), 4_000).state;
    for (const node of nodes) state = answered(state, `${node}-1`, 'silent', 4_500).state;
    equal(state.alarm, true);
    deepEqual(
      standing(state).map(({ node }) => node),
      ['c', 'd'],
    );
    const without = dismissed(state, 'c-1', 4_600);
    equal(without.alarm, false);
    deepEqual(
      standing(without).map(({ node }) => node),
      ['d'],
    );
    const again = suspects(without, 4_700);
    const held = answered(again.state, 'd-1', 'silent', 4_800).state;
    equal(held.alarm, true, 'the other one is held back still');
    equal(suspects(seen(held, record('d'), 2, 4_900), 4_900).state.alarm, false);
  });
  test('whoever is fenced before it was heard of stays condemned when its key comes late', () => {
    const state = dismissed(standingUntil(0, ['b']), 'z-1', 0);
    deepEqual(standing(seen(state, record('z'), 1, 100)).length, 1);
  });
  test('operators are told of everybody: how long ago, and whether the lease has ended', () => {
    const state = dismissed(
      metInRows(standingUntil(1_000, ['b', 'c']), new Set(['z.7']), 1_000),
      'c-1',
      1_000,
    );
    deepEqual(
      peersOf(seen(state, record('b'), 2, 3_500), 4_000).map((peer) => [
        peer.record.incarnation,
        peer.heardAgoMs,
        peer.overdue,
        peer.standing,
        peer.from,
      ]),
      [
        ['b-1', 500, false, 'heard', 'board'],
        ['c-1', 4_000, true, 'condemned', 'board'],
        ['z.7', 3_000, true, 'heard', 'row'],
      ],
    );
  });
  test('a key that vanished says nothing of a node that did not say it leaves', () => {
    const state = standingUntil(0, ['b']);
    equal(gone(state, 'b-1').others.size, 1);
    equal(gone(seen(state, record('b', 'leaving'), 2, 0), 'b-1').others.size, 0);
  });
  test('the smallest incarnation that is heard plans', () => {
    const state = standingUntil(4_000, ['a', 'c']);
    equal(isPlanner(state, 'b-1', 3_999), false);
    equal(isPlanner(state, 'b-1', 4_000), true, 'a is silent');
    equal(isPlanner(state, 'b-1', 7_000), false, 'the own lease lapsed');
  });
  test('N3: an owner that is on no board is asked after silence, by the node it is named after, and may be condemned', () => {
    const met = metInRows(standingUntil(1_000, ['b']), new Set(['z.7']), 1_000);
    const later = standingUntil(5_000, [], 1_000, met);
    deepEqual(
      suspects(later, 5_000).ask.map(({ record: { node, incarnation } }) => [node, incarnation]),
      [
        ['b', 'b-1'],
        ['z', 'z.7'],
      ],
    );
    const { state } = suspects(later, 5_000);
    equal(answered(state, 'z.7', 'well', 5_000).condemn, false);
    equal(answered(state, 'z.7', 'silent', 5_000).condemn, true);
  });
  test('a member that is new finds room where another was condemned, and none among the living', () => {
    const limits = { ...MEMBERSHIP_LIMITS, membersMax: 2 };
    const two = standingUntil(4_000, ['b', 'c'], 0, initialMembers(limits));
    deepEqual([...seen(two, record('d'), 1, 4_000).others.keys()], ['b-1', 'c-1']);
    const { state } = answered(suspects(two, 4_000).state, 'b-1', 'silent', 4_000);
    deepEqual([...seen(state, record('d'), 1, 4_000).others.keys()], ['c-1', 'd-1']);
  });
  test('who was only met in a row is no member: it plans nothing and is given nothing', () => {
    const state = metInRows(standingUntil(1_000, ['b']), new Set(['a-0']), 1_000);
    equal(isPlanner(state, 'a-1', 1_000), true);
    deepEqual(
      standing(state).map(({ node }) => node),
      ['b'],
    );
    deepEqual([...readyIncarnations(state).keys()], ['b']);
    const gone = metInRows(state, new Set(), 2_000);
    deepEqual([...gone.others.keys()], ['b-1'], 'and is forgotten with its row');
    const heard = seen(state, record('a-0'), 0, 2_000);
    equal(heard.others.get('a-0-1')?.from, 'board');
  });
  for (const [members, max] of [
    [1, 1],
    [2, 1],
    [3, 1],
    [5, 1],
    [6, 2],
    [30, 10],
  ] as const) {
    test(`of ${members} members ${max} may be fenced in a minute`, () => {
      equal(fencesMaxPerMinute(members, 1 / 3), max);
    });
  }
});

describe('what stands on the board', () => {
  test('a member and a placement are read as they were written', () => {
    deepEqual(decodeMember(encodeMember(record('a', 'draining'))), record('a', 'draining'));
    const placement = { version: 3, role: 'core', owners: ['b', undefined, 'a', 'b'] };
    deepEqual(decodePlacement(encodePlacement(placement), 4), placement);
  });
  test('what can not be understood, or is for another number of shards, is taken as absent', () => {
    equal(decodeMember(new Uint8Array([255, 255, 1])), undefined);
    equal(decodeMember(new Uint8Array()), undefined);
    equal(decodePlacement(encodePlacement({ version: 1, role: 'core', owners: ['a'] }), 2), undefined);
    equal(decodePlacement(new Uint8Array([255]), 1), undefined);
  });
});
