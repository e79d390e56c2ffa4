import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { DEFAULT_IM_LIMITS } from '../../actors/index.ts';
import { ConfigError, defaultConfig, resolveConfig } from './config.ts';
import { configurationPage } from './config-page.ts';
import { nearest } from './nearest.ts';
import { settingKeys, variableOf } from './settings.ts';

function problemsOf(sources: Parameters<typeof resolveConfig>[0]): readonly string[] {
  try {
    resolveConfig(sources);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

test('a flag overrides the environment, which overrides the file, which overrides the default', () => {
  const { config, origins } = resolveConfig({
    defaults: { 'log.level': 'warn' },
    file: { name: 'c.json', value: { http: { port: 1, host: '::1' }, grpc: { port: 9 } } },
    environment: { STARLING_HTTP_PORT: '2', STARLING_GRPC_PORT: '8' },
    flags: { 'http.port': '3' },
  });
  assert.equal(config['http.port'], 3);
  assert.equal(config['grpc.port'], 8);
  assert.equal(config['http.host'], '::1');
  assert.equal(config['log.level'], 'warn');
  assert.deepEqual(
    [origins['http.port'], origins['grpc.port'], origins['http.host'], origins['log.level']],
    ['flag', 'environment', 'file', 'default'],
  );
});

test('unknown keys are refused with the nearest known one, from every source', () => {
  const problems = problemsOf({
    file: { name: 'c.json', value: { http: { prot: 1 } } },
    environment: { STARLING_HTTP_HOTS: 'x', STARLING_ZZZZZZZZ: 'x' },
    flags: { 'log.levle': 'info' },
  });
  assert.deepEqual(problems, [
    'c.json: unknown key "http.prot" (did you mean "http.port"?)',
    'environment: unknown variable STARLING_HTTP_HOTS (did you mean "STARLING_HTTP_HOST"?)',
    'environment: unknown variable STARLING_ZZZZZZZZ',
    '--set: unknown key "log.levle" (did you mean "log.level"?)',
  ]);
});

test('variables of the CLI and those that Kubernetes injects are no settings', () => {
  const environment = {
    STARLING_ADDRESS: 'http://h',
    STARLING_PORT: 'tcp://10.0.0.1:7700',
    STARLING_SERVICE_HOST: '10.0.0.1',
    STARLING_PORT_7700_TCP_ADDR: '10.0.0.1',
    PATH: '/bin',
  };
  assert.deepEqual(problemsOf({ environment }), []);
});

test('every wrong value is named with its bounds, all at once', () => {
  const problems = problemsOf({
    file: { name: 'c.json', value: { http: { port: '7700' }, web: { enabled: 'true' }, log: { level: 3 } } },
    environment: { STARLING_GRPC_PORT: '65536', STARLING_DEMO_USERS: 'yes' },
    flags: { 'stop.grace_ms': '1.5' },
  });
  assert.deepEqual(problems, [
    'c.json: "http.port" must be an integer from 0 to 65535, not "7700"',
    'c.json: "web.enabled" must be true or false, not "true"',
    'c.json: "log.level" must be one of debug, info, warn, error, not 3',
    'STARLING_GRPC_PORT must be an integer from 0 to 65535, not "65536"',
    'STARLING_DEMO_USERS must be true or false, not "yes"',
    'stop.grace_ms must be an integer from 0 to 600000, not "1.5"',
  ]);
});

test('settings that contradict each other are refused', () => {
  assert.deepEqual(problemsOf({ flags: { 'tls.cert_file': 'a.pem', 'grpc.port': '7700' } }), [
    'tls.cert_file and tls.key_file: both or neither must be set',
    'http.port and grpc.port: must differ, both are 7700',
  ]);
  assert.deepEqual(problemsOf({ flags: { 'limits.timeline_rows_max': '1000' } }), [
    'limits.timeline_rows_max: must be at least limits.sync_gap_max',
  ]);
  assert.deepEqual(problemsOf({ flags: { 'http.port': '0', 'grpc.port': '0' } }), []);
});

test('a file that is not one object is refused', () => {
  for (const value of [[], null, 'x', 1]) {
    assert.deepEqual(problemsOf({ file: { name: 'c.json', value } }), ['c.json: must be one JSON object']);
  }
  assert.deepEqual(problemsOf({ file: { name: 'c.json', value: { http: [1] } } }), [
    'c.json: unknown key "http"',
  ]);
});

test('every setting has a variable of its own and a sentence in the operator’s page, which is up to date', async () => {
  const variables = settingKeys().map(variableOf);
  assert.equal(new Set(variables).size, variables.length);
  const page = await readFile(new URL('../../docs/operating/configuration.md', import.meta.url), 'utf8');
  assert.equal(
    page,
    configurationPage(),
    'run: node tools/node/config-page.ts > docs/operating/configuration.md',
  );
});

test('a word is only suggested where it is near', () => {
  assert.equal(nearest('aelrt', ['alert', 'other']), 'alert');
  assert.equal(nearest('completely', ['alert', 'other']), undefined);
});

test('the defaults of the limits are those of the actors', () => {
  const config = defaultConfig();
  assert.equal(config['limits.devices_max'], DEFAULT_IM_LIMITS.devicesMax);
  assert.equal(config['limits.group_members_max'], DEFAULT_IM_LIMITS.groupMembersMax);
  assert.equal(config['limits.heartbeat_ms'], DEFAULT_IM_LIMITS.heartbeatMs);
  assert.equal(config['limits.sync_gap_max'], DEFAULT_IM_LIMITS.syncGapMax);
  assert.equal(config['limits.timeline_rows_max'], DEFAULT_IM_LIMITS.ringRowsMax);
  assert.equal(config['stop.spread_ms'], DEFAULT_IM_LIMITS.reconnectSpreadMs);
});

test('settings of a cluster that contradict each other are each named', () => {
  const problems = problemsOf({
    flags: {
      'nats.servers': 'nats://a',
      'nats.user': 'u',
      'nats.token': 't',
      'nats.replicas': '2',
      'cassandra.cert_file': 'c.pem',
      'cluster.name': 'A b',
      'node.name': 'n 1',
      'cassandra.keyspace': '1x',
    },
  });
  for (const expected of [
    /nats\.servers and cassandra\.contact_points/,
    /nats\.user and nats\.password/,
    /nats\.user and nats\.token: only one/,
    /nats\.replicas: must be 1, 3 or 5/,
    /cassandra\.cert_file and cassandra\.key_file/,
    /cluster\.name: must match/,
    /node\.name: must match/,
    /cassandra\.keyspace: must match/,
  ])
    assert.equal(problems.filter((problem) => expected.test(problem)).length, 1, String(expected));
});
