import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../cassandra-ports.ts';
import { LocalNode } from './local-node.ts';

async function nodeOf(t: TestContext, settings: Readonly<Record<string, string>> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'starling-local-node-'));
  const steps: string[] = [];
  const revived = Promise.withResolvers<void>();
  const node = new LocalNode({
    name: 'n1',
    directory,
    port: await freePort(['127.0.0.1']),
    grpcPort: await freePort(['127.0.0.1']),
    metricsPort: 0,
    program: fileURLToPath(new URL('./local-node.fixture.ts', import.meta.url)),
    settings,
    execArgs: [],
    environment: { MOOD: 'fine' },
    workers: 1,
    links: undefined,
    onStep: (line) => {
      steps.push(line);
      revived.resolve();
    },
  });
  t.after(async () => {
    await node.kill();
    await rm(directory, { recursive: true, force: true });
  });
  return { node, steps, revived: revived.promise };
}

async function ask(node: LocalNode, path: string): Promise<string> {
  return (await fetch(`${node.address}${path}`)).text();
}

describe('a node in a process of its own', () => {
  test('It is ready when it says so, and serves at the same address after a kill and a start.', async (t) => {
    const { node } = await nodeOf(t);
    await node.start();
    await node.serving();
    const { pid, address } = node;
    assert.equal(await ask(node, '/'), 'fine');
    await node.kill();
    assert.equal(node.running, false);
    assert.throws(() => node.pid, /does not run/);
    node.setEnvironment({ MOOD: 'better' });
    await node.start();
    assert.notEqual(node.pid, pid);
    assert.equal(node.address, address);
    assert.equal(await ask(node, '/'), 'better');
  });

  test('A process that ends by itself is started again and named with its exit code.', async (t) => {
    const { node, steps, revived } = await nodeOf(t);
    await node.start();
    const { pid } = node;
    await ask(node, '/exit/75');
    await revived;
    await node.serving();
    assert.notEqual(node.pid, pid);
    assert.deepEqual(node.ends, [{ name: 'n1', how: '75' }]);
    assert.match(steps.join(), /n1 ended by itself \(75\)/);
  });

  test('A process that was ended by a call stays ended, also while it was paused.', async (t) => {
    const { node, steps } = await nodeOf(t);
    await node.start();
    node.signal('SIGSTOP');
    await node.stop();
    assert.equal(node.running, false);
    assert.deepEqual(node.ends, []);
    assert.deepEqual(steps, []);
  });

  test('A node that can not start is told with the end of its log, and is not tried again.', async (t) => {
    const { node } = await nodeOf(t, { mood: 'broken' });
    await assert.rejects(node.start(), /n1 did not get ready:[\s\S]*this node can not start/);
    assert.equal(node.running, false);
    assert.deepEqual(node.ends, []);
  });
});
