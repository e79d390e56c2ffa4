import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageService } from '../../proto/gen/starling/im/v1/send_pb.ts';
import type { LocalStore } from './api.ts';
import { memoryStore } from './memory.ts';
import { lost, refusal } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const { sendMessage } = MessageService.method;
const to = { conversationId: 'g1' };

async function ready(options: { store?: LocalStore } = {}): Promise<Harness> {
  const h = new Harness({ float: 0.5, ...options });
  h.server.write('g1');
  h.server.pushes = true;
  return await h.connected();
}

/** Texts that this user has sent, in the order of the log. */
function texts(h: Harness): string[] {
  return (h.server.logs.get('g1') ?? []).flatMap((message) =>
    message.senderId === 'alice' && message.content?.body.case === 'text'
      ? [message.content.body.value.text]
      : [],
  );
}

test('SDK-56: after a restart what waited is sent with the same ids, in the same order, in a new session.', async () => {
  const store = memoryStore();
  const first = await ready({ store });
  first.server.intercept = (call) => {
    if (call.method === 'SendMessage') throw lost();
    return undefined;
  };
  const ids = ['one', 'two', 'three'].map((text) => first.client.sendText(to, text).clientMessageId);
  await quiet();
  const before = first.server.requests(sendMessage)[0]?.order?.session;
  await first.client.disconnect();
  first.server.intercept = undefined;
  const sent = first.server.requests(sendMessage).length;
  const second = new Harness({ store, server: first.server, clock: first.clock, seed: 5 });
  await second.connected();
  await quiet();
  const after = second.server.requests(sendMessage).slice(sent);
  assert.deepEqual(
    after.map((each) => each.clientMessageId),
    ids,
  );
  assert.deepEqual(
    after.map((each) => each.order?.deviceSeq),
    [1n, 2n, 3n],
  );
  assert.notEqual(after[0]?.order?.session, before);
  assert.deepEqual(texts(second), ['one', 'two', 'three']);
  assert.deepEqual(await second.client.outgoing('g1'), []);
});

test('SDK-59: resend sends a failed message as a new one at the end, under a new id.', async () => {
  const h = await ready();
  let refuse = true;
  h.server.intercept = (call) => {
    if (call.method !== 'SendMessage' || !refuse) return undefined;
    refuse = false;
    throw refusal('NOT_A_MEMBER', { status: 'PERMISSION_DENIED' });
  };
  const failed = h.client.sendText(to, 'one');
  await failed.done;
  await h.client.sendText(to, 'two').done;
  h.client.resend(failed.clientMessageId);
  await quiet();
  assert.deepEqual(texts(h), ['two', 'one']);
  assert.notEqual(h.server.requests(sendMessage).at(-1)?.clientMessageId, failed.clientMessageId);
  assert.deepEqual(await h.client.outgoing('g1'), []);
});

test('SDK-59: beyond 1,000 waiting messages a further one fails at once.', async () => {
  const h = await ready();
  h.server.intercept = (call) => (call.method === 'SendMessage' ? new Promise(() => undefined) : undefined);
  for (let each = 0; each < 1_000; each += 1) h.client.sendText(to, 'x');
  await quiet();
  const outcome = await h.client.sendText(to, 'one too many').done;
  assert.deepEqual([outcome.state, outcome.error], ['failed', 'outgoing_full']);
});

test('SDK-60: what is sent while there is no line waits, and goes out when there is one.', async () => {
  const h = await ready();
  h.server.welcomes = false;
  let down = true;
  h.server.intercept = () => {
    if (down) throw lost();
    return undefined;
  };
  h.server.stream.end();
  await quiet();
  const sent = h.client.sendText({ directUserId: 'bob' }, 'later');
  await h.clock.advance(30_000);
  assert.equal(h.server.requests(sendMessage).length, 0);
  down = false;
  h.server.welcomes = true;
  await h.clock.advance(30_000);
  const outcome = await sent.done;
  assert.deepEqual([outcome.state, outcome.conversationId], ['sent', 'd-bob']);
});
