import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { systemClock } from '../../cluster/clock/index.ts';
import type { MembershipDeps } from './cluster-service.ts';
import { defaultConfig } from './config.ts';
import { announce, NODE_FILE, readAnnouncement } from './files.ts';
import type { LogEntry } from './log.ts';
import { NodeState } from './state.ts';
import { NodeStop } from './stop.ts';

async function parts(
  t: TestContext,
  overrides: { runtimeStop?: () => Promise<void>; membership?: MembershipDeps } = {},
) {
  const data = await mkdtemp(join(tmpdir(), 'starling-stop-'));
  t.after(() => rm(data, { recursive: true }));
  const order: string[] = [];
  const entries: LogEntry[] = [];
  let ends: (why: 'broken' | 'fenced', error: Error) => void = () => assert.fail('nobody listens');
  const state = new NodeState(() => ({ ok: true, detail: 'ok' }));
  state.enter('serving');
  const note = (name: string) => async () => void order.push(name);
  const stop = new NodeStop({
    config: defaultConfig({ data, 'stop.broken_ms': 0, 'stop.grace_ms': 0 }),
    clock: systemClock(),
    backing: {
      close: note('store'),
      drain: note('drain'),
      onEnd: (listener) => (ends = listener),
      ...(overrides.membership === undefined ? {} : { membership: overrides.membership }),
    },
    runtime: { stop: overrides.runtimeStop ?? note('runtime') },
    edge: { drain: note('edge'), close: note('edge') },
    state,
    telemetry: { close: note('telemetry') },
    log: (entry) => entries.push(entry),
  });
  return {
    data,
    order,
    entries,
    state,
    stop,
    fatal: (error: Error) => ends('broken', error),
    fenced: (error: Error) => ends('fenced', error),
  };
}

test('a stop drains the edge, then stops the runtime, then closes the store, and takes the announcement back', async (t) => {
  const { data, order, state, stop } = await parts(t);
  await announce(data, { http: 'http://h', grpc: 'h:1', pid: 1 });
  assert.deepEqual(await readAnnouncement(data), { http: 'http://h', grpc: 'h:1', pid: 1 });
  await Promise.all([stop.request(), stop.request()]);
  assert.deepEqual(order, ['edge', 'runtime', 'store', 'telemetry']);
  assert.equal(await stop.ended, 'stopped');
  assert.equal(await readAnnouncement(data), undefined, NODE_FILE);
  assert.equal(state.health().ok, false);
});

test('a store that fails is said in health and log, and the node ends as broken', async (t) => {
  const { order, entries, state, stop, fatal } = await parts(t);
  fatal(new Error('fsync: EIO'));
  assert.deepEqual(state.health(), { ok: false, detail: 'The store failed: fsync: EIO' });
  assert.equal(entries[0]?.level, 'error');
  assert.equal(await stop.ended, 'broken');
  assert.deepEqual(order, ['edge', 'runtime', 'store', 'telemetry']);
});

test('a part that does not stop in order is logged, and the others are stopped', async (t) => {
  const runtimeStop = async (): Promise<void> => {
    throw new Error('stuck');
  };
  const { order, entries, stop } = await parts(t, { runtimeStop });
  await stop.request();
  assert.deepEqual(order, ['edge', 'store', 'telemetry']);
  assert.ok(entries.some((entry) => JSON.stringify(entry.fields).includes('"part":"runtime"')));
});

test('a part that never answers is cut off at the bound', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { entries, stop } = await parts(t, { runtimeStop: () => new Promise(() => undefined) });
  const done = stop.request();
  t.mock.timers.tick(60_000);
  await done;
  assert.equal(await stop.ended, 'stopped');
  assert.ok(entries.some((entry) => /took too long/.test(entry.message)));
});

test('a member gives its shards away before anything is stopped', async (t) => {
  const { order, stop } = await parts(t, { membership: {} as MembershipDeps });
  await stop.request();
  assert.deepEqual(order, ['drain', 'edge', 'runtime', 'store', 'telemetry']);
});

test('a fenced node ends at once, without a drain, and says that it was fenced', async (t) => {
  const { order, entries, state, stop, fenced } = await parts(t, { membership: {} as MembershipDeps });
  fenced(new Error('taken over'));
  assert.equal(await stop.ended, 'fenced');
  assert.deepEqual(order, ['edge', 'runtime', 'store', 'telemetry']);
  assert.equal(state.health().ok, false);
  assert.match(entries[0]?.message ?? '', /fenced/);
});
