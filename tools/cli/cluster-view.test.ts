import assert from 'node:assert/strict';
import test from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  DrainNodeResponseSchema,
  GetClusterResponseSchema,
  GetNodeResponseSchema,
  MemberReach,
  MemberState,
  RemoveAction,
  RemoveNodeResponseSchema,
} from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { clusterView, drainPlan, membersView, memberView, removePlan, shardList } from './cluster-view.ts';

const options = { self: 'starling' };

const well = (node: string, more: object = {}) => ({
  ...{ node, incarnation: `${node}.00000000000000a1`, address: `http://${node}:7700`, version: '0.1.0' },
  ...{ wireMin: 1, wireMax: 2, role: 'core', weight: 1, state: MemberState.READY, reach: MemberReach.WELL },
  ...{ answered: true, lease: true, leaseAgeMs: 420n, placementVersion: 7n, uptimeMs: 273_840_000n },
  ...{ shardsServing: 1_365, shardsDesired: 1_365 },
  ...more,
});

const silent = well('c', {
  ...{ reach: MemberReach.SILENT, answered: false, lease: false, leaseAgeMs: 9_300n, uptimeMs: 0n },
});

const problems = [
  {
    reason: 'SHARD_UNSERVED',
    text: '1365 shards (2, 5, 9, 11, 12, …) of 4096 are served by nobody that answers.',
    help: 'They are taken over within seconds.',
  },
  { reason: 'MEMBER_SILENT', text: 'c does not answer.', help: 'starling node remove c' },
];

test('a cluster: what is wrong stands first with what to do, then the facts, then the members', () => {
  const answer = create(GetClusterResponseSchema, {
    ...{ cluster: 'starling', role: 'core', answeredBy: 'a', problems },
    members: [well('a', { planner: true, leaseAgeMs: 0n }), well('b', { shardsClaiming: 2 }), silent],
    ...{ shardsTotal: 4_096, shardsServed: 2_731, shardsUnserved: 1_365, shardsMoving: 3 },
    placementVersion: 7n,
    dependencies: [
      { name: 'nats', ok: true, detail: 'ok' },
      { name: 'cassandra', ok: true, detail: 'ok' },
    ],
  });
  assert.equal(
    clusterView(answer, options),
    `! SHARD_UNSERVED  1365 shards (2, 5, 9, 11, 12, …) of 4096 are served by nobody that answers.
  They are taken over within seconds.
! MEMBER_SILENT  c does not answer.
  starling node remove c

cluster    starling, role core, seen by a
shards     2,731 of 4,096 served, 1,365 not served, 3 to be moved
placement  version 7
nats       ok
cassandra  ok

NODE  STATE           ANSWERS  SERVING  DESIRED  MOVING       LEASE  VERSION     UP  ADDRESS
a     ready, planner  well       1,365    1,365       0         0ms  0.1.0    3d 4h  http://a:7700
b     ready           well       1,365    1,365      +2       420ms  0.1.0    3d 4h  http://b:7700
c     ready           silent     1,365    1,365       0  lost, 9.3s  0.1.0        ?  http://c:7700
`,
  );
});

test('a cluster that is well says what to look at next; a node on its own is no cluster', () => {
  const good = create(GetClusterResponseSchema, {
    ...{ cluster: 'starling', role: 'core', answeredBy: 'a', members: [well('a'), well('b')] },
    ...{ shardsTotal: 4_096, shardsServed: 4_096 },
  });
  assert.match(clusterView(good, options), /^cluster .*\n\nnext: starling node list\n$/s);
  const alone = create(GetClusterResponseSchema, {
    ...{ answeredBy: 'local', members: [well('local')], shardsTotal: 8, shardsServed: 8 },
    dependencies: [{ name: 'lmdb', ok: true, detail: 'ok' }],
  });
  assert.match(clusterView(alone, options), /cluster {2}none: a node on its own, seen by local/);
  assert.match(clusterView(alone, options), /lmdb {5}ok/);
});

test('the list of members shows each process by its incarnation', () => {
  const answer = create(GetClusterResponseSchema, { members: [well('a'), silent], problems });
  const view = membersView(answer, options);
  assert.match(view, /^! SHARD_UNSERVED/);
  assert.match(view, /WEIGHT {2}WIRE {2}INCARNATION/);
  assert.match(view, /c\.00000000000000a1/);
  assert.match(view, /next: starling node show a\n$/);
});

test('a member: where its facts are from, and what may be done next', () => {
  const answer = create(GetNodeResponseSchema, {
    member: well('b', {
      ...{ state: MemberState.DRAINING, shardsServing: 2, shardsDraining: 2, shardsWaiting: 1 },
      refusedShards: [17],
      dependencies: [{ name: 'nats', ok: false, detail: 'The calls connection to NATS is down.' }],
    }),
    serving: [4, 9],
    missing: Array.from({ length: 20 }, (_, shard) => shard),
    answeredBy: 'a',
  });
  assert.equal(
    memberView(answer, options),
    `node         b  http://b:7700
incarnation  b.00000000000000a1
state        draining, well (it answered a)
version      0.1.0, wire 1 to 2
up           3d 4h
role         core, weight 1
lease        420ms
placement    version 7
serves       2: 4, 9
desired      1,365
lacks        20: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …
moving       -2
waits for    1
refused      1: 17
nats         The calls connection to NATS is down.
`,
  );
  const drained = create(GetNodeResponseSchema, {
    member: well('b', { state: MemberState.DRAINING, shardsServing: 0 }),
  });
  assert.match(memberView(drained, options), /state +drained, well/);
  assert.match(memberView(drained, options), /next: starling node remove b, or starling node uncordon b\n$/);
  assert.match(
    memberView(create(GetNodeResponseSchema, { member: well('b') }), options),
    /next: starling node drain b --dry-run\n$/,
  );
  const gone = memberView(create(GetNodeResponseSchema, { member: silent, answeredBy: 'a' }), options);
  assert.match(gone, /silent \(announced last; heard by a\)/);
  assert.match(gone, /up +not known/);
});

test('a dry run says what would be done, and what would come of it', () => {
  const moves = [
    { toNode: 'a', shards: 700 },
    { toNode: 'c', shards: 665 },
  ];
  const drain = create(DrainNodeResponseSchema, { member: well('b'), moves, changed: true });
  assert.equal(drainPlan('b', drain), 'b would give away 1,365 shards: 700 to a, 665 to c.\n');
  assert.match(drainPlan('b', { ...drain, changed: false }), /is draining already/);
  const stop = create(RemoveNodeResponseSchema, { member: well('b'), action: RemoveAction.STOP });
  assert.equal(removePlan('b', stop), 'b serves nothing and would be stopped.\n');
  const fence = create(RemoveNodeResponseSchema, { member: well('b'), action: RemoveAction.FENCE });
  assert.match(removePlan('b', fence), /b\.0+a1 would be fenced: it never serves again/);
  assert.match(removePlan('b', fence), /It runs and serves 1,365 shards.*Nothing acknowledged is lost\.\n$/);
  const dead = create(RemoveNodeResponseSchema, { member: silent, action: RemoveAction.FENCE });
  assert.match(removePlan('c', dead), /Its process does not answer\./);
});

test('shards are counted and the first ones named', () => {
  assert.equal(shardList([]), 'none');
  assert.equal(shardList([3]), '1: 3');
});
