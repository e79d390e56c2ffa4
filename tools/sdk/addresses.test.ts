import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncService } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { SdkError } from './errors.ts';
import { lost, refusal } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const unavailable = (): SdkError => refusal('SHUTTING_DOWN', { status: 'UNAVAILABLE' });

test('SDK-2: every Open of a client says which of its session it is, so that a late one does not end a later one.', async () => {
  const h = await new Harness({ float: 0 }).connected();
  h.server.stream.end();
  await h.clock.advance(1_000);
  const [first, second] = h.server.streams.map(({ request }) => request);
  assert.ok(first !== undefined && second !== undefined);
  assert.notEqual(first.session, 0n);
  assert.equal(first.session, second.session);
  assert.ok(first.attempt > 0 && second.attempt > first.attempt);
  const other = await new Harness({ seed: 2 }).connected();
  assert.notEqual(other.server.stream.request.session, first.session);
});

test('SDK-2: where the address that Navigate gives is not reached, the stream is opened at the base address.', async () => {
  const h = new Harness({ float: 0.5 });
  let address = 'http://node-3';
  h.server.intercept = (call) => (call.method === 'Navigate' ? { address, userId: 'alice' } : undefined);
  h.server.welcomes = false;
  const connecting = h.client.connect();
  await quiet();
  assert.equal(h.server.stream.address, 'http://node-3');
  h.server.stream.end(lost());
  h.server.welcomes = true;
  await h.clock.advance(1_000);
  await connecting;
  assert.equal(h.server.stream.address, 'http://base');
  h.server.stream.push({ case: 'rotate', value: { spreadMs: 0, address: 'http://node-3' } });
  await h.clock.advance(1_000);
  assert.equal(h.server.streams.length, 2, 'it is not sent there again');
  address = 'http://node-4';
  h.server.stream.end(unavailable());
  await h.clock.advance(3_000);
  assert.equal(h.server.stream.address, 'http://node-4');
});

test('SDK-2: an address without a Welcome in time is left for the base address, and polls begin only there.', async () => {
  const h = new Harness({ float: 0.5 });
  h.server.intercept = (call) =>
    call.method === 'Navigate' ? { address: 'http://node-3', userId: 'alice' } : undefined;
  h.server.welcomes = false;
  const connecting = h.client.connect();
  await h.clock.advance(3_000);
  assert.equal(h.server.requests(SyncService.method.pull).length, 0);
  await h.clock.advance(250);
  assert.equal(h.server.stream.address, 'http://base');
  await h.clock.advance(3_000);
  await connecting;
  assert.deepEqual(h.states().at(-1), 'connected:poll');
});

test('SDK-2: where the base address is not reached, Navigate is asked by turns where the last stream stood.', async () => {
  const h = new Harness({ float: 0.5 });
  let down = false;
  h.server.intercept = (call) => {
    if (call.method !== 'Navigate') return undefined;
    if (down && call.options.address === 'http://base') throw lost();
    return { address: down ? '' : 'http://node-3', userId: 'alice' };
  };
  await h.connected();
  down = true;
  h.server.stream.end(unavailable());
  await h.clock.advance(10_000);
  const asked = h.server.calls.filter(({ method }) => method === 'Navigate');
  assert.deepEqual(
    asked.map(({ options }) => options.address),
    ['http://base', 'http://base', 'http://node-3'],
  );
  assert.equal(h.client.state, 'connected');
  assert.equal(h.server.stream.address, 'http://node-3', 'empty = where it was asked');
});

test('SDK-10: a Rotate to an address that is not reached costs a wait, and the client stays where it can be.', async () => {
  const h = await new Harness({ float: 0.5 }).connected();
  h.server.welcomes = false;
  h.server.stream.push({ case: 'rotate', value: { spreadMs: 0, address: 'http://node-9' } });
  await h.clock.advance(0);
  assert.equal(h.server.stream.address, 'http://node-9');
  h.server.stream.end(lost());
  h.server.welcomes = true;
  await h.clock.advance(1_000);
  assert.equal(h.server.stream.address, 'http://base');
  h.server.stream.push({ case: 'rotate', value: { spreadMs: 0, address: 'http://node-9' } });
  await h.clock.advance(1_000);
  assert.equal(h.server.streams.length, 3);
  assert.equal(h.client.state, 'connected');
  h.online();
  h.server.stream.push({ case: 'rotate', value: { spreadMs: 0, address: 'http://node-9' } });
  await h.clock.advance(0);
  assert.equal(h.server.stream.address, 'http://node-9');
});

test('SDK-10: a stream that ends after its Rotate, before the client has left, is opened again after a random wait.', async () => {
  const h = await new Harness({ float: 0.5 }).connected();
  h.server.reconnectSpreadMs = 8_000;
  h.server.stream.end(unavailable());
  await h.clock.advance(10_000);
  h.server.stream.push({ case: 'rotate', value: { spreadMs: 8_000, address: '' } });
  h.server.stream.end(refusal('NOT_OWNER', { status: 'UNAVAILABLE', retryAfterMs: 100 }));
  await h.clock.advance(3_999);
  assert.equal(h.server.streams.length, 2);
  await h.clock.advance(1);
  assert.equal(h.server.streams.length, 3);
  assert.equal(h.client.state, 'connected');
});
