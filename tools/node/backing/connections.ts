// From settings to the options of the drivers.

import { readFile } from 'node:fs/promises';
import type { openCassandra } from '../../../cluster/cassandra/index.ts';
import type { NatsOptions } from '../../../cluster/nats/index.ts';
import { ConfigError } from '../config.ts';
import type { NodeConfig } from '../settings.ts';
import type { BackingOptions } from './backing.ts';

type CassandraOptions = Parameters<typeof openCassandra>[0];
type Connection = Omit<CassandraOptions, 'clock' | 'onLog' | 'keyspace'>;

/** What is separated by commas, trimmed. */
function listOf(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Where Cassandra is, and who we are there. Reads the files of TLS. @throws ConfigError */
export async function cassandraConnection(config: NodeConfig): Promise<Connection> {
  const name = config['cassandra.user'];
  const ca = await fileOf(config, 'cassandra.ca_file');
  const cert = await fileOf(config, 'cassandra.cert_file');
  const key = await fileOf(config, 'cassandra.key_file');
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return {
    contactPoints: listOf(config['cassandra.contact_points']),
    dataCenter: config['cassandra.data_center'],
    addressMap: addressMapOf(config['cassandra.address_map']),
    ...(name === '' ? {} : { account: { name, password: config['cassandra.password'] } }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

export async function cassandraOptions({ config, clock, log }: BackingOptions): Promise<CassandraOptions> {
  return {
    ...(await cassandraConnection(config)),
    keyspace: config['cassandra.keyspace'],
    clock,
    allowUnsafeCommitLog: config['cassandra.allow_unsafe_commit_log'],
    onLog: (line) => log({ level: 'warn', message: line, fields: { part: 'cassandra' } }),
  };
}

function addressMapOf(value: string): Record<string, string> {
  const map: Record<string, string> = {};
  for (const pair of listOf(value)) {
    const [from = '', to = ''] = pair.split('=');
    if (!/:\d+$/.test(from) || !/:\d+$/.test(to))
      throw new ConfigError([`cassandra.address_map: "${pair}" must be host:port=host:port`]);
    map[from] = to;
  }
  return map;
}

async function fileOf(
  config: NodeConfig,
  key: 'cassandra.ca_file' | 'cassandra.cert_file' | 'cassandra.key_file',
) {
  if (config[key] === '') return undefined;
  try {
    return await readFile(config[key]);
  } catch (error) {
    throw new ConfigError([`${key}: ${(error as Error).message}`]);
  }
}

/** The part of the options that settings say. */
export function natsOptions(
  config: NodeConfig,
): Pick<NatsOptions, 'servers' | 'cluster' | 'node' | 'auth' | 'tls' | 'replicas'> {
  const auth = authOf(config);
  const tls = {
    ...(config['nats.ca_file'] === '' ? {} : { caFile: config['nats.ca_file'] }),
    ...(config['nats.cert_file'] === '' ? {} : { certFile: config['nats.cert_file'] }),
    ...(config['nats.key_file'] === '' ? {} : { keyFile: config['nats.key_file'] }),
  };
  return {
    servers: listOf(config['nats.servers']),
    // Roles have shards of their own, so what they say of shards must not meet.
    cluster:
      config['node.role'] === 'core'
        ? config['cluster.name']
        : `${config['cluster.name']}-${config['node.role']}`,
    node: config['node.name'],
    replicas: config['nats.replicas'],
    ...(auth === undefined ? {} : { auth }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

function authOf(config: NodeConfig): NatsOptions['auth'] {
  if (config['nats.user'] !== '')
    return { kind: 'password', user: config['nats.user'], password: config['nats.password'] };
  if (config['nats.token'] !== '') return { kind: 'token', token: config['nats.token'] };
  if (config['nats.creds_file'] !== '') return { kind: 'creds', file: config['nats.creds_file'] };
  if (config['nats.nkey_file'] !== '') return { kind: 'nkey', file: config['nats.nkey_file'] };
  return undefined;
}
