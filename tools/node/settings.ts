// The table of settings. Owns: name, kind, bounds, default and meaning of each; everything else about configuration
// (parsing, types, the operator's page) is derived from it. Does not own: where values come from (config.ts).

import { CLUSTER_SETTINGS } from './cluster-settings.ts';
import { type ChoiceSetting, choice, integer, onOff, type Setting, text } from './setting.ts';

export type { Setting } from './setting.ts';

const GIB = 1024 ** 3;

/** Every setting by its dotted key. */
export const SETTINGS = {
  'node.name': text(
    'local',
    'Name of this node in answers, logs and `starling node show`: 1 to 63 of [a-z0-9-]. In a cluster each node has its own, the same after a restart.',
  ),
  data: text(
    '.starling/data',
    'Directory of the store, the signing key and `node.json`. Relative to the working directory. One process at a time.',
    '--data',
  ),
  'http.host': text(
    '127.0.0.1',
    'Address that gRPC-web, the web page and the health pages listen on. `0.0.0.0` = all of IPv4, `::` = all.',
    '--host',
  ),
  'http.port': integer(
    7700,
    [0, 65_535],
    'Port of gRPC-web, the web page and the health pages; 0 = any free one.',
    '--port',
  ),
  'grpc.host': text('', 'Address that native gRPC listens on; empty = the same as `http.host`.'),
  'grpc.port': integer(7701, [0, 65_535], 'Port of native gRPC; 0 = any free one.', '--grpc-port'),
  'http.public_address': text(
    '',
    'Base address of this node for clients, e.g. `https://im-3.example.com`; empty = `http.host` and `http.port`, if that is one address.',
  ),
  'http.allow_origins': text(
    '*',
    'Origins whose pages may call (CORS), separated by commas; `*` = all. Tokens are never sent by a browser on its own.',
  ),
  'tls.cert_file': text('', 'Certificate chain, PEM. Empty = cleartext. Needs `tls.key_file`.'),
  'tls.key_file': text('', 'Private key, PEM. Needs `tls.cert_file`.'),
  'store.map_bytes_max': integer(
    64 * GIB,
    [16 * 1024 ** 2, 16_384 * GIB],
    'Most bytes the store may grow to. Address space only: disk is used as data comes. Reached = writes are refused with STORAGE_FULL.',
  ),
  'actors.module': text(
    '',
    'Module with actors and services of your own, relative to the working directory: see docs/extending. Empty = none.',
    '--actors',
  ),
  'web.enabled': onOff(true, 'Whether the web page is served.', '--no-web'),
  'web.directory': text('', 'Directory of the built web page; empty = the one of this release.'),
  'auth.key_file': text(
    '',
    'Signing key of tokens (JWK set, mode 0600); empty = `signing-key.json` in the data directory. Made at the first start where it is missing.',
  ),
  'limits.devices_max': integer(20, [1, 1_000], 'Devices of one user.'),
  'limits.group_members_max': integer(1_000, [2, 10_000], 'Members of one group.'),
  'limits.heartbeat_ms': integer(
    20_000,
    [1_000, 60_000],
    'A stream carries a frame at least this often; clients reconnect after two of them are missing. Beyond 20,000 some proxies close idle streams.',
  ),
  'limits.sync_gap_max': integer(
    20_000,
    [100, 1_000_000],
    'A device that missed more entries than this rebuilds its view instead of pulling them one by one.',
  ),
  'limits.timeline_rows_max': integer(
    30_000,
    [1_000, 10_000_000],
    'Entries of a user’s timeline that are kept. At least `limits.sync_gap_max`.',
  ),
  'demo.enabled': onOff(
    false,
    'Whether anybody may sign in as a demo user without a password. `starling dev` turns it on.',
  ),
  'demo.users': onOff(true, 'Whether the six demo users are made at start.', '--no-demo-users'),
  'demo.allow_remote': onOff(
    false,
    'Whether the demo sign-in answers callers that are not on this machine. Never on a network you do not trust.',
  ),
  'telemetry.metrics_host': text('127.0.0.1', 'Address of the page of metrics.'),
  'telemetry.metrics_port': integer(
    0,
    [0, 65_535],
    'Port of the page `/metrics` for Prometheus, in cleartext and without a token: keep it on a network of your own. 0 = no page.',
    '--metrics-port',
  ),
  'telemetry.otlp_endpoint': text(
    '',
    'Base address of an OpenTelemetry collector (OTLP over HTTP), e.g. `http://collector:4318`; gets metrics and traces. Empty = none.',
  ),
  'telemetry.otlp_interval_ms': integer(15_000, [1_000, 600_000], 'How often metrics go to the collector.'),
  'telemetry.traces_per_million': integer(
    1_000,
    [0, 1_000_000],
    'Of a million calls whose client says nothing about tracing, so many are traced. A client that sends a sampled `traceparent` is always traced.',
  ),
  'log.level': choice(
    'info',
    ['debug', 'info', 'warn', 'error'],
    'Least severe level that is written to standard error.',
  ),
  'log.format': choice(
    'auto',
    ['auto', 'json', 'pretty'],
    'One JSON object a line, or lines for people; `auto` = people on a terminal, JSON elsewhere.',
  ),
  'stop.grace_ms': integer(
    8_000,
    [0, 600_000],
    'Longest time for an orderly stop: streams are asked to move, calls end, writes are flushed.',
  ),
  'stop.broken_ms': integer(
    5_000,
    [0, 600_000],
    'How long a node whose store failed stays up to say so on `/readyz`, refusing everything, before it exits with 70.',
  ),
  'stop.spread_ms': integer(
    2_000,
    [0, 60_000],
    'Clients that are asked to move wait a random time up to this before they connect again.',
  ),
  ...CLUSTER_SETTINGS,
} as const satisfies Readonly<Record<string, Setting>>;

/** A dotted key of the table. */
export type SettingKey = keyof typeof SETTINGS;

type ValueOf<S> = S extends { kind: 'integer' }
  ? number
  : S extends { kind: 'switch' }
    ? boolean
    : S extends ChoiceSetting<infer C>
      ? C
      : string;

/** A value for every setting. */
export type NodeConfig = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> };

/** Whether these are the settings of a member of a cluster, not of a node on its own. */
export function isClustered(config: NodeConfig): boolean {
  return config['nats.servers'] !== '';
}

/** What `starling dev` starts from, instead of the table's defaults. */
export const DEV_DEFAULTS: Partial<NodeConfig> = { 'demo.enabled': true, 'log.level': 'warn' };

/** All keys, in the order of the table. */
export function settingKeys(): SettingKey[] {
  return Object.keys(SETTINGS) as SettingKey[];
}

/** Name of the environment variable of a setting, e.g. `STARLING_HTTP_PORT`. */
export function variableOf(key: SettingKey): string {
  return `STARLING_${key.toUpperCase().replaceAll('.', '_')}`;
}
