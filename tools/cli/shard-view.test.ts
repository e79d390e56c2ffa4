import assert from 'node:assert/strict';
import test from 'node:test';
import { create } from '@bufbuild/protobuf';
import { GetShardResponseSchema, ShardSummarySchema } from '../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { shardState, shardsView, shardView } from './shard-view.ts';

const options = { self: 'starling' };
const shard = (number: number, desiredNode: string, servingNodes: string[], refusingNodes: string[] = []) =>
  create(ShardSummarySchema, { shard: number, desiredNode, servingNodes, refusingNodes });

test('a shard is served, moving, unserved or refused', () => {
  assert.deepEqual(
    [shard(1, 'a', ['a']), shard(2, 'a', ['b']), shard(3, 'a', []), shard(4, 'a', ['b'], ['a'])].map(
      shardState,
    ),
    ['served', 'moving', 'unserved', 'refused'],
  );
  assert.equal(shardState(shard(5, '', ['a'])), 'served', 'no plan is known');
});

test('a list of shards ends with how many there are and the first that is not served where it should be', () => {
  assert.equal(
    shardsView({ shards: [shard(9, 'a', ['a']), shard(10, 'b', ['a'])], total: 4_096 }, options),
    `SHARD  STATE   DESIRED  SERVED BY
    9  served  a        a
   10  moving  b        a

2 of 4,096 shards

next: starling shard show 10
`,
  );
  assert.equal(shardsView({ shards: [], total: 4_096 }, options), '0 of 4,096 shards\n');
});

test('a shard shows its row and whether the owner may serve', () => {
  const answer = create(GetShardResponseSchema, {
    shard: shard(17, 'b', []),
    row: { epoch: 65_600n, owner: 'c.00000000000000a1', ownerNode: 'c', ownerLive: false },
    problems: [
      { reason: 'SHARD_UNSERVED', text: 'shard 17 of 64 is served by nobody.', help: 'Look again.' },
    ],
  });
  assert.equal(
    shardView(answer, options),
    `! SHARD_UNSERVED  shard 17 of 64 is served by nobody.
  Look again.

shard      17, unserved
desired    b
served by  nobody that answers
row        epoch 65600, owner c.00000000000000a1, which is fenced

next: starling node show c
`,
  );
});

test('a row that is not there and one that can not be read are told apart', () => {
  const none = create(GetShardResponseSchema, { shard: shard(1, '', []) });
  assert.match(shardView(none, options), /row +none: it never had an owner/);
  assert.match(shardView(none, options), /desired +no plan is known/);
  assert.match(
    shardView({ ...none, rowProblem: 'No answer.' }, options),
    /row +can not be read: No answer\./,
  );
});
