import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConversationService } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { FullSync_Reason, SyncService } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { Timeline } from './core/timeline.ts';
import { memoryStore } from './memory.ts';
import { FakeServer, lost, refusal } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const { listConversations } = ConversationService.method;
const { pull } = SyncService.method;

/** Holds the answers of a method back; each call of the result lets one go. */
function holdBack(server: FakeServer, method: string): () => void {
  const held: (() => void)[] = [];
  server.intercept = (call, serve) => {
    if (call.method !== method) return undefined;
    const answer = serve();
    return new Promise((resolve) => held.push(() => resolve(answer)));
  };
  return () => held.shift()?.();
}

function fill(server: FakeServer, conversations: number): void {
  for (let each = 0; each < conversations; each += 1) server.write(`g${each}`);
}

test('SDK-29: a device that knows nothing rebuilds from all pages and goes on from the cursor of the first one.', async () => {
  const h = new Harness();
  fill(h.server, 5);
  h.server.pageSize = 2;
  await h.connected();
  assert.equal(h.server.requests(listConversations).length, 3);
  assert.deepEqual(h.all('reset'), [{ reason: 'NO_CURSOR' }]);
  assert.deepEqual(await h.view(), h.expected());
});

for (const reason of ['TRIMMED', 'TOO_FAR', 'INCARNATION', 'MISMATCH'] as const) {
  test(`SDK-29: FullSync{${reason}} as a frame rebuilds the view and tells the application.`, async () => {
    const h = new Harness();
    fill(h.server, 2);
    await h.connected();
    h.server.stream.end();
    await h.clock.advance(1_000);
    fill(h.server, 4);
    h.server.stream.push({ case: 'fullSync', value: { reason: FullSync_Reason[reason] } });
    await quiet();
    assert.deepEqual(h.all('reset').at(-1), { reason });
    assert.deepEqual(await h.view(), h.expected());
  });
}

test('SDK-29: FullSync as the answer of a pull rebuilds the view.', async () => {
  const h = new Harness();
  fill(h.server, 1);
  await h.connected();
  fill(h.server, 3);
  h.server.trimmed = 4n;
  h.server.stream.push({ case: 'notify', value: { headUserSeq: h.server.head } });
  await quiet();
  assert.deepEqual(h.all('reset').at(-1), { reason: 'TRIMMED' });
  assert.deepEqual(await h.view(), h.expected());
});

test('SDK-30: pushes that come during a rebuild are merged behind its cursor, and a hole among them is pulled.', async () => {
  const h = new Harness();
  fill(h.server, 2);
  const release = holdBack(h.server, 'ListConversations');
  const connecting = h.client.connect();
  await quiet();
  // Pinned at 4. Of what follows, 6 is lost on its way.
  for (let each = 0; each < 4; each += 1) h.server.write('g0');
  h.server.push(3n, 4n, 5n);
  h.server.push(7n, 8n);
  await quiet();
  assert.deepEqual(h.seqs('g0'), []);
  release();
  await connecting;
  assert.equal(h.server.requests(pull).length, 1);
  assert.equal(h.server.requests(pull)[0]?.cursor?.userSeq, 5n);
  assert.deepEqual(h.seqs('g0'), [3n, 4n, 5n, 6n]);
  assert.deepEqual(await h.view(), h.expected());
});

test('SDK-30: an answer to a pull from before a rebuild changes nothing.', async () => {
  const h = new Harness();
  fill(h.server, 1);
  await h.connected();
  const release = holdBack(h.server, 'Pull');
  h.server.write('g0');
  h.server.stream.push({ case: 'notify', value: { headUserSeq: 3n } });
  await quiet();
  h.server.restart(9n);
  fill(h.server, 1);
  h.server.intercept = undefined;
  h.server.stream.push({ case: 'fullSync', value: { reason: FullSync_Reason.MISMATCH } });
  await quiet();
  release();
  await quiet();
  assert.deepEqual(await h.view(), h.expected());
  assert.deepEqual(h.seqs('g0'), []);
});

test('SDK-31: a Welcome of another incarnation voids the cursor.', async () => {
  const h = new Harness();
  fill(h.server, 2);
  await h.connected();
  h.server.restart(8n);
  fill(h.server, 1);
  h.server.stream.end();
  await h.clock.advance(1_000);
  assert.deepEqual(h.all('reset').at(-1), { reason: 'INCARNATION' });
  assert.deepEqual(await h.view(), h.expected());
});

test('SDK-31: a rebuild that ends in another incarnation than the stream has opens another stream.', async () => {
  const h = new Harness();
  fill(h.server, 2);
  await h.connected();
  h.server.restart(8n);
  fill(h.server, 1);
  h.server.stream.push({ case: 'fullSync', value: { reason: FullSync_Reason.MISMATCH } });
  await quiet();
  const former = new FakeServer();
  former.write('former');
  former.write('former');
  h.server.stream.push({ case: 'deliveries', value: { deliveries: former.timeline.slice(2) } });
  await h.clock.advance(10);
  assert.deepEqual(h.seqs('former'), [], 'what the former timeline still pushes is not of this one');
  assert.equal(h.server.streams.length, 2);
  assert.equal(h.server.stream.request.cursor?.timelineIncarnation, 8n);
  h.server.pushes = true;
  h.server.write('g0');
  await quiet();
  assert.deepEqual(await h.view(), h.expected());
});

test('SDK-32: a rebuild that is interrupted starts over; until its last page there is no cursor.', async () => {
  const store = memoryStore();
  const h = new Harness({ store, float: 0.5 });
  fill(h.server, 6);
  h.server.pageSize = 2;
  h.server.intercept = (call) => {
    if (call.method !== 'ListConversations') return undefined;
    const token = (call.request as { pageToken: string }).pageToken;
    if (token === '4') return new Promise(() => undefined);
    return undefined;
  };
  const connecting = h.client.connect();
  await quiet();
  assert.equal((await h.client.conversations()).length, 4, 'what has come is shown');
  assert.equal(await store.cursor(), undefined);
  h.server.stream.end();
  h.server.intercept = undefined;
  await h.clock.advance(1_000);
  await connecting;
  assert.equal(h.all('reset').length, 2);
  assert.deepEqual(await h.view(), h.expected());
  assert.ok((await store.cursor()) !== undefined);
});

test('SDK-32: a page that fails is asked for again; one that is refused begins the rebuild anew.', async () => {
  const h = new Harness({ float: 0.5 });
  fill(h.server, 4);
  h.server.pageSize = 2;
  const failures = [lost(), refusal('INVALID_REQUEST', { status: 'INVALID_ARGUMENT' })];
  h.server.intercept = (call) => {
    if (call.method !== 'ListConversations') return undefined;
    if ((call.request as { pageToken: string }).pageToken !== '2') return undefined;
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return undefined;
  };
  const connecting = h.client.connect();
  await h.clock.advance(5_000);
  await connecting;
  const tokens = h.server.requests(listConversations).map((each) => each.pageToken);
  assert.deepEqual(tokens, ['', '2', '2', '', '2']);
  assert.deepEqual(await h.view(), h.expected());
});

test('SDK-35: a FullSync that follows a rebuild on the same line is checked by a pull.', async () => {
  const h = new Harness();
  fill(h.server, 1);
  await h.connected();
  h.server.stream.push({ case: 'fullSync', value: { reason: FullSync_Reason.NO_CURSOR } });
  await quiet();
  assert.equal(h.server.requests(listConversations).length, 1);
  assert.equal(h.all('reset').length, 1);
});

test('SDK-30: the core takes no answer of an earlier generation, nor one twice.', () => {
  const server = new FakeServer();
  server.write('g0');
  const timeline = new Timeline({ incarnation: 7n, seq: 0n, check: 0n }, () => 0.5);
  timeline.handle({ kind: 'welcome', incarnation: 7n, head: 2n, windowDeliveries: 0 });
  const answer = { deliveries: server.timeline, head: 2n, fullSync: undefined };
  assert.deepEqual(timeline.handle({ kind: 'pulled', generation: 0, answer }), []);
  const taken = timeline.handle({ kind: 'pulled', generation: 2, answer });
  assert.deepEqual(
    taken.map((effect) => effect.kind),
    ['apply'],
  );
  assert.deepEqual(timeline.handle({ kind: 'pulled', generation: 2, answer }), []);
});
