// What the tests against a real server share. Owns: one server for all of them, one keyspace, numbers for shares of it.

import { after, before } from 'node:test';
import { dataCenter, startCluster } from '../../../tools/dev/cassandra.ts';
import { systemClock } from '../../clock/index.ts';
import { type CassandraDatabase, openCassandra, openSchema } from '../index.ts';

/** Few, so that many commits of a test share requests. */
const stripes = 8;

export interface Fixture {
  /** Open for all tests. */
  database(): CassandraDatabase;
  /** A number that no other test has. */
  share(): number;
}

/**
 * Starts a server before the first test of the file, or takes the one of STARLING_TEST_CASSANDRA (host:port). With several
 * nodes each has a copy of everything.
 */
export function useCassandra(nodes = 1): Fixture {
  const keyspace = `starling_test_${process.pid}`;
  const given = nodes === 1 ? process.env['STARLING_TEST_CASSANDRA'] : undefined;
  let database: CassandraDatabase | undefined;
  let close = async (): Promise<void> => {};
  let shares = 0;
  before(async () => {
    const servers = given === undefined ? await startCluster(nodes) : [];
    close = async () => {
      await Promise.all(servers.map((server) => server.dispose()));
    };
    const contactPoints = given === undefined ? servers.map((server) => server.address) : [given];
    const options = { contactPoints, dataCenter };
    const schema = await openSchema(options);
    await schema
      .apply({ keyspace, dataCenters: { [dataCenter]: nodes }, stripes })
      .finally(() => schema.close());
    database = await openCassandra({ ...options, keyspace, clock: systemClock() });
  });
  after(async () => {
    await database?.close();
    await close();
  });
  return {
    database: () => known(database),
    share: () => {
      shares += 1;
      return shares;
    },
  };
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the server is not up yet');
  return value;
}
