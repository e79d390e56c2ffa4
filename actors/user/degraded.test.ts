import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type SendMessageResponse, SendState } from '../../proto/gen/starling/im/v1/send_pb.ts';
import type { Delivery } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import {
  createGroup,
  direct,
  listConversations,
  listMessages,
  open,
  removeMembers,
  restarted,
  sendMessage,
  start,
  textsOf,
  timeline,
  to,
} from '../testing/im-client.ts';
import type { ImNode } from '../testing/im-node.ts';

const CONVERSATION = 'd_alice~bob';

/** The next `times` writes of any conversation fail, so that it can't take what it is sent. */
function outage(node: ImNode, times: number): void {
  for (let i = 0; i < times; i++)
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.kind === 'group');
}

const nameOf = (state: SendState): string =>
  Object.entries(SendState).find(([, value]) => value === state)?.[0] ?? '';

function outcomesOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.flatMap(({ entry }) =>
    entry.case === 'sendOutcome'
      ? [`${entry.value.clientMessageId} ${nameOf(entry.value.state)} ${entry.value.errorCode}`.trim()]
      : [],
  );
}

/** Sends while the conversation fails for longer than a send waits. */
async function accepted(node: ImNode, id: string): Promise<SendMessageResponse> {
  outage(node, 8);
  const sent = sendMessage(node, 'alice', direct('bob', id));
  await node.clock.advance(2000);
  return sent;
}

describe('a send whose conversation is out of reach', () => {
  it('is accepted, placed behind, and told to every device, also to one that comes later', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', 'm0'));
    const phone = open(node, 'alice');
    const before = await accepted(node, 'm1');
    assert.equal(before.state, SendState.ACCEPTED);
    assert.equal(before.conversationSeq, 0n);
    const repeat = await sendMessage(node, 'alice', direct('bob', 'm1'));
    assert.deepEqual([repeat.state, repeat.messageId], [SendState.ACCEPTED, before.messageId]);
    const { outcomes } = await listConversations(node, 'alice', {});
    assert.deepEqual(
      outcomes.map((one) => [one.clientMessageId, one.state, one.content?.body.case]),
      [['m1', SendState.ACCEPTED, 'text']],
    );
    await node.clock.advance(300_000);
    const after = await sendMessage(node, 'alice', direct('bob', 'm1'));
    assert.deepEqual(
      [after.state, after.messageId, after.conversationSeq],
      [SendState.PLACED, before.messageId, 3n],
    );
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['m0', 'm1']);
    const expected = ['m1 ACCEPTED', 'm1 PLACED'];
    assert.deepEqual(outcomesOf(await timeline(node, 'alice')), expected);
    const pushed = phone.of('deliveries').flatMap(({ deliveries }) => deliveries);
    assert.deepEqual(outcomesOf(pushed), expected);
    assert.deepEqual((await listConversations(node, 'alice', {})).outcomes, []);
  });

  it('is placed after a crash with no further call, once', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', 'm0'));
    await accepted(node, 'm1');
    const next = await restarted(node, 65_537);
    await next.clock.advance(300_000);
    assert.deepEqual(textsOf(await timeline(next, 'bob')), ['m0', 'm1']);
    assert.deepEqual(outcomesOf(await timeline(next, 'alice')), ['m1 ACCEPTED', 'm1 PLACED']);
  });

  it('is placed once when the crash comes after its conversation had it and before the outbox knew', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', 'm0'));
    await accepted(node, 'm1');
    // The row that says PLACED, and every later one of alice, is lost.
    for (let i = 0; i < 40; i++)
      node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.key === 'main/alice');
    await node.clock.advance(20_000);
    const next = await restarted(node, 65_537);
    await next.clock.advance(300_000);
    assert.deepEqual(textsOf(await timeline(next, 'bob')), ['m0', 'm1']);
    assert.deepEqual(outcomesOf(await timeline(next, 'alice')), ['m1 ACCEPTED', 'm1 PLACED']);
  });

  it('is unknown to the client when the outbox can not be written, and the same id is placed once', async () => {
    const node = await start();
    await sendMessage(node, 'alice', direct('bob', 'm0'));
    outage(node, 8);
    node.store.failNext({ type: 'unknown_not_applied' }, (commit) => commit.actor.key === 'main/alice');
    const sent = sendMessage(node, 'alice', direct('bob', 'm1')).then(
      () => 'OK',
      ({ code }) => code,
    );
    await node.clock.advance(2000);
    assert.equal(await sent, 'OUTCOME_UNKNOWN');
    const again = sendMessage(node, 'alice', direct('bob', 'm1'));
    await node.clock.advance(300_000);
    assert.ok((await again).messageId !== '');
    await node.clock.advance(300_000);
    assert.deepEqual(textsOf(await timeline(node, 'bob')), ['m0', 'm1']);
  });

  it('has failed, with the reason and for all devices, where its sender was removed meanwhile', async () => {
    const node = await start();
    const { group } = await createGroup(node, 'bob', {
      name: 'g',
      memberUserIds: ['alice'],
      requestId: 'r1',
    });
    const id = group?.conversationId ?? '';
    await node.settle();
    outage(node, 8);
    const sent = sendMessage(node, 'alice', to(id, 'm1'));
    await node.clock.advance(2000);
    assert.equal((await sent).state, SendState.ACCEPTED);
    // Each try uses up a failure: bob comes through before alice's next attempt.
    for (let removed = false; !removed; ) {
      removed = await removeMembers(node, 'bob', { conversationId: id, userIds: ['alice'] }).then(
        () => true,
        () => false,
      );
    }
    await node.clock.advance(300_000);
    assert.deepEqual(outcomesOf(await timeline(node, 'alice')), ['m1 ACCEPTED', 'm1 FAILED NOT_A_MEMBER']);
    assert.deepEqual(textsOf(await timeline(node, 'bob')), []);
    const { outcomes } = await listConversations(node, 'alice', {});
    assert.deepEqual(
      outcomes.map((one) => [one.clientMessageId, one.errorCode]),
      [['m1', 'NOT_A_MEMBER']],
    );
  });
});

describe('I6, I9: sends under random failures and crashes', () => {
  it('stand in the log in the order of the sender, each once, and every accepted one is there', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('send' as const) },
      { weight: 2, arbitrary: fc.constant('group fails' as const) },
      { weight: 1, arbitrary: fc.constant('user fails' as const) },
      { weight: 2, arbitrary: fc.constant('time' as const) },
      { weight: 1, arbitrary: fc.constant('crash' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        let node = await start();
        let epoch = 65_536;
        let sent = 0;
        const acked = new Set<string>();
        await sendMessage(node, 'alice', direct('bob', 'first'));
        for (const one of steps) {
          switch (one) {
            case 'send': {
              const id = `m${String(++sent).padStart(2, '0')}`;
              sendMessage(node, 'alice', direct('bob', id)).then(
                () => acked.add(id),
                () => {},
              );
              break;
            }
            case 'group fails':
              outage(node, 6);
              break;
            case 'user fails':
              node.store.failNext({ type: 'late' }, (commit) => commit.actor.key === 'main/alice');
              break;
            case 'time':
              await node.clock.advance(1000);
              break;
            case 'crash':
              node = await restarted(node, ++epoch);
          }
        }
        node = await restarted(node, ++epoch);
        await node.clock.advance(200_000);
        const { messages } = await listMessages(node, 'alice', {
          conversationId: CONVERSATION,
          pageSize: 200,
        });
        const log = messages.flatMap(({ content, clientMessageId }) =>
          content?.body.case === 'text' && clientMessageId !== 'first' ? [clientMessageId] : [],
        );
        const seqs = messages.map((message) => Number(message.conversationSeq)).sort((a, b) => a - b);
        assert.deepEqual(
          seqs,
          seqs.map((_, i) => i + 1),
        );
        assert.equal(new Set(log).size, log.length, 'I6');
        for (const id of acked) assert.ok(log.includes(id), `I1: ${id}`);
        assert.deepEqual(log, [...log].sort(), 'I9');
      }),
      { seed: 11, numRuns: 60 },
    );
  });
});
