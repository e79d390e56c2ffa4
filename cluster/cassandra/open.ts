// Connecting to a cluster. Owns: options, the set-up of the database library, what is refused at the start. Does not own:
// requests (session.ts), the schema (schema.ts).
//
// Invariants:
// N1  Nothing is opened while a node in reach acknowledges writes before its disk has them (`commitlog_sync`), unless the
//     caller allows it. A node that comes up later is looked at then, and makes the store unhealthy.

import type { ConnectionOptions } from 'node:tls';
import cassandra from 'cassandra-driver';
import { StarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { StoreHealth } from '../../runtime/ports/store.ts';
import { Layout } from './layout.ts';
import { answerMsMax, connectMsMax } from './limits.ts';
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
import { CassandraSession, NoRetry } from './session.ts';
import { CassandraShards } from './shards.ts';
import { statementsOf } from './statements.ts';
import { CassandraStore } from './store.ts';

/** Where Cassandra is and who we are there. */
export interface ConnectOptions {
  /** Some nodes of the home data centre, `host` or `host:port` (default 9042). */
  readonly contactPoints: readonly string[];
  /** The home data centre: its quorums are the ones that count. */
  readonly dataCenter: string;
  /** Default: no account. */
  readonly account?: { readonly name: string; readonly password: string };
  /** Default: no TLS. */
  readonly tls?: ConnectionOptions;
}

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
  const client = await connect(options);
  const session = new CassandraSession(client, { clock: options.clock, home: options.dataCenter });
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

async function connect(options: ConnectOptions): Promise<cassandra.Client> {
  const { policies, types } = cassandra;
  const { account } = options;
  const client = new cassandra.Client({
    contactPoints: [...options.contactPoints],
    ...(account === undefined ? {} : { credentials: { username: account.name, password: account.password } }),
    ...(options.tls === undefined ? {} : { sslOptions: options.tls }),
    encoding: { useBigIntAsLong: true },
    policies: {
      // The home data centre is named here alone: where the library itself finds that there is no such one, it leaves a
      // connection open that nothing can close.
      loadBalancing: new policies.loadBalancing.TokenAwarePolicy(
        new policies.loadBalancing.DCAwareRoundRobinPolicy(options.dataCenter),
      ),
      retry: new NoRetry(),
      speculativeExecution: new policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(200, 5_000, false),
    },
    pooling: {
      coreConnectionsPerHost: { [types.distance.local]: 2 },
      maxRequestsPerConnection: 2_048,
      heartBeatInterval: 5_000,
    },
    socketOptions: { connectTimeout: connectMsMax, readTimeout: answerMsMax, tcpNoDelay: true },
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.shutdown().catch(() => {});
    throw startFailure(error, options);
  }
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
    for (const { host: address, rows } of await session.onEachHost(
      { query: unsafeQuery, params: [] },
      host,
    )) {
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
  session.onHostUp((host) => {
    unsafeAmong(host).then(
      (found) => {
        session.setUnsafe(host.address, found);
        if (found !== undefined) onLog(found);
      },
      (error: unknown) => onLog(`the settings of ${host.address} could not be read: ${String(error)}`),
    );
  });
}

function startFailure(error: unknown, options: ConnectOptions): StarlingError {
  const where = options.contactPoints.join(', ');
  const causes = causesOf(error);
  if (causes.some((cause) => cause instanceof cassandra.errors.AuthenticationError)) {
    return refusal(
      'ACCOUNT_REFUSED',
      `Cassandra at ${where} refuses the account. Check name and password.`,
      error,
    );
  }
  const text = causes.map(String).join('; ');
  if (/provided credentials|bad credentials|unauthorized|permission/i.test(text)) {
    return refusal('ACCOUNT_REFUSED', `Cassandra at ${where} refuses the account: ${text}`, error);
  }
  if (/datacenter/i.test(text)) {
    const detail = `Data centre ${options.dataCenter} is not one of the cluster at ${where}: ${text}`;
    return refusal('DATA_CENTER_UNKNOWN', detail, error);
  }
  const detail = `Cassandra at ${where} can't be reached. Is it up, and is the port its native one? ${text}`;
  return refusal('UNREACHABLE', detail, error);
}

function causesOf(error: unknown): readonly unknown[] {
  if (error instanceof cassandra.errors.NoHostAvailableError) {
    const inner = Object.values(error.innerErrors ?? {});
    if (inner.length > 0) return inner;
  }
  return [error];
}
