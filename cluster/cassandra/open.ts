// Opening a cluster. Owns: what is refused at the start, the doors to store, shards, schema and facts. Does not own: the
// connection (connect.ts), requests (session.ts), the schema (schema.ts).
//
// Invariants:
// N1  Nothing is opened while a node in reach acknowledges writes before its disk has them (`commitlog_sync`), unless the
//     caller allows it. A node that comes up later is looked at then, and makes the store unhealthy.

import cassandra from 'cassandra-driver';
import { StarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { StoreHealth } from '../../runtime/ports/store.ts';
import { type ConnectOptions, connect, startFailure } from './connect.ts';
import { agreeOn, type Facts } from './facts.ts';
import { Suspects } from './hosts.ts';
import { Layout } from './layout.ts';
import {
  applySchema,
  checkKeyspace,
  planSchema,
  type Run,
  refusal,
  type SchemaOptions,
  schemaStatus,
  usableStripes,
} from './schema.ts';
import { CassandraSession } from './session.ts';
import { CassandraShards } from './shards.ts';
import { statementsOf } from './statements.ts';
import { CassandraStore } from './store.ts';

export type { ConnectOptions } from './connect.ts';

export interface CassandraOptions extends ConnectOptions {
  /** 1 to 48 of a-z, 0-9 and _. Each role has a keyspace of its own: marks are kept by shard. */
  readonly keyspace: string;
  readonly clock: Clock;
  /** Goes on although acknowledged writes may be lost with power. Default false. */
  readonly allowUnsafeCommitLog?: boolean;
  /** Takes one line of text for an event that an operator wants to know; default: nothing. */
  readonly onLog?: (line: string) => void;
}

/** An open cluster: the store and the shard table share one session. */
export class CassandraDatabase {
  readonly #session: CassandraSession;
  readonly #layout: Layout;

  constructor(session: CassandraSession, layout: Layout) {
    this.#session = session;
    this.#layout = layout;
  }

  /** Requests sent so far. */
  get requests(): number {
    return this.#session.requests;
  }

  /** A store; closing it leaves the session open. */
  store(): CassandraStore {
    return new CassandraStore(this.#session, this.#layout);
  }

  shards(): CassandraShards {
    return new CassandraShards(this.#session, this.#layout.statements);
  }

  health(): StoreHealth {
    return this.#session.health();
  }

  /**
   * Writes facts of the whole cluster (number of shards, version of placement) where none stand yet; answers what stands
   * there, by the same names. A node that has others must not join. Names: 1 to 48 of a-z, 0-9 and _.
   * @throws StarlingError INVALID_REQUEST; OVERLOADED, OUTCOME_UNKNOWN if a fact could not be settled
   */
  agree(facts: Facts): Promise<Facts> {
    return agreeOn(this.#session, this.#layout.statements, facts);
  }

  /**
   * Milliseconds by which this machine's clock is ahead of Cassandra's (negative: behind): the median over its nodes in reach,
   * half the way there and back taken off.
   * @throws StarlingError OVERLOADED where no node answers
   */
  clockOffsetMs(): Promise<number> {
    return clockOffsetMs(this.#session);
  }

  /** Ends every request under way; close the stores first. */
  close(): Promise<void> {
    return this.#session.close();
  }
}

/**
 * Connects and checks what is there.
 * @throws StarlingError STORAGE_FAILED with metadata.reason UNREACHABLE, ACCOUNT_REFUSED, DATA_CENTER_UNKNOWN,
 * KEYSPACE_MISSING, SCHEMA_TOO_OLD or UNSAFE_COMMIT_LOG; VERSION_TOO_NEW
 */
export async function openCassandra(options: CassandraOptions): Promise<CassandraDatabase> {
  const keyspace = checkKeyspace(options.keyspace);
  const suspects = new Suspects(() => options.clock.monotonic());
  const client = await connect(options, suspects);
  const session = new CassandraSession(client, { clock: options.clock, home: options.dataCenter, suspects });
  try {
    const stripes = usableStripes(await schemaStatus(runOn(client), keyspace), keyspace, options.dataCenter);
    await watchCommitLogs(session, options);
    return new CassandraDatabase(session, new Layout(statementsOf(keyspace), stripes));
  } catch (error) {
    await session.close();
    throw error instanceof StarlingError ? error : startFailure(error, options);
  }
}

/** The functions of the schema for one cluster. `close` it. */
export interface SchemaDoor {
  readonly plan: (options: SchemaOptions) => ReturnType<typeof planSchema>;
  readonly apply: (options: SchemaOptions) => ReturnType<typeof applySchema>;
  readonly status: (keyspace: string) => ReturnType<typeof schemaStatus>;
  readonly close: () => Promise<void>;
}

/**
 * Connects for work on the schema alone.
 * @throws StarlingError STORAGE_FAILED with metadata.reason UNREACHABLE, ACCOUNT_REFUSED or DATA_CENTER_UNKNOWN
 */
export async function openSchema(options: ConnectOptions): Promise<SchemaDoor> {
  const client = await connect(options);
  const run = runOn(client);
  return {
    plan: (wanted) => planSchema(run, wanted),
    apply: (wanted) => applySchema(run, wanted),
    status: (keyspace) => schemaStatus(run, keyspace),
    close: () => client.shutdown(),
  };
}

/** For the schema and for facts: never on the message path. */
function runOn(client: cassandra.Client): Run {
  const { localQuorum, localSerial } = cassandra.types.consistencies;
  return async (query, params = []) => {
    const options = { prepare: params.length > 0, consistency: localQuorum, serialConsistency: localSerial };
    // A change of the schema is answered once all nodes agree.
    return (await client.execute(query, [...params], { ...options, readTimeout: 30_000 })).rows ?? [];
  };
}

const unsafeQuery = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'";

/** N1. */
async function watchCommitLogs(session: CassandraSession, options: CassandraOptions): Promise<void> {
  const { onLog = () => {}, allowUnsafeCommitLog = false } = options;
  const unsafeAmong = async (host?: cassandra.Host): Promise<string | undefined> => {
    const answers = await session.onEachHost({ query: unsafeQuery, params: [] }, host);
    for (const { host: address, rows, error } of answers) {
      if (error !== undefined) {
        onLog(`the settings of ${address} could not be read: ${String(error)}`);
        continue;
      }
      const found = String(rows[0]?.['value'] ?? 'unknown');
      if (found === 'group' || found === 'batch') continue;
      return (
        `Node ${address} of Cassandra has commitlog_sync: ${found}: it acknowledges writes that a power cut takes back. ` +
        'Set commitlog_sync: group and commitlog_sync_group_window: 2ms there, and restart it.'
      );
    }
    return undefined;
  };
  const unsafe = await unsafeAmong();
  if (unsafe !== undefined && !allowUnsafeCommitLog) throw refusal('UNSAFE_COMMIT_LOG', unsafe);
  if (unsafe !== undefined) onLog(unsafe);
  if (allowUnsafeCommitLog) return;
  session.onHostUp(async (host) => {
    const found = await unsafeAmong(host);
    session.setUnsafe(host.address, found);
    if (found !== undefined) onLog(found);
  });
}

const timeQuery = 'SELECT toUnixTimestamp(now()) AS now FROM system.local';

async function clockOffsetMs(session: CassandraSession): Promise<number> {
  const begun = session.clock.monotonic();
  const nowAtBegin = session.clock.now();
  const offsets: number[] = [];
  for (const { rows, answeredMs } of await session.onEachHost({ query: timeQuery, params: [] })) {
    const now = rows[0]?.['now'];
    if (typeof now !== 'bigint') continue;
    offsets.push(nowAtBegin + (answeredMs - begun) / 2 - Number(now));
  }
  const median = offsets.sort((a, b) => a - b)[offsets.length >> 1];
  if (median === undefined) throw new StarlingError('OVERLOADED', 'No node of Cassandra tells its time.');
  return median;
}
