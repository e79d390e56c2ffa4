// A server of its own that is set up wrong at first, and whose disk is looked at.

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import cassandra from 'cassandra-driver';
import type { StarlingError } from '../../runtime/errors.ts';
import { FIRST_EPOCH, firstTimestamp } from '../../runtime/timestamp.ts';
import { type CassandraServer, dataCenter, startCassandra } from '../../tools/dev/cassandra.ts';
import { systemClock } from '../clock/index.ts';
import { openCassandra, openSchema } from './index.ts';

const keyspace = 'starling_disk';
const ts = (count: number): bigint => firstTimestamp(FIRST_EPOCH) + BigInt(count);

/** Bytes of the tables of the keyspace on disk. */
async function bytesOnDisk(server: CassandraServer): Promise<number> {
  const root = join(server.directory, 'data', keyspace);
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile() && file.name.endsWith('Data.db'))
    .map((file) =>
      stat(join(file.parentPath, file.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

describe('Cassandra with the periodic commit log', () => {
  let server: CassandraServer;
  const options = () => ({ contactPoints: [server.address], dataCenter, keyspace, clock: systemClock() });

  before(async () => {
    server = await startCassandra({ commitLogSync: 'periodic' });
    const schema = await openSchema(options());
    await schema.apply({ keyspace, dataCenters: { [dataCenter]: 1 }, stripes: 2 });
    await schema.close();
  });
  after(() => server.dispose());

  test('N1: it is refused, with the setting and the node named, unless that is allowed', async () => {
    await rejects(openCassandra(options()), (error: StarlingError) => {
      equal(error.metadata['reason'], 'UNSAFE_COMMIT_LOG');
      match(error.message, /127\.0\.0\.1.*commitlog_sync: periodic.*Set commitlog_sync: group/);
      return true;
    });
    const lines: string[] = [];
    const onLog = (line: string): void => void lines.push(line);
    const database = await openCassandra({ ...options(), allowUnsafeCommitLog: true, onLog });
    match(lines.join(), /commitlog_sync: periodic/);
    await database.close();
  });

  test('what was trimmed gives its disk back when it is compacted, what was not stays', async () => {
    const database = await openCassandra({ ...options(), allowUnsafeCommitLog: true });
    const store = database.store();
    const actor = { kind: 'group', key: 'log', shard: 1 };
    // Not compressible.
    const noise = (seq: number) =>
      Buffer.from(Array.from({ length: 1_000 }, (_, at) => (at * at * 7 + seq * 31 * at) & 255));
    for (let from = 1; from <= 8_400; from += 200) {
      const rows = Array.from({ length: 200 }, (_, at) => ({
        seq: from + at,
        ts: ts(from + at),
        value: noise(from + at),
      }));
      await store.commit({ actor, rows });
    }
    await server.nodetool('flush', keyspace);
    const full = await bytesOnDisk(server);
    const head = {
      shard: 1,
      floor: 8_301,
      sealSeq: 8_400,
      sealTs: ts(9_000),
      asOf: 8_400,
      state: Buffer.of(),
    };
    await store.commit({ actor, head: { ...head, ts: ts(9_000) } });
    await store.trim(actor, 8_301, ts(9_001));
    await server.nodetool('flush', keyspace);
    await server.nodetool('compact', keyspace);
    let left = await bytesOnDisk(server);
    // The files that were merged are removed by another thread of the server.
    for (let look = 0; left > full / 5 && look < 10; look += 1) {
      await server.nodetool('info');
      left = await bytesOnDisk(server);
    }
    ok(full > 1_000_000 && left < full / 5, `${full} bytes before, ${left} after`);
    const seqs = (await store.readRows(actor, { from: 1, rowsMax: 200 })).map(({ seq }) => seq);
    deepEqual([seqs.length, seqs[0]], [100, 8_301]);
    await store.close();
    await database.close();
  });

  test('a schema of a later release is refused, by the store and by apply', async () => {
    const client = new cassandra.Client({ contactPoints: [server.address], localDataCenter: dataCenter });
    await client.execute(
      `UPDATE ${keyspace}.facts SET value = '99' WHERE name = 'schema_version' IF value = '1'`,
    );
    await client.shutdown();
    await rejects(openCassandra(options()), {
      code: 'VERSION_TOO_NEW',
      metadata: { reason: 'SCHEMA_TOO_NEW' },
    });
    const schema = await openSchema(options());
    const wanted = { keyspace, dataCenters: { [dataCenter]: 1 } };
    await rejects(schema.apply(wanted), { code: 'VERSION_TOO_NEW' });
    equal((await schema.status(keyspace)).found, 99);
    await schema.close();
  });
});
