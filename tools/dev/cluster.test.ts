import assert from 'node:assert/strict';
import test from 'node:test';
import { parseClusterArguments } from './cluster.ts';

test('A cluster has three nodes, one Cassandra and the ports of a development node by default.', () => {
  assert.deepEqual(parseClusterArguments([]), {
    check: false,
    nodes: 3,
    workers: 1,
    cassandraNodes: 1,
    directory: undefined,
    port: 7700,
  });
});

test('What is asked for is taken.', () => {
  const line = ['--check', '--nodes', '5', '--cassandra', '3', '--directory', 'out/c', '--workers', '2'];
  const parsed = parseClusterArguments(line);
  assert.equal(parsed?.check, true);
  assert.equal(parsed?.nodes, 5);
  assert.equal(parsed?.cassandraNodes, 3);
  assert.equal(parsed?.directory, 'out/c');
  assert.equal(parsed?.workers, 2);
});

test('Numbers out of range, two copies and unknown flags are refused.', () => {
  for (const line of [
    ['--nodes', '0'],
    ['--nodes', 'x'],
    ['--cassandra', '2'],
    ['--workers', '99'],
    ['--why'],
  ])
    assert.equal(parseClusterArguments(line), undefined, line.join(' '));
});
