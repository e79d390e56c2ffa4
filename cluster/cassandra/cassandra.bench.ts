// Rows a second of the driver beside the bare library, on one server, in one run.
// `node cluster/cassandra/cassandra.bench.ts [seconds an arm] [rounds]`; STARLING_TEST_CASSANDRA names a running server.
//
// All arms write rows of 200 bytes for 20,000 users. `single` is what a timeline without groups does: one insert a row, a
// partition for each user. `partitions` are unlogged batches over many such partitions, `stripe` batches within one partition.
// `driver` is a fan-out: one commit of one row for each of 1,000 users, some fan-outs at once. Arms take turns; the figure
// is the median of the rounds.

import cassandra from 'cassandra-driver';
import { dataCenter, startCassandra } from '../../tools/dev/cassandra.ts';
import { systemClock } from '../clock/index.ts';
import { openCassandra, openSchema } from './index.ts';

const users = 20_000;
const receivers = 1_000;
const value = Buffer.alloc(200, 7);
const keyspace = 'starling_bench';

interface Arm {
  readonly name: string;
  /** Callers that wait for one call each. */
  readonly callers: number;
  /** Writes some rows; returns how many. */
  readonly call: () => Promise<number>;
}

/** Draws what is different in each row. */
class Rows {
  #ts = 1n << 53n;
  #next = 0;

  next(): { readonly ts: bigint; readonly key: string; readonly seq: number } {
    this.#next += 1;
    this.#ts += 1n;
    return { ts: this.#ts, key: `user-${this.#next % users}`, seq: 1 + Math.floor(this.#next / users) };
  }
}

function libraryArms(client: cassandra.Client): readonly Arm[] {
  const rows = new Rows();
  const table = `${keyspace}.bare`;
  const query = `UPDATE ${table} USING TIMESTAMP ? SET v = ? WHERE partition = ? AND key = ? AND seq = ?`;
  const consistency = cassandra.types.consistencies.localQuorum;
  const options = { prepare: true, consistency, logged: false };
  const statement = (partition?: string) => {
    const { ts, key, seq } = rows.next();
    return { query, params: [ts, value, partition ?? key, key, seq] };
  };
  const single: Arm = {
    name: 'limit.cassandra_single_insert',
    callers: 256,
    call: async () => {
      const { params } = statement();
      await client.execute(query, params, options);
      return 1;
    },
  };
  const batch = (size: number, callers: number, striped: boolean): Arm => ({
    name: `batch of ${size} in ${striped ? 'one partition' : `${size} partitions`}, ${callers} at once`,
    callers,
    call: async () => {
      const stripe = striped ? `stripe-${Math.floor(Math.random() * 64)}` : undefined;
      await client.batch(
        Array.from({ length: size }, () => statement(stripe)),
        options,
      );
      return size;
    },
  });
  const shapes = [
    [50, 16, false],
    [50, 64, false],
    [20, 64, true],
    [50, 64, true],
    [100, 32, true],
    [140, 64, true],
  ] as const;
  return [single, ...shapes.map(([size, callers, striped]) => batch(size, callers, striped))];
}

async function driverArms(
  contact: string,
): Promise<{ readonly arms: readonly Arm[]; close(): Promise<void> }> {
  const options = { contactPoints: [contact], dataCenter };
  const schema = await openSchema(options);
  await schema.apply({ keyspace, dataCenters: { [dataCenter]: 1 } });
  await schema.close();
  const database = await openCassandra({ ...options, keyspace, clock: systemClock() });
  const store = database.store();
  const rows = new Rows();
  const fanOut = (callers: number): Arm => ({
    name: `timeline.rows.rate, ${callers} fan-outs of ${receivers} at once`,
    callers,
    call: async () => {
      await Promise.all(
        Array.from({ length: receivers }, () => {
          const { ts, key, seq } = rows.next();
          return store.commit({ actor: { kind: 'user', key, shard: 0 }, rows: [{ seq, ts, value }] });
        }),
      );
      return receivers;
    },
  });
  return {
    arms: [fanOut(1), fanOut(4), fanOut(10)],
    close: async () => {
      await store.close();
      await database.close();
    },
  };
}

async function measure({ callers, call }: Arm, seconds: number): Promise<number> {
  const begun = performance.now();
  const untilMs = begun + seconds * 1_000;
  let written = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < untilMs) {
        // A call that failed wrote nothing that counts: on a starved machine the server's own time-out of 2 s is met.
        const rows = await call().catch(() => 0);
        written += rows;
      }
    }),
  );
  return written / ((performance.now() - begun) / 1_000);
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;
}

async function main(): Promise<void> {
  const [seconds, rounds] = [Number(process.argv[2] ?? 3), Number(process.argv[3] ?? 3)];
  const given = process.env['STARLING_TEST_CASSANDRA'];
  const server = given === undefined ? await startCassandra() : undefined;
  try {
    await compare(given ?? server?.address ?? '', seconds, rounds);
  } finally {
    await server?.dispose();
  }
}

async function compare(contact: string, seconds: number, rounds: number): Promise<void> {
  const driver = await driverArms(contact);
  const client = new cassandra.Client({
    contactPoints: [contact],
    localDataCenter: dataCenter,
    encoding: { useBigIntAsLong: true },
    pooling: { maxRequestsPerConnection: 2_048 },
  });
  await client.execute(`DROP TABLE IF EXISTS ${keyspace}.bare`);
  await client.execute(
    `CREATE TABLE ${keyspace}.bare (partition text, key text, seq int, v blob, PRIMARY KEY (partition, key, seq))
     WITH compaction = {'class': 'UnifiedCompactionStrategy'}`,
  );
  const arms = [...libraryArms(client), ...driver.arms];
  const figures = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round += 1) {
    for (const arm of arms) {
      const rate = await measure(arm, seconds);
      // The first round warms the server up.
      if (round > 0) figures.set(arm.name, [...(figures.get(arm.name) ?? []), rate]);
    }
  }
  const single = median(figures.get('limit.cassandra_single_insert') ?? []);
  console.log('rows/s  ratio to single  arm');
  for (const [name, rates] of figures) {
    const rate = median(rates);
    console.log(`${rate.toFixed(0).padStart(6)}  ${(rate / single).toFixed(1).padStart(15)}  ${name}`);
  }
  await driver.close();
  await client.shutdown();
}

await main();
