// The settings of a member of a cluster; a part of the table in settings.ts.

import { integer, onOff, text } from './setting.ts';

export const CLUSTER_SETTINGS = {
  'cluster.name': text(
    'starling',
    'Name of the cluster on NATS, 1 to 32 of [a-z0-9-]: nodes of different clusters never meet, even on the same servers.',
  ),
  'cluster.shards': integer(
    4_096,
    [1, 65_536],
    'Shards of the role. Fixed when the keyspace is first used: a node with another number is refused.',
  ),
  'node.role': text('core', 'The role whose shards this node serves; each role has a keyspace of its own.'),
  'node.weight': integer(1, [1, 1_000], 'Capacity relative to the other nodes of the role.'),
  'nats.servers': text(
    '',
    'Addresses of NATS, separated by commas, e.g. `nats://10.0.0.1:4222`. Empty = a node on its own, with its data in `data`.',
    '--nats',
  ),
  'nats.user': text('', 'Account at NATS. Empty = none.'),
  'nats.password': text('', 'Its password. Give it by the environment rather than by a flag.'),
  'nats.token': text('', 'Token for NATS, in place of an account.'),
  'nats.creds_file': text('', 'File of credentials for NATS (`.creds`), in place of an account.'),
  'nats.nkey_file': text('', 'File with an nkey seed for NATS, in place of an account.'),
  'nats.ca_file': text('', 'Authorities trusted for NATS, PEM. Empty = those of the system.'),
  'nats.cert_file': text('', 'Certificate of this node for NATS, PEM. Needs `nats.key_file`.'),
  'nats.key_file': text('', 'Its private key, PEM.'),
  'nats.replicas': integer(1, [1, 5], 'Copies of the board among the NATS servers: 1, 3 or 5.'),
  'cassandra.contact_points': text(
    '',
    'Some nodes of Cassandra in the home data centre, separated by commas: `host` or `host:port`.',
    '--cassandra',
  ),
  'cassandra.data_center': text('dc1', 'The home data centre: its quorums are the ones that count.'),
  'cassandra.keyspace': text(
    'starling',
    'Keyspace of the role, made by `starling schema apply`: 1 to 48 of [a-z0-9_].',
  ),
  'cassandra.user': text('', 'Account at Cassandra. Empty = none.'),
  'cassandra.password': text('', 'Its password. Give it by the environment rather than by a flag.'),
  'cassandra.ca_file': text('', 'Authorities trusted for Cassandra, PEM. Set = TLS.'),
  'cassandra.cert_file': text('', 'Certificate of this node for Cassandra, PEM. Needs `cassandra.key_file`.'),
  'cassandra.key_file': text('', 'Its private key, PEM.'),
  'cassandra.address_map': text(
    '',
    'Where nodes of Cassandra are reached that announce another address: `10.0.0.1:9042=127.0.0.1:19042`, separated by commas.',
  ),
  'cassandra.allow_unsafe_commit_log': onOff(
    false,
    'Whether to start although a node of Cassandra acknowledges writes before its disk has them. Loses acked messages on a power cut.',
  ),
  'start.wait_ms': integer(
    60_000,
    [0, 3_600_000],
    'How long a node that starts waits for NATS and Cassandra where they can not be reached.',
  ),
  'stop.drain_ms': integer(
    20_000,
    [0, 600_000],
    'Longest time in which a stopping member gives its shards to others before `stop.grace_ms` begins.',
  ),
} as const;
