import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ListConversationsResponseSchema } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import {
  SendMessageResponseSchema,
  type SendOutcome,
  SendOutcomeSchema,
  SendState,
} from '../../proto/gen/starling/im/v1/send_pb.ts';
import type { LocalStore, OutgoingMessage } from './api.ts';
import { memoryStore } from './memory.ts';
import { lost } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

const to = { conversationId: 'g1' };

/** A server that accepts every send and places none. */
async function degraded(options: { store?: LocalStore } = {}): Promise<Harness> {
  const h = new Harness({ float: 0.5, ...options });
  h.server.write('g1');
  h.server.pushes = true;
  h.server.intercept = (call) =>
    call.method === 'SendMessage'
      ? create(SendMessageResponseSchema, { conversationId: 'g1', state: SendState.ACCEPTED })
      : undefined;
  return await h.connected();
}

function outcome(init: MessageInitShape<typeof SendOutcomeSchema>): SendOutcome {
  return create(SendOutcomeSchema, { conversationId: 'g1', ...init });
}

function tell(h: Harness, init: MessageInitShape<typeof SendOutcomeSchema>): void {
  h.server.deliver({ case: 'sendOutcome', value: outcome(init) });
}

const shown = async (h: Harness): Promise<string[]> =>
  (await h.client.outgoing('g1')).map(
    ({ state, error }: OutgoingMessage) => `${state}${error === '' ? '' : ` ${error}`}`,
  );

test('SDK-61: a send that is accepted is shown as accepted, not sent, until it is placed.', async () => {
  const h = await degraded();
  const sent = h.client.sendText(to, 'one');
  assert.equal((await sent.done).state, 'accepted');
  const id = sent.clientMessageId;
  tell(h, { clientMessageId: id, state: SendState.ACCEPTED, content: sent.content });
  await quiet();
  assert.deepEqual(await shown(h), ['accepted']);
  tell(h, { clientMessageId: id, state: SendState.PLACED, conversationSeq: 3n });
  await quiet();
  assert.deepEqual(await shown(h), ['sent']);
  h.server.write('g1', { senderId: 'alice', clientMessageId: id, content: sent.content });
  await quiet();
  assert.deepEqual(await shown(h), []);
  const states = h.all('outgoing').map((one) => one.state);
  assert.deepEqual(states, ['sending', 'accepted', 'sent'], 'each state is told once');
});

test('SDK-61: a send that fails after it was accepted is kept as failed with the reason, and can be sent again.', async () => {
  const h = await degraded();
  const sent = h.client.sendText(to, 'one');
  await sent.done;
  tell(h, { clientMessageId: sent.clientMessageId, state: SendState.FAILED, errorCode: 'NOT_A_MEMBER' });
  await quiet();
  assert.deepEqual(await shown(h), ['failed NOT_A_MEMBER']);
  tell(h, { clientMessageId: sent.clientMessageId, state: SendState.ACCEPTED, content: sent.content });
  await quiet();
  assert.deepEqual(await shown(h), ['failed NOT_A_MEMBER'], 'a state only advances');
  h.server.intercept = undefined;
  h.client.resend(sent.clientMessageId);
  await quiet();
  assert.deepEqual(await shown(h), []);
});

test('SDK-61: the outcome in the timeline is the answer where every reply is lost, and ends the repeats.', async () => {
  const h = await degraded();
  h.server.intercept = (call) => {
    if (call.method === 'SendMessage') throw lost();
    return undefined;
  };
  const sent = h.client.sendText(to, 'one');
  await quiet();
  tell(h, { clientMessageId: sent.clientMessageId, state: SendState.ACCEPTED, content: sent.content });
  await quiet();
  assert.equal((await sent.done).state, 'accepted');
  const asked = h.server.calls.filter((call) => call.method === 'SendMessage').length;
  await h.clock.advance(60_000);
  assert.equal(h.server.calls.filter((call) => call.method === 'SendMessage').length, asked);
});

test('SDK-61: what another device sent is shown here too while it is accepted, and why it failed.', async () => {
  const h = await degraded();
  const content = { body: { case: 'text' as const, value: { text: 'from the laptop' } } };
  tell(h, { clientMessageId: 'laptop-1', state: SendState.ACCEPTED, content });
  tell(h, { clientMessageId: 'laptop-2', state: SendState.ACCEPTED, content });
  await quiet();
  assert.deepEqual(await shown(h), ['accepted', 'accepted']);
  tell(h, { clientMessageId: 'laptop-1', state: SendState.FAILED, errorCode: 'SEND_EXPIRED' });
  tell(h, { clientMessageId: 'laptop-2', state: SendState.PLACED, conversationSeq: 3n });
  await quiet();
  assert.deepEqual(await shown(h), ['failed SEND_EXPIRED', 'sent']);
});

test('SDK-61: a message that the timeline brought before the word that it was placed is not shown twice.', async () => {
  const h = await degraded();
  const content = { body: { case: 'text' as const, value: { text: 'x' } } };
  const { entry } = h.server.write('g1', { senderId: 'alice', clientMessageId: 'c1' });
  assert.ok(entry.case === 'message');
  tell(h, { clientMessageId: 'c1', state: SendState.ACCEPTED, content });
  tell(h, {
    clientMessageId: 'c1',
    state: SendState.PLACED,
    conversationSeq: entry.value.conversationSeq,
  });
  await quiet();
  assert.deepEqual(await shown(h), []);
});

test('SDK-62: a rebuild keeps what is still accepted, fails what failed, and drops what was placed meanwhile.', async () => {
  const store = memoryStore();
  const first = await degraded({ store });
  const sends = ['open', 'failed', 'placed'].map((text) => first.client.sendText(to, text));
  await quiet();
  await first.client.disconnect();
  const [open, failed] = sends.map(({ clientMessageId }) => clientMessageId);
  first.server.restart(8n);
  first.server.write('g1');
  first.server.intercept = (call, serve) => {
    if (call.method !== 'ListConversations') return undefined;
    return create(ListConversationsResponseSchema, {
      ...(serve() as object),
      outcomes: [
        outcome({ clientMessageId: open ?? '', state: SendState.ACCEPTED }),
        outcome({ clientMessageId: failed ?? '', state: SendState.FAILED, errorCode: 'NOT_A_MEMBER' }),
        outcome({
          clientMessageId: 'laptop-1',
          state: SendState.ACCEPTED,
          content: { body: { case: 'text', value: { text: 'other' } } },
        }),
      ],
    });
  };
  const second = new Harness({ store, server: first.server, clock: first.clock, seed: 5 });
  await second.connected();
  assert.equal(second.all('reset').length, 1);
  assert.deepEqual(await shown(second), ['accepted', 'failed NOT_A_MEMBER', 'accepted']);
});
