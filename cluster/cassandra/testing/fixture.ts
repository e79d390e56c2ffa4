// What the tests against a real server share. Owns: one server for all of them, one keyspace, numbers for shares of it.

import { after, before } from 'node:test';
import { dataCenter, startCassandra } from '../../../tools/dev/cassandra.ts';
import { systemClock } from '../../clock/index.ts';
import { type CassandraDatabase, openCassandra, openSchema } from '../index.ts';

/** Few, so that many commits of a test share requests. */
const stripes = 8;

export interface Fixture {
  /** `host:port`. */
  address(): string;
  /** Open for all tests. */
  database(): CassandraDatabase;
  /** A number that no other test has. */
  share(): number;
  readonly keyspace: string;
}

/** Starts a server before the first test of the file, or takes the one of STARLING_TEST_CASSANDRA (host:port). */
export function useCassandra(): Fixture {
  const keyspace = `starling_test_${process.pid}`;
  const given = process.env['STARLING_TEST_CASSANDRA'];
  let address: string | undefined;
  let database: CassandraDatabase | undefined;
  let close = async (): Promise<void> => {};
  let shares = 0;
  before(async () => {
    const server = given === undefined ? await startCassandra() : undefined;
    close = async () => server?.dispose();
    address = server?.address ?? given;
    const options = { contactPoints: [address ?? ''], dataCenter };
    const schema = await openSchema(options);
    await schema.apply({ keyspace, dataCenters: { [dataCenter]: 1 }, stripes });
    await schema.close();
    database = await openCassandra({ ...options, keyspace, clock: systemClock() });
  });
  after(async () => {
    await database?.close();
    await close();
  });
  return {
    keyspace,
    address: () => known(address),
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
