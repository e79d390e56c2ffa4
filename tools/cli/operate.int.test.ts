// What an operator does to a real cluster, by the command line alone: schema, status, drain, restart, remove.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type LocalCluster, startLocalCluster } from '../dev/local-cluster/index.ts';
import type { Io } from './io.ts';
import { run } from './program.ts';

describe('a cluster of three nodes, NATS and Cassandra', () => {
  let cluster: LocalCluster;
  let home: string;
  let token: string;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'starling-operate-'));
    cluster = await startLocalCluster({ nodes: 3, cassandraNodes: 1, shards: 64 });
    token = await cluster.adminToken();
  });
  after(async () => {
    await cluster?.close();
    await rm(home, { recursive: true, force: true });
  });

  async function cli(environment: Record<string, string>, args: readonly string[]) {
    let out = '';
    let err = '';
    const io: Io = {
      out: (text) => {
        out += text;
      },
      drained: async () => undefined,
      err: (text) => {
        err += text;
      },
      outTty: false,
      errTty: false,
      columns: 100,
      environment: { XDG_CONFIG_HOME: home, ...environment },
      now: () => Date.now(),
      monotonic: () => performance.now(),
      self: 'starling',
      interruption: () => new AbortController().signal,
    };
    const code = await run(args, io);
    return { code, out, err };
  }

  /** Asks the first node. */
  const ask = (...args: readonly string[]) => {
    const [first] = cluster.nodes;
    return cli({ STARLING_ADDRESS: first?.address ?? '', STARLING_TOKEN: token }, args);
  };

  const schema = (...args: readonly string[]) => {
    const points = cluster.cassandra.map(({ address }) => address).join(',');
    return cli({ STARLING_CASSANDRA_CONTACT_POINTS: points }, ['schema', ...args]);
  };

  async function settled(members: number): Promise<void> {
    const { code, out, err } = await ask(
      'cluster',
      'status',
      '--wait',
      '60s',
      '--members',
      `${members}`,
      '-o',
      'json',
    );
    assert.equal(code, 0, `${err}\n${out}`);
    assert.equal((JSON.parse(out) as { members: unknown[] }).members.length, members);
  }

  test('a keyspace is planned, made, and stated; what is there is not changed by the way', async () => {
    const other = ['--keyspace', 'other'];
    const missing = await schema('status', ...other);
    assert.deepEqual([missing.code, missing.err], [1, 'error: other: the keyspace is not there.\n']);
    const bare = await schema('plan', ...other);
    assert.equal(bare.code, 2);
    assert.match(bare.err, /say how many copies each data centre keeps/);
    const plan = await schema('plan', ...other, '--replication', 'dc1=1', '--stripes', '4');
    assert.match(plan.out, /^-- 0: keyspace with 4 stripes\nCREATE KEYSPACE IF NOT EXISTS other\n/);
    const dry = await schema('apply', '--dry-run', ...other, '--replication', 'dc1=1', '--stripes', '4');
    assert.equal(dry.out, plan.out);
    assert.equal((await schema('status', ...other)).code, 1, 'nothing was changed');
    const applied = await schema('apply', ...other, '--replication', 'dc1=1', '--stripes', '4');
    assert.equal(applied.code, 0, applied.err);
    const status = await schema('status', ...other, '-o', 'json');
    const { state, stripes, replication } = JSON.parse(status.out) as Record<string, unknown>;
    assert.deepEqual([status.code, state, stripes, replication], [0, 'current', 4, { dc1: 1 }]);
    const again = await schema('apply', ...other);
    assert.equal(again.out, 'other is up to date: nothing was to be done.\n');
    for (const wrong of [
      ['--replication', 'dc1=3'],
      ['--stripes', '8'],
    ])
      assert.equal((await schema('apply', ...other, ...wrong)).code, 2);
  });

  test('Cassandra that is not there, or not named, is told apart', async () => {
    const away = await cli({}, ['schema', 'status', '--cassandra', '127.0.0.1:1']);
    assert.equal(away.code, 3);
    assert.match(away.err, /Cassandra at 127\.0\.0\.1:1 can't be reached/);
    const unnamed = await cli({}, ['schema', 'status']);
    assert.equal(unnamed.code, 2);
    assert.match(unnamed.err, /Where is Cassandra\?/);
  });

  test('all is well: three members of one release, every shard where it is meant to be', async () => {
    await settled(3);
    const { out } = await ask('cluster', 'status');
    assert.match(out, /shards +64 of 64 served\n/);
    assert.match(out, /nats +ok\n/);
    assert.match(out, /cassandra +ok\n/);
    const shown = await ask('shard', 'show', '--actor', 'user/main/alice');
    assert.match(shown.out, /owner n\d\.[0-9a-f]{16}, which may serve/);
  });

  test('a node is drained over another one, restarted, and has shards again', async () => {
    const drained = await ask('node', 'drain', 'n2');
    assert.equal(drained.code, 0, drained.err);
    assert.match((await ask('node', 'show', 'n2')).out, /state +drained/);
    const n2 = cluster.nodes[1];
    await n2?.stop();
    await n2?.start();
    await settled(3);
    assert.match((await ask('node', 'show', 'n2')).out, /state +ready/);
  });

  test('a drained node is removed and ends, a dead one is removed at once, and all shards stay served', async () => {
    assert.equal((await ask('node', 'remove', 'n3')).code, 4, 'it serves');
    assert.equal((await ask('node', 'drain', 'n3')).code, 0);
    const removed = await ask('node', 'remove', 'n3');
    assert.deepEqual([removed.code, removed.err], [0, '']);
    // Whatever supervises it is told to leave it alone, as an operator would.
    await cluster.nodes[2]?.stop();
    await settled(2);
    await cluster.nodes[1]?.kill();
    const forced = await ask('node', 'remove', 'n2', '--force');
    assert.equal(forced.code, 0, forced.err);
    await settled(1);
    assert.match((await ask('shard', 'list', '--only', 'unserved')).out, /^0 of 64 shards/);
  });
});
