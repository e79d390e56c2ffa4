// Connecting to a cluster. Owns: where and how, the set-up of the database library, the words of a failure. Does not own: what
// is checked before it is used (open.ts), requests (session.ts).

import type { ConnectionOptions } from 'node:tls';
import cassandra from 'cassandra-driver';
import type { StarlingError } from '../../runtime/errors.ts';
import { Addresses, type AddressMap } from './addresses.ts';
import { EndingClient } from './client.ts';
import { HomeFirst, Suspects } from './hosts.ts';
import { answerMsMax, connectMsMax, unansweredMax } from './limits.ts';
import { refusal } from './schema.ts';
import { NoRetry } from './session.ts';

/** Where Cassandra is and who we are there. */
export interface ConnectOptions {
  /** Some nodes of the home data centre, `host` or `host:port` (default 9042). All nodes have the port of the first. */
  readonly contactPoints: readonly string[];
  /** The home data centre: its quorums are the ones that count. */
  readonly dataCenter: string;
  /**
   * `host:port` that a node announces, or that a contact point names, to the `host:port` to use: for NAT and port forwards.
   * Default: none.
   */
  readonly addressMap?: AddressMap;
  /** Default: no account. */
  readonly account?: { readonly name: string; readonly password: string };
  /** Default: no TLS. */
  readonly tls?: ConnectionOptions;
}

/**
 * A connected client. `suspects`: default for a door whose requests are not watched.
 * @throws StarlingError STORAGE_FAILED with metadata.reason UNREACHABLE, ACCOUNT_REFUSED or DATA_CENTER_UNKNOWN
 */
export async function connect(
  options: ConnectOptions,
  suspects = new Suspects(() => 0),
): Promise<cassandra.Client> {
  const { policies, types } = cassandra;
  const { account, contactPoints, addressMap } = options;
  const addresses = new Addresses(contactPoints, addressMap);
  const client = new EndingClient({
    contactPoints: contactPoints.map((address) => addresses.use(address)),
    protocolOptions: { port: addresses.port },
    ...(account === undefined ? {} : { credentials: { username: account.name, password: account.password } }),
    ...(options.tls === undefined ? {} : { sslOptions: options.tls }),
    encoding: { useBigIntAsLong: true },
    policies: {
      addressResolution: addresses.translator(),
      loadBalancing: new HomeFirst(options.dataCenter, suspects),
      retry: new NoRetry(),
      speculativeExecution: new policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(200, 5_000, false),
    },
    pooling: {
      coreConnectionsPerHost: { [types.distance.local]: 2 },
      maxRequestsPerConnection: 2_048,
      heartBeatInterval: 5_000,
    },
    socketOptions: {
      connectTimeout: connectMsMax,
      readTimeout: answerMsMax.write,
      tcpNoDelay: true,
      defunctReadTimeoutThreshold: unansweredMax,
    },
    // One node that hangs must not hold up a statement that is used for the first time: others prepare it when asked.
    prepareOnAllHosts: false,
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.shutdown().catch(() => {});
    throw startFailure(error, options);
  }
}

/** What is wrong with a cluster that could not be opened, and what to do. */
export function startFailure(error: unknown, options: ConnectOptions): StarlingError {
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
