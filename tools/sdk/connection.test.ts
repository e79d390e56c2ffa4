import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kicked_Reason, SessionService } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { SyncService } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { backoff } from './core/backoff.ts';
import type { SdkError } from './errors.ts';
import { lost, refusal } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const { navigate } = SessionService.method;
const unavailable = (retryAfterMs?: number): SdkError =>
  refusal('SHUTTING_DOWN', { status: 'UNAVAILABLE', retryAfterMs });

test('SDK-1: the state goes from connecting to connected and, when the application ends it, to disconnected.', async () => {
  const h = await new Harness().connected();
  assert.equal(h.client.state, 'connected');
  await h.client.disconnect();
  assert.equal(h.client.state, 'disconnected');
  assert.deepEqual(h.states(), ['connecting:connect', 'connected:stream', 'disconnected:closed']);
  assert.equal(h.all('state').at(-1)?.terminal, true);
});

test('SDK-2: Navigate is asked at the base address; Open and later calls go where it sends, with device and cursor.', async () => {
  const h = new Harness({ client: { deviceId: 'phone' } });
  h.server.write('g1');
  h.server.intercept = (call) =>
    call.method === 'Navigate' ? { address: 'http://node-3', userId: 'alice' } : undefined;
  await h.connected();
  assert.equal(h.server.calls[0]?.options.address, 'http://base');
  assert.equal(h.server.stream.address, 'http://node-3');
  assert.equal(h.server.stream.request.deviceId, 'phone');
  assert.ok(!('cursor' in h.server.stream.request));
  h.server.stream.end();
  await h.clock.advance(1_000);
  assert.equal(h.server.streams.length, 2);
  assert.equal(h.server.stream.request.cursor?.userSeq, 2n);
});

test('SDK-3: connect resolves only when caught up, and rejects where the client gives up.', async () => {
  const h = new Harness();
  let release = (): void => undefined;
  h.server.intercept = (call, serve) =>
    call.method === 'ListConversations'
      ? new Promise((resolve) => {
          release = () => resolve(serve());
        })
      : undefined;
  let caughtUp = false;
  const connected = h.client.connect().then(() => {
    caughtUp = true;
  });
  await quiet();
  assert.equal(h.client.state, 'connected');
  assert.equal(caughtUp, false);
  release();
  await connected;
  const refused = new Harness();
  refused.server.intercept = () => {
    throw refusal('TOO_MANY_DEVICES', { status: 'FAILED_PRECONDITION' });
  };
  await assert.rejects(refused.client.connect(), { code: 'TOO_MANY_DEVICES' });
});

test('SDK-4: the wait is uniform below a ceiling of 0.5 s that doubles with each failure up to 20 s.', () => {
  const ceilings = [0, 1, 2, 5, 6, 50].map((attempt) => backoff({ attempt, random: 1 }));
  assert.deepEqual(ceilings, [500, 1_000, 2_000, 16_000, 20_000, 20_000]);
  assert.equal(backoff({ attempt: 3, random: 0 }), 0);
  assert.equal(backoff({ attempt: 3, random: 0.25 }), 1_000);
});

test('SDK-4: failures in a row make the client wait longer each time, as connecting with the reason.', async () => {
  const h = new Harness({ float: 0.5 });
  h.server.intercept = () => {
    throw lost();
  };
  const connecting = h.client.connect();
  connecting.catch(() => undefined);
  await quiet();
  for (const wait of [250, 500, 1_000, 2_000]) {
    assert.deepEqual(h.clock.pending, [wait]);
    await h.clock.advance(wait);
  }
  assert.deepEqual(h.states(), ['connecting:connect', 'connecting:network']);
  await h.client.disconnect();
  await assert.rejects(connecting, { code: 'closed' });
});

test('SDK-5: the wait is never shorter than RetryInfo, and spread over reconnect_spread_ms after a stream ended.', async () => {
  assert.equal(backoff({ attempt: 0, random: 0, retryAfterMs: 700 }), 700);
  assert.equal(backoff({ attempt: 0, random: 1, spreadMs: 30_000 }), 30_000);
  const h = new Harness({ float: 0.5 });
  h.server.reconnectSpreadMs = 8_000;
  await h.connected();
  h.server.stream.end(unavailable());
  await quiet();
  assert.ok(h.clock.pending.includes(4_000));
  const busy = new Harness({ float: 0 });
  await busy.connected();
  busy.server.stream.end(unavailable(2_500));
  await quiet();
  assert.ok(busy.clock.pending.includes(2_500));
});

test('SDK-6: the back-off starts anew only after a stream that stood for 5 s.', async () => {
  const h = await new Harness({ float: 0.5 }).connected();
  h.server.stream.end();
  await h.clock.advance(250);
  assert.equal(h.server.streams.length, 2);
  h.server.stream.end();
  await h.clock.advance(499);
  assert.equal(h.server.streams.length, 2, 'the second wait is longer');
  await h.clock.advance(1);
  assert.equal(h.server.streams.length, 3);
  await h.clock.advance(5_000);
  h.server.stream.end();
  await h.clock.advance(250);
  assert.equal(h.server.streams.length, 4);
});

for (const status of [
  'INVALID_ARGUMENT',
  'PERMISSION_DENIED',
  'FAILED_PRECONDITION',
  'NOT_FOUND',
  'UNIMPLEMENTED',
] as const) {
  test(`SDK-7: a stream refused with ${status} ends the client with the server's reason.`, async () => {
    const h = new Harness();
    h.server.welcomes = false;
    const connecting = assert.rejects(h.client.connect(), { code: 'REASON' });
    await quiet();
    h.server.stream.end(refusal('REASON', { status }));
    await connecting;
    assert.deepEqual(h.states().at(-1), 'disconnected:REASON');
    assert.deepEqual(h.clock.pending, []);
  });
}

test('SDK-9: two missing heartbeats end the stream; any frame is a sign of life.', async () => {
  const h = await new Harness({ float: 0 }).connected();
  await h.clock.advance(39_000);
  h.server.stream.push({ case: 'heartbeat', value: { headUserSeq: 0n } });
  await h.clock.advance(39_999);
  assert.equal(h.server.streams.length, 1);
  await h.clock.advance(1);
  assert.equal(h.server.streams.length, 2);
  assert.deepEqual(h.states().slice(-2), ['connecting:network', 'connected:stream']);
});

test('SDK-10: Rotate moves to the address it names within its spread, without leaving the state connected.', async () => {
  const h = await new Harness({ float: 0.5 }).connected();
  h.server.stream.push({ case: 'rotate', value: { spreadMs: 6_000, address: 'http://node-9' } });
  await h.clock.advance(2_999);
  assert.equal(h.server.streams.length, 1);
  await h.clock.advance(1);
  assert.equal(h.server.streams.length, 2);
  assert.equal(h.server.stream.address, 'http://node-9');
  assert.equal(h.server.requests(navigate).length, 1);
  assert.deepEqual(h.states(), ['connecting:connect', 'connected:stream']);
  h.server.stream.push({ case: 'rotate', value: { spreadMs: 0, address: '' } });
  await h.clock.advance(0);
  assert.equal(h.server.requests(navigate).length, 2, 'without an address Navigate is asked');
  assert.equal(h.server.streams.length, 3);
});

test('SDK-12: Kicked because replaced or signed out ends the client for good; connect begins anew.', async () => {
  for (const [reason, code] of [
    [Kicked_Reason.REPLACED, 'kicked_replaced'],
    [Kicked_Reason.SIGNED_OUT, 'kicked_signed_out'],
    [77 as Kicked_Reason, 'kicked_signed_out'],
  ] as const) {
    const h = await new Harness().connected();
    h.server.stream.push({ case: 'kicked', value: { reason } });
    await h.clock.advance(600_000);
    assert.deepEqual(h.states().at(-1), `disconnected:${code}`);
    assert.equal(h.all('state').at(-1)?.terminal, true);
    assert.equal(h.server.streams.length, 1);
    await h.connected();
    assert.equal(h.server.streams.length, 2);
  }
});

test('SDK-13: what a former stream still says changes nothing.', async () => {
  const h = await new Harness({ float: 0 }).connected();
  const former = h.server.stream;
  former.push({ case: 'rotate', value: { spreadMs: 0, address: 'http://node-9' } });
  await h.clock.advance(0);
  former.push({ case: 'kicked', value: { reason: Kicked_Reason.REPLACED } });
  former.end(unavailable());
  await quiet();
  assert.equal(h.client.state, 'connected');
  assert.equal(h.server.streams.length, 2);
});

test('SDK-14: without a Welcome in 3 s the client polls, is connected by the first answer, and tries the stream again.', async () => {
  const h = new Harness();
  h.server.welcomes = false;
  h.server.write('g1');
  const connecting = h.client.connect();
  await h.clock.advance(2_999);
  assert.equal(h.client.state, 'connecting');
  await h.clock.advance(1);
  await connecting;
  assert.deepEqual(h.states().at(-1), 'connected:poll');
  assert.equal(h.server.stream.ended, true);
  assert.deepEqual(
    h.server.requests(SyncService.method.pull).map((each) => each.waitMs),
    [0, 25_000],
  );
  h.server.write('g1');
  await quiet();
  assert.deepEqual(h.seqs('g1'), [3n], 'a long poll brings news at once');
  h.server.welcomes = true;
  await h.clock.advance(60_000);
  assert.equal(h.server.streams.length, 2);
  assert.deepEqual(h.states().at(-1), 'connected:stream');
  const polls = h.server.requests(SyncService.method.pull).length;
  h.server.write('g1');
  await quiet();
  assert.equal(h.server.requests(SyncService.method.pull).length, polls, 'the polls have ended');
});

test('SDK-14: a stream that still does not get through leaves the polls as they are.', async () => {
  const h = new Harness();
  h.server.welcomes = false;
  const connecting = h.client.connect();
  await h.clock.advance(3_000);
  await connecting;
  await h.clock.advance(63_000);
  assert.equal(h.server.streams.length, 2);
  assert.equal(h.client.state, 'connected');
  await h.clock.advance(63_000);
  assert.equal(h.server.streams.length, 3);
});

test('SDK-15: a long poll that fails is a lost connection: the client waits and begins with Navigate.', async () => {
  const h = new Harness({ float: 0.5 });
  h.server.welcomes = false;
  const connecting = h.client.connect();
  await h.clock.advance(3_000);
  await connecting;
  h.server.intercept = (call) => {
    if (call.method === 'Pull') throw lost();
    return undefined;
  };
  h.server.write('g1');
  await h.clock.advance(60_000);
  assert.ok(h.states().includes('connecting:network'));
  assert.ok(h.server.requests(navigate).length > 1);
});

test('SDK-16: when the network is said to be back the wait ends at once.', async () => {
  const h = new Harness({ float: 0.999 });
  let down = true;
  h.server.intercept = () => {
    if (down) throw lost();
    return undefined;
  };
  const connecting = h.client.connect();
  await h.clock.advance(30_000);
  down = false;
  h.online();
  await quiet();
  await connecting;
  assert.equal(h.client.state, 'connected');
});
