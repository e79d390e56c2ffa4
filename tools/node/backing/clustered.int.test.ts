// What a member of a cluster refuses, says and survives, against a real nats-server and a real Cassandra.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCassandra, openSchema } from '../../../cluster/cassandra/index.ts';
import { systemClock } from '../../../cluster/clock/index.ts';
import { eventually } from '../../../cluster/nats/testing/eventually.ts';
import { type CassandraServer, dataCenter, startCassandra } from '../../dev/cassandra.ts';
import { type NatsServer, runNatsServer } from '../../dev/nats-server.ts';
import { defaultConfig } from '../config.ts';
import type { StartError } from '../errors.ts';
import type { LogEntry } from '../log.ts';
import { type RunningNode, startNode } from '../node.ts';
import type { NodeConfig } from '../settings.ts';

const SHARDS = 16;
/** Until a server that was started again is used again, milliseconds. */
const RETURN_MS_MAX = 60_000;

describe('a member of a cluster', () => {
  let directory = '';
  let cassandra: CassandraServer;
  let nats: NatsServer;
  const log: LogEntry[] = [];
  const nodes = new Set<RunningNode>();

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'starling-member-'));
    [cassandra, nats] = await Promise.all([startCassandra({ heapMiB: 512 }), runNatsServer()]);
    await makeKeyspace('starling');
  });
  after(async () => {
    await Promise.all([...nodes].map((node) => node.stop()));
    await Promise.all([cassandra.dispose(), nats.stop()]);
    await rm(directory, { recursive: true });
  });

  async function makeKeyspace(keyspace: string): Promise<void> {
    const schema = await openSchema({ contactPoints: [cassandra.address], dataCenter });
    await schema
      .apply({ keyspace, dataCenters: { [dataCenter]: 1 }, stripes: 4 })
      .finally(() => schema.close());
  }

  function configOf(name: string, overrides: Partial<NodeConfig> = {}): NodeConfig {
    return defaultConfig({
      data: join(directory, name),
      'node.name': name,
      'nats.servers': nats.url,
      'cassandra.contact_points': cassandra.address,
      'cluster.shards': SHARDS,
      'auth.key_file': join(directory, 'key.json'),
      'http.port': 0,
      'grpc.port': 0,
      'web.enabled': false,
      'start.wait_ms': 0,
      'stop.drain_ms': 5_000,
      'stop.grace_ms': 500,
      ...overrides,
    });
  }

  async function start(name: string, overrides: Partial<NodeConfig> = {}): Promise<RunningNode> {
    const node = await startNode(configOf(name, overrides), { log: (entry) => log.push(entry) });
    nodes.add(node);
    void node.ended.then(() => nodes.delete(node));
    return node;
  }

  async function refusal(name: string, overrides: Partial<NodeConfig>): Promise<string> {
    try {
      const node = await start(name, overrides);
      await node.stop();
    } catch (error) {
      assert.equal((error as Error).name, 'StartError', String(error));
      const { message, hint } = error as StartError;
      return `${message} ${hint}`;
    }
    return 'it started';
  }

  test('is refused with another number of shards than its keyspace was made for, and told which', async () => {
    const first = await start('a');
    await first.stop();
    assert.match(await refusal('b', { 'cluster.shards': 32 }), /made for 16 shards.*cluster\.shards=16/);
  });

  test('is refused in a keyspace that places keys by another version', async () => {
    await makeKeyspace('other_placement');
    const open = { contactPoints: [cassandra.address], dataCenter, keyspace: 'other_placement' };
    const database = await openCassandra({ ...open, clock: systemClock() });
    await database.agree({ shards: `${SHARDS}`, placement_version: '999' });
    await database.close();
    const said = await refusal('b', { 'cassandra.keyspace': 'other_placement' });
    assert.match(said, /places keys by version 999/);
  });

  test('is told how to make a keyspace that is not there', async () => {
    assert.match(await refusal('b', { 'cassandra.keyspace': 'nothing' }), /starling schema apply/);
  });

  test('is told what can not be reached, Cassandra or NATS', async () => {
    assert.match(
      await refusal('b', { 'cassandra.contact_points': '127.0.0.1:1' }),
      /Cassandra.*contact_points/,
    );
    assert.match(await refusal('b', { 'nats.servers': 'nats://127.0.0.1:1' }), /NATS.*nats\.servers/);
  });

  test('is told that NATS does not know it', async () => {
    const guarded = await runNatsServer({ config: 'authorization { user: right, password: right }' });
    try {
      const wrong = { 'nats.servers': guarded.url, 'nats.user': 'left', 'nats.password': 'left' };
      assert.match(await refusal('b', wrong), /NATS.*nats\.\*/s);
    } finally {
      await guarded.stop();
    }
  });

  test('is refused while another process runs under its name', async () => {
    const first = await start('a');
    const again = await refusal('a', { data: join(directory, 'a2') });
    assert.match(again, /A node named a runs at http/);
    await first.stop();
  });

  test('stays ready and says so when NATS is gone with all it held, and the board is made again', async () => {
    const [a, b] = await Promise.all([start('a'), start('b')]);
    assert.deepEqual(a.health(), { ok: true, detail: 'ok' });
    await nats.signal('SIGKILL');
    await eventually('it says that NATS is gone', () => /NATS/.test(a.health().detail) && a.health().ok);
    await nats.restart({ forget: true });
    await eventually('both are well again', () => a.health().detail === 'ok' && b.health().detail === 'ok');
    await Promise.all([a.stop(), b.stop()]);
  });

  test('says that Cassandra is away, and goes on when it is back', async () => {
    const node = await start('a');
    await cassandra.kill();
    await eventually(
      'it says that Cassandra is away',
      () => !node.health().ok && /Cassandra/.test(node.health().detail),
    );
    await cassandra.start();
    await eventually('it is ready again', () => node.health().ok, RETURN_MS_MAX);
    await node.stop();
  });

  test('ends as fenced when another node took its shards over, and a new process takes its place', async () => {
    const open = { contactPoints: [cassandra.address], dataCenter, keyspace: 'starling' };
    const database = await openCassandra({ ...open, clock: systemClock() });
    const table = database.shards();
    const owners = (): Promise<(string | undefined)[]> =>
      Promise.all(Array.from({ length: SHARDS }, async (_, shard) => (await table.readOwner(shard))?.owner));
    // Rows still name processes of the tests before.
    const former = new Set(await owners());
    const node = await start('a');
    const incarnation = await eventually('it owns a shard', async () =>
      (await owners()).find((owner) => owner !== undefined && !former.has(owner)),
    );
    await table.fence(incarnation);
    await database.close();
    assert.equal(await node.ended, 'fenced');
    const next = await start('a');
    await eventually('it is ready', () => next.health().ok);
    await next.stop();
  });
});
