import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kicked_Reason, SessionService } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { SdkError } from './errors.ts';
import { lost, refusal } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const { navigate, refresh, listDevices } = SessionService.method;

test('SDK-8: a refused token is replaced at once, then after waits; the third refusal in a row ends the client.', async () => {
  const h = new Harness({ float: 0.5 });
  h.server.intercept = () => {
    throw refusal('TOKEN_EXPIRED', { status: 'UNAUTHENTICATED' });
  };
  const connecting = assert.rejects(h.client.connect(), { code: 'token' });
  await quiet();
  assert.equal(h.tokens, 2);
  await h.clock.advance(10_000);
  await connecting;
  assert.equal(h.tokens, 3);
  assert.equal(h.server.requests(navigate).length, 3);
});

test('SDK-8: a token source that says the user is signed out ends the client; any other failure is waited for.', async () => {
  let failure = new Error('offline');
  const h = new Harness({ float: 0.5, client: { token: () => Promise.reject(failure) } });
  const connecting = assert.rejects(h.client.connect(), { code: 'token' });
  await quiet();
  assert.deepEqual(h.states().at(-1), 'connecting:network');
  failure = new SdkError('token', 'Signed out.');
  await h.clock.advance(1_000);
  await connecting;
});

test('SDK-11: TokenExpiring has a new token sent by Refresh, repeated until it succeeds.', async () => {
  const h = await new Harness({ float: 0.5 }).connected();
  let failures = 2;
  h.server.intercept = (call) => {
    if (call.method !== 'Refresh' || failures === 0) return undefined;
    failures -= 1;
    throw lost();
  };
  h.server.stream.push({ case: 'tokenExpiring', value: { expireTimeMs: 1n } });
  await h.clock.advance(5_000);
  assert.equal(h.server.requests(refresh).length, 3);
  const last = h.server.calls.filter((call) => call.method === 'Refresh').at(-1);
  assert.equal(last?.options.token, `token-${h.tokens}`);
  assert.equal(h.server.streams.length, 1, 'the stream goes on');
  assert.equal(h.client.state, 'connected');
});

test('SDK-12: Kicked because the token ended is a refused token: a new one is asked for.', async () => {
  const h = await new Harness().connected();
  h.server.stream.push({ case: 'kicked', value: { reason: Kicked_Reason.TOKEN_EXPIRED } });
  await quiet();
  assert.equal(h.server.streams.length, 2);
  assert.equal(h.server.stream.token, 'token-2');
  assert.equal(h.client.state, 'connected');
});

test('SDK-17: a unary call has a deadline of 10 s and renews a refused token once.', async () => {
  const h = await new Harness().connected();
  let refusals = 1;
  h.server.intercept = (call) => {
    if (call.method === 'GetGroup') return new Promise(() => undefined);
    if (call.method !== 'ListDevices') return undefined;
    refusals -= 1;
    if (refusals >= 0) throw refusal('TOKEN_EXPIRED', { status: 'UNAUTHENTICATED' });
    return { devices: [] };
  };
  const late = assert.rejects(h.client.group('g1'), { code: 'DEADLINE_EXCEEDED' });
  await h.clock.advance(10_000);
  await late;
  assert.deepEqual(await h.client.devices(), []);
  assert.equal(h.server.requests(listDevices).length, 2);
  refusals = 2;
  await assert.rejects(h.client.devices(), { code: 'TOKEN_EXPIRED' });
});
