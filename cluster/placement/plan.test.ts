import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type PlanMember, planShards, shareOf } from './index.ts';

const SHARDS = 512;
const FACTOR = 1.25;

function member(node: string, weight = 1): PlanMember {
  return { node, weight, state: 'ready', roles: ['core'] };
}

function plan(members: readonly PlanMember[], former: readonly (string | undefined)[] = [], shards = SHARDS) {
  return planShards({ role: 'core', members, shards, former, boundFactor: FACTOR });
}

function loads(owners: readonly (string | undefined)[]): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return counts;
}

function checkBounds(members: readonly PlanMember[], owners: readonly (string | undefined)[]): void {
  const ready = members.filter(({ state }) => state === 'ready');
  const total = ready.reduce((sum, { weight }) => sum + weight, 0);
  const counts = loads(owners);
  equal(counts.get(undefined), undefined);
  for (const { node, weight } of ready) {
    const share = shareOf(weight, total, owners.length);
    const load = counts.get(node) ?? 0;
    ok(load <= Math.ceil(FACTOR * share), `${node} has ${load}, share ${share}`);
    ok(load >= Math.floor(share / FACTOR), `${node} has ${load}, share ${share}`);
  }
}

const clusters = fc
  .uniqueArray(
    fc.record({ node: fc.string({ minLength: 1, maxLength: 8 }), weight: fc.integer({ min: 1, max: 4 }) }),
    {
      minLength: 2,
      maxLength: 9,
      selector: ({ node }) => node,
    },
  )
  .map((all) => all.map(({ node, weight }) => member(node, weight)));

describe('the plan of shards', () => {
  test('P1, P2: every shard has an owner, and each load lies between share / 1.25 and share * 1.25', () => {
    fc.assert(
      fc.property(clusters, (members) => checkBounds(members, plan(members))),
      { numRuns: 60 },
    );
  });
  test('P3: a member that leaves moves only its own shards', () => {
    fc.assert(
      fc.property(clusters, fc.nat(), (members, pick) => {
        const before = plan(members);
        const gone = members[pick % members.length]?.node;
        const rest = members.filter(({ node }) => node !== gone);
        const after = plan(rest, before);
        checkBounds(rest, after);
        const moved = before.filter((owner, shard) => owner !== gone && after[shard] !== owner).length;
        // Rounding of each bound may cost one shard a member.
        ok(moved <= rest.length, `${moved} of others moved`);
      }),
      { numRuns: 60 },
    );
  });
  test('P3: a member that joins moves only what it takes, and at most its share', () => {
    fc.assert(
      fc.property(clusters, fc.integer({ min: 1, max: 4 }), (members, weight) => {
        const before = plan(members);
        const all = [...members, member('the new one', weight)];
        const after = plan(all, before);
        checkBounds(all, after);
        const elsewhere = after.filter(
          (owner, shard) => owner !== before[shard] && owner !== 'the new one',
        ).length;
        ok(elsewhere <= all.length, `${elsewhere} moved between others`);
        const total = all.reduce((sum, each) => sum + each.weight, 0);
        ok((loads(after).get('the new one') ?? 0) <= Math.ceil(shareOf(weight, total, SHARDS)));
      }),
      { numRuns: 60 },
    );
  });
  test('P4: the order of members does not matter, and a plan of its own result changes nothing', () => {
    fc.assert(
      fc.property(clusters, clusters, (members, earlier) => {
        const former = plan(earlier);
        const once = plan(members, former);
        deepEqual(plan([...members].reverse(), former), once);
        deepEqual(plan(members, once), once);
      }),
      { numRuns: 60 },
    );
  });
  test('a chain of joins and leaves keeps the bounds at every link', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 12 }), (toggles) => {
        const present = new Set(['n0', 'n8']);
        let owners = plan([...present].map((node) => member(node)));
        for (const toggle of toggles) {
          const node = `n${toggle + 1}`;
          if (!present.delete(node)) present.add(node);
          if (present.size === 0) present.add('n0');
          const members = [...present].map((each) => member(each));
          owners = plan(members, owners);
          checkBounds(members, owners);
        }
      }),
      { numRuns: 40 },
    );
  });
  test('draining and leaving members, and those of other roles, have no shards', () => {
    const members: PlanMember[] = [
      member('a'),
      { ...member('b'), state: 'draining' },
      { ...member('c'), state: 'leaving' },
      { ...member('d'), roles: ['acme'] },
    ];
    deepEqual([...loads(plan(members)).keys()], ['a']);
    deepEqual([...loads(planShards({ role: 'acme', members, shards: 8, former: [] })).keys()], ['d']);
    deepEqual(planShards({ role: 'none', members, shards: 2, former: ['a', 'a'] }), [undefined, undefined]);
  });
});
