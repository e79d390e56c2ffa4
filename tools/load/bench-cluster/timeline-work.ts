// Ways to write rows of timelines to one Cassandra. Owns: what each writes and what it counts. Does not own: when they run.
//
// All write the same cells: 200 bytes beside the names of one of 20,000 users, by the same statement, in tables of the same
// schema, each with a write time of its own. `single` is what a timeline without groups does: one request a row, a partition
// for each user. Batches of a stripe have the shape that the driver's have, with nothing else to do than to send them. The
// driver's work is a fan-out: one commit of one row for each of 1,000 users, twenty at a time that began apart.

import cassandra from 'cassandra-driver';
import { openCassandra, openSchema } from '../../../cluster/cassandra/index.ts';
import { systemClock } from '../../../cluster/clock/index.ts';
import { dataCenter } from '../../dev/cassandra.ts';

const USERS = 20_000;
const RECEIVERS = 1_000;
const FAN_OUTS = 20;
const STRIPES = 64;
const SINGLE_CALLERS = 256;
const VALUE = Buffer.alloc(200, 7);

/**
 * Rows of a batch and batches at a time, in one partition each: the best of them is the limit. Batches over 50 partitions reach
 * hardly more than single requests do (1.3 to 1.5 times), so they are not among them.
 */
const SHAPES = [
  { rows: 140, atOnce: 64 },
  { rows: 300, atOnce: 32 },
  { rows: 600, atOnce: 16 },
  { rows: 1_000, atOnce: 16 },
] as const;

/** One way to write rows. */
export interface Way {
  readonly name: string;
  /** Calls at a time. */
  readonly callers: number;
  /** Rows of a call. */
  readonly size: number;
  /** Writes them; resolves when all are durable. */
  readonly call: () => Promise<unknown>;
  /** Rows that are there, counted by the server. */
  readonly count: () => Promise<number>;
  /** Requests sent so far; undefined where each call is one. */
  readonly requests?: () => number;
}

/** Everything of one run. */
export interface Ways {
  readonly single: Way;
  readonly batches: readonly Way[];
  readonly driver: Way;
  close(): Promise<void>;
}

/** Draws what is different in each row: a user whose turn it is among those of a partition, and the user's next position. */
class Rows {
  readonly #partitions: number;
  readonly #drawn: number[];
  #ts = 1n << 53n;

  constructor(partitions: number) {
    this.#partitions = partitions;
    this.#drawn = new Array(partitions).fill(0);
  }

  next(partition: number): { readonly ts: bigint; readonly user: number; readonly seq: number } {
    const drawn = this.#drawn[partition] ?? 0;
    this.#drawn[partition] = drawn + 1;
    const users = Math.floor((USERS - 1 - partition) / this.#partitions) + 1;
    this.#ts += 1n;
    const user = partition + (drawn % users) * this.#partitions;
    return { ts: this.#ts, user, seq: 1 + Math.floor(drawn / users) };
  }
}

/** Opens both doors to the server at `address`. */
export async function openWays(address: string): Promise<Ways> {
  const connection = { contactPoints: [address], dataCenter };
  const schema = await openSchema(connection);
  for (const keyspace of ['bench_limit', 'bench']) {
    await schema.apply({ keyspace, dataCenters: { [dataCenter]: 1 }, stripes: STRIPES });
  }
  await schema.close();
  const client = new cassandra.Client({
    contactPoints: [address],
    localDataCenter: dataCenter,
    encoding: { useBigIntAsLong: true },
    pooling: { maxRequestsPerConnection: 2_048 },
  });
  const database = await openCassandra({ ...connection, keyspace: 'bench', clock: systemClock() });
  const store = database.store();
  const rows = new Rows(1);
  const driver: Way = {
    name: 'timeline.rows.rate',
    callers: FAN_OUTS,
    size: RECEIVERS,
    requests: () => database.requests,
    call: () =>
      Promise.all(
        Array.from({ length: RECEIVERS }, () => {
          const { ts, user, seq } = rows.next(0);
          const actor = { kind: 'user', key: `user-${user}`, shard: 0 };
          return store.commit({ actor, rows: [{ seq, ts, value: VALUE }] });
        }),
      ),
    count: () =>
      counted(
        client,
        'bench',
        Array.from({ length: STRIPES }, (_, stripe) => stripe),
      ),
  };
  return {
    ...bareWays(client),
    driver,
    close: async () => {
      await store.close();
      await database.close();
      await client.shutdown();
    },
  };
}

function bareWays(client: cassandra.Client): { readonly single: Way; readonly batches: readonly Way[] } {
  const query =
    'UPDATE bench_limit.timeline USING TIMESTAMP ? SET v = ? WHERE stripe = ? AND bucket = 0 AND kind = ? AND key = ? AND seq = ?';
  const options = { prepare: true, consistency: cassandra.types.consistencies.localQuorum, logged: false };
  let firstStripe = 0;
  const partitions = (count: number): readonly number[] => {
    firstStripe += count;
    return Array.from({ length: count }, (_, at) => firstStripe - count + at);
  };
  const way = (name: string, callers: number, own: readonly number[], size: number): Way => {
    const rows = new Rows(own.length);
    let turn = 0;
    const draw = (at: number) => {
      const { ts, user, seq } = rows.next(at);
      return { query, params: [ts, VALUE, own[at], 'user', `user-${user}`, BigInt(seq)] };
    };
    const next = (): number => turn++ % own.length;
    const call = (): Promise<unknown> => {
      const first = next();
      if (size === 1) return client.execute(query, draw(first).params, options);
      return client.batch(
        Array.from({ length: size }, () => draw(first)),
        options,
      );
    };
    return { name, callers, size, call, count: () => counted(client, 'bench_limit', own) };
  };
  const batches = SHAPES.map(({ rows, atOnce }) =>
    way(`limit.cassandra_batch.${rows}x${atOnce}`, atOnce, partitions(STRIPES), rows),
  );
  const single = way('limit.cassandra_single_insert', SINGLE_CALLERS, partitions(USERS), 1);
  return { single, batches };
}

/** Rows of the partitions, as the server counts them. */
async function counted(
  client: cassandra.Client,
  keyspace: string,
  stripes: readonly number[],
): Promise<number> {
  const query = `SELECT count(*) AS rows FROM ${keyspace}.timeline WHERE stripe = ? AND bucket = 0`;
  const { localQuorum } = cassandra.types.consistencies;
  let [next, rows] = [0, 0];
  const lane = async (): Promise<void> => {
    for (let at = next++; at < stripes.length; at = next++) {
      const found = await client.execute(query, [stripes[at]], {
        prepare: true,
        consistency: localQuorum,
        readTimeout: 60_000,
      });
      rows += Number(found.first()?.['rows']);
    }
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  return rows;
}
