import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { systemClock } from '../../cluster/clock/index.ts';
import { startEdge } from '../../cluster/edge/index.ts';
import { type Cluster, SHARDS, three } from '../../cluster/membership/testing/model-cluster.ts';
import type { ServiceBinding } from '../../runtime/service.ts';
import { depsAlone, depsOf } from '../node/cluster-service.fixture.ts';
import { type ClusterServiceDeps, clusterService } from '../node/cluster-service.ts';
import { announce, ensureKeyFile, openAuthority } from '../node/internal.ts';
import type { Io } from './io.ts';
import { run } from './program.ts';

/** Serves the cluster service on a real port; the model's time goes on by `passMs` before every question for a member. */
async function serve(t: TestContext, deps: ClusterServiceDeps, pass: () => Promise<void> = async () => {}) {
  const data = await mkdtemp(join(tmpdir(), 'starling-cluster-'));
  t.after(() => rm(data, { recursive: true }));
  await ensureKeyFile(join(data, 'signing-key.json'));
  const authenticator = await openAuthority(join(data, 'signing-key.json'));
  assert.ok(authenticator !== undefined);
  const { service, allow, handlers } = clusterService(deps);
  const { getNode } = handlers;
  assert.ok(getNode !== undefined);
  const later = async (...[request, context]: Parameters<typeof getNode>) => {
    await pass();
    return (getNode as (...all: unknown[]) => unknown)(request, context);
  };
  const binding = { service, allow, handlers: { ...handlers, getNode: later } } as ServiceBinding;
  const edge = await startEdge({
    services: [binding],
    authenticator,
    clock: systemClock(),
    http: { host: '127.0.0.1', port: 0 },
    grpc: { host: '127.0.0.1', port: 0 },
    health: () => ({ ok: true, detail: 'ok' }),
    allowedOrigins: '*',
  });
  t.after(() => edge.close());
  await announce(data, { http: `http://${edge.httpAddress}`, grpc: edge.grpcAddress, pid: process.pid });
  return data;
}

/** Three nodes, of which `a` is the one that is asked. */
async function cluster(t: TestContext): Promise<{ readonly data: string; readonly cluster: Cluster }> {
  const model = await three();
  const deps = depsOf(model, 'a', () => undefined);
  return { data: await serve(t, deps, () => model.clock.advance(20_000)), cluster: model };
}

async function cli(data: string, ...args: readonly string[]) {
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => {
      out += text;
    },
    drained: async () => undefined,
    err: (text) => {
      err += text;
    },
    outTty: false,
    errTty: false,
    columns: 100,
    environment: { XDG_CONFIG_HOME: data },
    now: () => Date.now(),
    monotonic: () => performance.now(),
    self: 'starling',
    interruption: () => new AbortController().signal,
  };
  const code = await run([...args, '--data', data], io);
  return { code, out, err };
}

test('the status of a cluster that is well ends with 0, also as a check, and has stable names as JSON', async (t) => {
  const { data } = await cluster(t);
  const shown = await cli(data, 'cluster', 'status', '--check');
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^cluster +starling, role core, seen by a\nshards +64 of 64 served\n/);
  const waited = await cli(data, 'cluster', 'status', '--wait', '1s', '-o', 'json');
  assert.equal(waited.code, 0, waited.err);
  const json = JSON.parse(waited.out) as Record<string, unknown>;
  assert.deepEqual([json['shards_total'], json['shards_unserved'], json['problems']], [SHARDS, 0, []]);
  assert.equal((await cli(data, 'cluster', 'status', '--members', '3')).code, 0);
  const few = await cli(data, 'cluster', 'status', '--members', '4');
  assert.deepEqual([few.code, few.err], [1, 'error: 3 members are ready and well, not 4.\n']);
  const list = await cli(data, 'node', 'list');
  assert.match(list.out, /\nc +ready .* c-1 +c:1\n/);
});

test('a cluster with a problem is shown with exit 0, and ends a check with 1', async (t) => {
  const { data, cluster: model } = await cluster(t);
  model.kill('c');
  const shown = await cli(data, 'cluster', 'status');
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^! SHARD_UNSERVED .*\n {2}.*\n! MEMBER_SILENT {2}c \(c-1\) does not answer/);
  const checked = await cli(data, 'cluster', 'status', '--check', '-o', 'json');
  assert.equal(checked.code, 1);
  assert.match(checked.err, /2 problems, listed above/);
  const { problems } = JSON.parse(checked.out) as { problems: { reason: string }[] };
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    ['SHARD_UNSERVED', 'MEMBER_SILENT'],
  );
});

test('a node is drained until it serves nothing, taken back, drained again and removed', async (t) => {
  const { data, cluster: model } = await cluster(t);
  const dry = await cli(data, 'node', 'drain', 'b', '--dry-run');
  assert.deepEqual([dry.code, dry.err], [0, '']);
  assert.match(dry.out, /^b would give away \d+ shards: \d+ to a, \d+ to c\.\n$/);
  const early = await cli(data, 'node', 'remove', 'b');
  assert.equal(early.code, 4);
  assert.match(early.err, /b runs and serves \d+ shards\. Drain it first: starling node drain b/);
  const drained = await cli(data, 'node', 'drain', 'b');
  assert.equal(drained.code, 0, drained.err);
  assert.match(drained.out, /^b serves no shard any more/);
  assert.equal(model.served()['b'], 0);
  assert.match((await cli(data, 'node', 'show', 'b')).out, /state +drained, well/);
  assert.equal((await cli(data, 'node', 'uncordon', 'b', '--dry-run')).out, 'b would take shards again.\n');
  assert.equal((await cli(data, 'node', 'uncordon', 'b')).out, 'b takes shards again.\n');
  const due = await cli(data, 'cluster', 'status', '--wait', '0s');
  assert.equal(due.code, 1, 'the plan that gives it shards is due, though not written yet');
  assert.match(due.err, /shards are still to be moved/);
  assert.equal((await cli(data, 'node', 'uncordon', 'b')).out, 'b takes shards already.\n');
  const again = await cli(data, 'node', 'drain', 'b', '-o', 'json');
  const { shards_left, changed } = JSON.parse(again.out) as { shards_left: number; changed: boolean };
  assert.deepEqual([again.code, shards_left, changed], [0, 0, true]);
  const would = await cli(data, 'node', 'remove', 'b', '--dry-run');
  assert.equal(would.out, 'b serves nothing and would be stopped.\n');
  const removed = await cli(data, 'node', 'remove', 'b', '--no-wait');
  assert.equal(removed.out, 'b is stopping. Started again, it joins as a new process.\n');
  assert.deepEqual(model.stopped, ['b']);
});

test('a removal waits until the process is gone', async (t) => {
  const { data, cluster: model } = await cluster(t);
  await cli(data, 'node', 'drain', 'b');
  const control = model.controls.get('b');
  assert.ok(control !== undefined);
  const answer = control.answer.bind(control);
  control.answer = (incarnation, command) => {
    const given = answer(incarnation, command);
    if (command.kind === 'stop') model.kill('b');
    return given;
  };
  const removed = await cli(data, 'node', 'remove', 'b');
  assert.deepEqual(
    [removed.code, removed.out],
    [0, 'b is stopped. Started again, it joins as a new process.\n'],
  );
});

test('a node that is gone is fenced at once, by force also one that is not', async (t) => {
  const { data, cluster: model } = await cluster(t);
  const forced = await cli(data, 'node', 'remove', 'c', '--force');
  assert.equal(forced.code, 0, forced.err);
  assert.match(forced.out, /^c-1 is fenced, 2 members were told/);
  assert.equal(model.table.lives.get('c-1'), 'fenced');
  assert.equal((await cli(data, 'node', 'show', 'nobody')).code, 5);
});

test('shards are listed and shown by number or actor', async (t) => {
  const { data } = await cluster(t);
  const all = await cli(data, 'shard', 'list', '-o', 'json');
  const { shards } = JSON.parse(all.out) as { shards: { shard: number; serving_nodes: string[] }[] };
  assert.equal(shards.length, SHARDS);
  assert.equal((await cli(data, 'shard', 'list', '--only', 'unserved')).out, '0 of 64 shards\n');
  assert.match((await cli(data, 'shard', 'list', '--node', 'b')).out, /served {2}b {8}b\n/);
  assert.match((await cli(data, 'shard', 'show', '3')).out, /^shard +3, served\n/);
  const byActor = await cli(data, 'shard', 'show', '--actor', 'target/k7');
  assert.match(byActor.out, /row +epoch \d+, owner [abc]-1, which may serve/);
  assert.equal((await cli(data, 'shard', 'show', '64')).code, 4);
  assert.equal((await cli(data, 'shard', 'show')).code, 2);
  assert.equal((await cli(data, 'shard', 'show', '3', '--actor', 'target/k7')).code, 2);
});

test('a node on its own is a cluster of one, whose shards stay', async (t) => {
  const data = await serve(t, depsAlone());
  const shown = await cli(data, 'cluster', 'status', '--check');
  assert.equal(shown.code, 0);
  assert.match(
    shown.out,
    /^cluster +none: a node on its own, seen by local\nshards +8 of 8 served\nlmdb +ok\n/,
  );
  const drained = await cli(data, 'node', 'drain', 'local');
  assert.equal(drained.code, 4);
  assert.match(drained.err, /This node is on its own .* send it SIGTERM/);
});
