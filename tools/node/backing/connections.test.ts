import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, defaultConfig } from '../config.ts';
import type { NodeConfig } from '../settings.ts';
import { cassandraConnection, natsOptions } from './connections.ts';

const cluster = (overrides: Partial<NodeConfig> = {}): NodeConfig =>
  defaultConfig({
    'nats.servers': 'nats://a:4222, nats://b:4222,',
    'cassandra.contact_points': 'c1, c2:9043',
    ...overrides,
  });

test('lists are separated by commas, with or without blanks', async () => {
  assert.deepEqual(natsOptions(cluster()).servers, ['nats://a:4222', 'nats://b:4222']);
  assert.deepEqual((await cassandraConnection(cluster())).contactPoints, ['c1', 'c2:9043']);
});

test('addresses are mapped pair by pair, and a pair that is none is named', async () => {
  const map = 'a:9042=b:1, c:9042=d:2';
  const { addressMap } = await cassandraConnection(cluster({ 'cassandra.address_map': map }));
  assert.deepEqual(addressMap, { 'a:9042': 'b:1', 'c:9042': 'd:2' });
  for (const wrong of ['a:9042', 'a=b', 'a:9042=b:x', '=b:1'])
    await assert.rejects(cassandraConnection(cluster({ 'cassandra.address_map': wrong })), ConfigError);
});

test('a file of TLS that is not there is named with its key', async () => {
  await assert.rejects(cassandraConnection(cluster({ 'cassandra.ca_file': '/nowhere/ca.pem' })), {
    name: 'ConfigError',
    message: /^cassandra\.ca_file: .*ENOENT/,
  });
});

test('nodes of different roles never meet on NATS, since each role numbers its own shards', () => {
  const names = ['core', 'acme'].map((role) => natsOptions(cluster({ 'node.role': role })).cluster);
  assert.equal(new Set(names).size, 2);
});

test('who the node is at NATS is what was given, or nobody', () => {
  assert.equal(natsOptions(cluster()).auth, undefined);
  assert.deepEqual(natsOptions(cluster({ 'nats.user': 'u', 'nats.password': 'p' })).auth, {
    kind: 'password',
    user: 'u',
    password: 'p',
  });
  assert.deepEqual(natsOptions(cluster({ 'nats.token': 't' })).auth, { kind: 'token', token: 't' });
});
