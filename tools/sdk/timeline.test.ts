import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { SessionService } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { DeliverySchema, PullResponseSchema, SyncService } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { LocalChange } from './api.ts';
import { Merge } from './core/merge.ts';
import { LIMITS } from './limits.ts';
import { memoryStore } from './memory.ts';
import { lost } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const { ack } = SessionService.method;
const { pull } = SyncService.method;

/** Connected, with one conversation of which two entries are known. */
async function ready(): Promise<Harness> {
  const h = new Harness();
  h.server.write('g1');
  await h.connected();
  h.server.calls.length = 0;
  return h;
}

test('SDK-20: an entry is taken iff it follows the cursor; lower ones are dropped, higher ones wait.', () => {
  const merge = new Merge({ incarnation: 1n, seq: 5n, check: 0n });
  const entry = (seq: bigint) => create(DeliverySchema, { userSeq: seq, check: seq });
  assert.equal(merge.offer([entry(4n), entry(5n)]), undefined);
  assert.equal(merge.offer([entry(8n), entry(7n)]), undefined);
  assert.equal(merge.hasHole, true);
  const taken = merge.offer([entry(6n)]);
  assert.deepEqual(
    taken?.deliveries.map((each) => each.userSeq),
    [6n, 7n, 8n],
  );
  assert.deepEqual(taken?.position, { incarnation: 1n, seq: 8n, check: 8n });
  assert.equal(merge.hasHole, false);
});

test('SDK-21: a hole among pushes starts a pull at once; what lies beyond it is kept, up to a bound.', async () => {
  const h = await ready();
  for (let each = 0; each < 4; each += 1) h.server.write('g1');
  h.server.push(4n, 5n);
  await quiet();
  assert.equal(h.server.requests(pull).length, 1);
  assert.deepEqual(h.seqs('g1'), [3n, 4n, 5n, 6n]);
  const merge = new Merge({ incarnation: 1n, seq: 0n, check: 0n });
  const many = Array.from({ length: LIMITS.bufferedDeliveriesMax + 50 }, (_each, at) =>
    create(DeliverySchema, { userSeq: BigInt(at + 2) }),
  );
  merge.offer(many);
  const first = create(DeliverySchema, { userSeq: 1n });
  assert.equal(merge.offer([first])?.deliveries.length, LIMITS.bufferedDeliveriesMax + 1);
});

test('SDK-22: repeated and disordered pushes reach the application once each and in order.', async () => {
  const h = await ready();
  for (let each = 0; each < 5; each += 1) h.server.write('g1');
  h.server.push(3n, 4n);
  h.server.push(4n, 3n);
  h.server.push(7n);
  h.server.push(6n, 5n);
  h.server.push(7n, 5n);
  await quiet();
  assert.deepEqual(h.seqs('g1'), [3n, 4n, 5n, 6n, 7n]);
  assert.deepEqual(await h.view(), h.expected());
});

test('SDK-23: Notify makes the client pull page by page up to the head it names, and nothing where it has that.', async () => {
  const h = await ready();
  h.server.pullMax = 3;
  for (let each = 0; each < 8; each += 1) h.server.write('g1');
  h.server.stream.push({ case: 'notify', value: { headUserSeq: h.server.head } });
  await quiet();
  assert.equal(h.server.requests(pull).length, 3);
  assert.equal(h.seqs('g1').length, 8);
  h.server.stream.push({ case: 'notify', value: { headUserSeq: h.server.head } });
  await quiet();
  assert.equal(h.server.requests(pull).length, 3);
});

test('SDK-23: a Notify that comes while a pull is under way is not forgotten.', async () => {
  const h = await ready();
  const answers: (() => void)[] = [];
  h.server.intercept = (call, serve) => {
    if (call.method !== 'Pull' || answers.length > 0) return undefined;
    const answer = serve();
    return new Promise((resolve) => answers.push(() => resolve(answer)));
  };
  h.server.write('g1');
  h.server.stream.push({ case: 'notify', value: { headUserSeq: 3n } });
  await quiet();
  h.server.write('g1');
  h.server.stream.push({ case: 'notify', value: { headUserSeq: 4n } });
  await quiet();
  answers[0]?.();
  await quiet();
  assert.deepEqual(h.seqs('g1'), [3n, 4n]);
});

test('SDK-24: a heartbeat whose head is ahead shows a lost push: the client pulls.', async () => {
  const h = await ready();
  h.server.write('g1');
  h.server.stream.push({ case: 'heartbeat', value: { headUserSeq: 3n } });
  await quiet();
  assert.deepEqual(h.seqs('g1'), [3n]);
  h.server.stream.push({ case: 'heartbeat', value: { headUserSeq: 3n } });
  await quiet();
  assert.equal(h.server.requests(pull).length, 1);
});

test('SDK-25: after a Welcome a gap within the window is left to pushes for 1 s; a longer one is pulled at once.', async () => {
  const h = await ready();
  h.server.stream.end();
  h.server.write('g1');
  await h.clock.advance(600);
  assert.equal(h.server.streams.length, 2);
  const before = h.server.requests(pull).length;
  assert.equal(before, 0);
  await h.clock.advance(1_000);
  assert.equal(h.server.requests(pull).length, 1);
  h.server.stream.end();
  for (let each = 0; each < 40; each += 1) h.server.write('g1');
  await h.clock.advance(1_000);
  assert.ok(h.server.requests(pull).length > 1);
  assert.equal(h.seqs('g1').length, 41);
});

test('SDK-26: three to five minutes after the last delivery the client pulls, and again after that.', async () => {
  const h = await ready();
  h.server.heartbeatMs = 10_000_000;
  h.server.stream.end();
  await h.clock.advance(1_000);
  await h.clock.advance(170_000);
  assert.equal(h.server.requests(pull).length, 0);
  h.server.write('g1');
  h.server.push(3n);
  await h.clock.advance(179_000);
  assert.equal(h.server.requests(pull).length, 0, 'a delivery starts the time anew');
  await h.clock.advance(121_000);
  assert.equal(h.server.requests(pull).length, 1);
  h.server.write('g1');
  await h.clock.advance(300_000);
  assert.deepEqual(h.seqs('g1'), [3n, 4n], 'a push that nothing else showed is found');
});

test('SDK-27: messages, summaries and cursor are one change, and events come once it is durable.', async () => {
  const store = memoryStore();
  const changes: LocalChange[] = [];
  let release = (): void => undefined;
  const apply = store.apply.bind(store);
  let hold = false;
  store.apply = async (change) => {
    changes.push(change);
    if (hold) {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
    await apply(change);
  };
  const h = new Harness({ store });
  h.server.write('g1');
  await h.connected();
  hold = true;
  h.server.write('g1');
  h.server.push(3n);
  await quiet();
  assert.deepEqual(h.seqs('g1'), []);
  const change = changes.at(-1);
  assert.equal(change?.messages?.length, 1);
  assert.equal(change?.conversations?.[0]?.lastSeq, 3n);
  assert.ok(change?.cursor !== undefined);
  hold = false;
  release();
  await quiet();
  assert.deepEqual(h.seqs('g1'), [3n]);
});

test('SDK-28: acknowledgements are cumulative: one a second, or at once after 32 deliveries.', async () => {
  const h = await ready();
  await h.clock.advance(1_000);
  const before = h.server.requests(ack).length;
  for (let each = 0; each < 5; each += 1) {
    h.server.write('g1');
    h.server.push(h.server.head);
    await h.clock.advance(100);
  }
  assert.equal(h.server.requests(ack).length, before);
  await h.clock.advance(500);
  assert.equal(h.server.requests(ack).length, before + 1);
  assert.equal(h.server.requests(ack).at(-1)?.cursor?.userSeq, 7n);
  for (let each = 0; each < 32; each += 1) {
    h.server.write('g1');
    h.server.push(h.server.head);
  }
  await quiet();
  assert.equal(h.server.requests(ack).length, before + 2, '32 deliveries are due at once');
  assert.equal(h.server.requests(ack).at(-1)?.cursor?.check, h.server.cursor().check);
});

test('SDK-28: an acknowledgement that is lost is repeated by the next one.', async () => {
  const h = await ready();
  await h.clock.advance(1_000);
  const before = h.server.requests(ack).length;
  h.server.intercept = (call) => {
    if (call.method === 'Ack') throw lost();
    return undefined;
  };
  h.server.write('g1');
  h.server.push(3n);
  await h.clock.advance(1_000);
  h.server.intercept = undefined;
  await h.clock.advance(1_000);
  assert.equal(h.server.requests(ack).length, before + 2);
  assert.equal(h.server.requests(ack).at(-1)?.cursor?.userSeq, 3n);
});

test('SDK-33: a pull that fails, or brings nothing of what is missing, is repeated after a wait, never in a loop.', async () => {
  const h = await ready();
  let kind: 'fail' | 'empty' | 'serve' = 'fail';
  h.server.intercept = (call) => {
    if (call.method !== 'Pull' || kind === 'serve') return undefined;
    if (kind === 'fail') throw lost();
    return create(PullResponseSchema, { headUserSeq: 3n });
  };
  h.server.write('g1');
  h.server.stream.push({ case: 'notify', value: { headUserSeq: 3n } });
  await quiet();
  assert.equal(h.server.requests(pull).length, 1);
  kind = 'empty';
  await h.clock.advance(10_000);
  const asked = h.server.requests(pull).length;
  assert.ok(asked > 1 && asked < 15, `${asked} pulls in 10 s`);
  assert.ok(h.all('warning').some((warning) => warning.code === 'protocol'));
  kind = 'serve';
  await h.clock.advance(20_000);
  assert.deepEqual(h.seqs('g1'), [3n]);
});

test('SDK-76: a kind of frame or of entry that the client does not know is a sign of life and a place in order, no more.', async () => {
  const h = await ready();
  h.server.stream.push(undefined);
  h.server.deliver({ case: undefined });
  h.server.write('g1');
  h.server.push(3n, 4n);
  await quiet();
  assert.deepEqual(h.seqs('g1'), [3n]);
  assert.equal(h.client.state, 'connected');
});
