import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ContentSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { MessageService, type SendMessageRequest } from '../../proto/gen/starling/im/v1/send_pb.ts';
import type { LocalStore } from './api.ts';
import { memoryStore } from './memory.ts';
import { type Intercept, lost, refusal } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const { sendMessage } = MessageService.method;
const to = { conversationId: 'g1' };
const request = (call: Parameters<Intercept>[0]): SendMessageRequest => call.request as SendMessageRequest;

async function ready(options: { float?: number; store?: LocalStore } = {}): Promise<Harness> {
  const h = new Harness({ float: 0.5, ...options });
  h.server.write('g1');
  h.server.pushes = true;
  return await h.connected();
}

/** Texts of the conversation's log that this user sent, in order. */
function texts(h: Harness, conversationId = 'g1'): string[] {
  return (h.server.logs.get(conversationId) ?? []).flatMap((message) =>
    message.senderId === 'alice' && message.content?.body.case === 'text'
      ? [message.content.body.value.text]
      : [],
  );
}

test('SDK-50: a message is in the local store before it is sent, and every repeat has the same client_message_id.', async () => {
  const store = memoryStore();
  const h = await ready({ store });
  let stored = 0;
  let failures = 2;
  const intercept: Intercept = async (call, serve) => {
    if (call.method !== 'SendMessage') return serve();
    stored = (await store.outgoing()).length;
    failures -= 1;
    if (failures >= 0) throw lost();
    return serve();
  };
  h.server.intercept = intercept;
  const sent = h.client.sendText(to, 'one');
  await h.clock.advance(10_000);
  assert.equal((await sent.done).state, 'sent');
  assert.equal(stored, 1);
  const ids = h.server.requests(sendMessage).map((each) => each.clientMessageId);
  assert.deepEqual(ids, [sent.clientMessageId, sent.clientMessageId, sent.clientMessageId]);
  assert.deepEqual(texts(h), ['one']);
});

test('SDK-50: a target or a content that cannot be sent is refused at once.', async () => {
  const h = await ready();
  assert.throws(() => h.client.sendText({}, 'x'), { code: 'INVALID_REQUEST' });
  assert.throws(() => h.client.sendText({ conversationId: 'a', directUserId: 'b' }, 'x'), {
    code: 'INVALID_REQUEST',
  });
  assert.throws(() => h.client.send(to, create(ContentSchema)), { code: 'INVALID_REQUEST' });
});

test('SDK-51: each new message has the next device_seq of one session; settled_device_seq is what has its answer.', async () => {
  const h = await ready();
  await h.client.sendText(to, 'one').done;
  let held = (): void => undefined;
  h.server.intercept = (call, serve) => {
    if (call.method !== 'SendMessage' || request(call).order?.deviceSeq !== 2n) return undefined;
    return new Promise((resolve) => {
      held = () => resolve(serve());
    });
  };
  h.client.sendText(to, 'two');
  await h.client.sendText(to, 'three').done;
  await h.client.sendText(to, 'four').done;
  held();
  await quiet();
  await h.client.sendText(to, 'five').done;
  const orders = h.server.requests(sendMessage).map((each) => each.order);
  assert.equal(new Set(orders.map((order) => order?.session)).size, 1);
  assert.deepEqual(
    orders.map((order) => order?.deviceSeq),
    [1n, 2n, 3n, 4n, 5n],
  );
  assert.deepEqual(
    orders.map((order) => order?.settledDeviceSeq),
    [0n, 1n, 1n, 1n, 4n],
  );
});

test('SDK-52: at most 16 sends are under way; the next one follows when the oldest has its answer.', async () => {
  const h = await ready();
  const held: (() => void)[] = [];
  h.server.intercept = (call, serve) =>
    call.method === 'SendMessage' ? new Promise((resolve) => held.push(() => resolve(serve()))) : undefined;
  for (let each = 0; each < 40; each += 1) h.client.sendText(to, `m${each}`);
  await quiet();
  assert.equal(held.length, 16);
  held[0]?.();
  await quiet();
  assert.equal(held.length, 17);
});

for (const [code, status] of [
  ['OVERLOADED', 'UNAVAILABLE'],
  ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'],
  ['ABORTED', 'ABORTED'],
  ['TOKEN_EXPIRED', 'UNAUTHENTICATED'],
] as const) {
  test(`SDK-53: a send answered ${status} is repeated until it has a final answer.`, async () => {
    const h = await ready();
    let failures = 3;
    h.server.intercept = (call) => {
      if (call.method !== 'SendMessage' || failures === 0) return undefined;
      failures -= 1;
      throw refusal(code, { status });
    };
    const sent = h.client.sendText(to, 'one');
    await h.clock.advance(20_000);
    assert.equal((await sent.done).state, 'sent');
    assert.deepEqual(texts(h), ['one']);
  });
}

for (const [code, status] of [
  ['NOT_A_MEMBER', 'PERMISSION_DENIED'],
  ['ID_REUSED', 'ALREADY_EXISTS'],
  ['SUPERSEDED', 'FAILED_PRECONDITION'],
  ['PAYLOAD_TOO_LARGE', 'RESOURCE_EXHAUSTED'],
  ['INTERNAL', 'INTERNAL'],
] as const) {
  test(`SDK-53: a send answered ${code} has failed, and the ones behind it go on.`, async () => {
    const h = await ready();
    h.server.intercept = (call) => {
      if (call.method === 'SendMessage' && request(call).order?.deviceSeq === 1n)
        throw refusal(code, { status });
      return undefined;
    };
    const first = h.client.sendText(to, 'one');
    const second = h.client.sendText(to, 'two');
    assert.deepEqual([(await first.done).state, (await first.done).error], ['failed', code]);
    assert.equal((await second.done).state, 'sent');
    const left = await h.client.outgoing('g1');
    assert.deepEqual(
      left.map((each) => each.state),
      ['failed'],
    );
  });
}

test('SDK-54: OUT_OF_ORDER has the missing number sent at once, and the refused one after it.', async () => {
  const h = await ready({ float: 0.999 });
  let lostOnce = false;
  h.server.intercept = (call, serve) => {
    if (call.method !== 'SendMessage') return undefined;
    const seq = request(call).order?.deviceSeq;
    if (seq === 1n && !lostOnce) {
      lostOnce = true;
      throw refusal('OVERLOADED', { status: 'UNAVAILABLE', retryAfterMs: 60_000 });
    }
    if (seq === 2n && texts(h).length === 0) {
      throw refusal('OUT_OF_ORDER', { status: 'ABORTED', metadata: { expected: '1' }, retryAfterMs: 0 });
    }
    return serve();
  };
  const all = [h.client.sendText(to, 'one'), h.client.sendText(to, 'two')];
  await h.clock.advance(5_000);
  for (const each of all) assert.equal((await each.done).state, 'sent');
  assert.deepEqual(texts(h), ['one', 'two']);
});

for (const expected of ['0', '99', 'x']) {
  test(`SDK-55: where the server expects ${expected}, which cannot come, a new session begins with the same ids in the same order.`, async () => {
    const h = await ready();
    let session: bigint | undefined;
    h.server.intercept = (call) => {
      if (call.method !== 'SendMessage') return undefined;
      session ??= request(call).order?.session;
      if (request(call).order?.session !== session) return undefined;
      throw refusal('OUT_OF_ORDER', { status: 'ABORTED', metadata: { expected }, retryAfterMs: 0 });
    };
    const all = [h.client.sendText(to, 'one'), h.client.sendText(to, 'two')];
    await h.clock.advance(10_000);
    for (const each of all) assert.equal((await each.done).state, 'sent');
    const renewed = h.server.requests(sendMessage).filter((each) => each.order?.session !== session);
    const firsts = renewed.filter((each) => each.order?.deviceSeq === 1n);
    assert.ok(firsts.length > 0 && firsts.every((each) => each.clientMessageId === all[0]?.clientMessageId));
  });
}

test('SDK-57: the message itself in the timeline is the final answer, even where every reply is lost.', async () => {
  const h = await ready();
  h.server.intercept = (call, serve) => {
    if (call.method !== 'SendMessage') return undefined;
    serve();
    throw lost();
  };
  const sent = h.client.sendText(to, 'one');
  const outcome = await sent.done;
  assert.deepEqual([outcome.state, outcome.conversationSeq], ['sent', 3n]);
  assert.deepEqual(await h.client.outgoing('g1'), []);
  await h.clock.advance(60_000);
  assert.deepEqual(texts(h), ['one']);
});

test('SDK-57: a sent message stays among the outgoing ones until the timeline brings it.', async () => {
  const h = await ready();
  h.server.pushes = false;
  const sent = h.client.sendText(to, 'one');
  assert.equal((await sent.done).conversationSeq, 3n);
  await quiet();
  const shown = await h.client.outgoing('g1');
  assert.deepEqual(
    shown.map((each) => each.state),
    ['sent'],
  );
  h.server.push(3n);
  await quiet();
  assert.deepEqual(await h.client.outgoing('g1'), []);
  assert.deepEqual(h.seqs('g1'), [3n]);
});

test('SDK-58: an answer that comes late or twice changes nothing.', async () => {
  const h = await ready();
  const late: ((value: unknown) => void)[] = [];
  h.server.intercept = (call, serve) => {
    if (call.method !== 'SendMessage') return undefined;
    serve();
    return new Promise((resolve) => late.push(resolve));
  };
  const sent = h.client.sendText(to, 'one');
  await sent.done;
  const told = h.all('outgoing').length;
  late[0]?.({ conversationId: 'elsewhere', conversationSeq: 99n });
  await quiet();
  assert.equal(h.all('outgoing').length, told);
  assert.deepEqual(texts(h), ['one']);
});
