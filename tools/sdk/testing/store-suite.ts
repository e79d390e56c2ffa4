// What every local store has to do; run by the tests of each driver.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type Conversation, ConversationSchema } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ContentSchema, type Message, MessageSchema } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { LocalStore, OutgoingMessage } from '../api.ts';

/** `reopened`: the same database opened anew, where the driver keeps it; else undefined. */
export interface StoreDriver {
  readonly name: string;
  open(database: string): Promise<LocalStore>;
  readonly durable: boolean;
}

const conversation = (conversationId: string, lastSeq = 1n): Conversation =>
  create(ConversationSchema, { conversationId, lastSeq, info: { name: '你好 👋' } });

const message = (conversationId: string, conversationSeq: bigint): Message =>
  create(MessageSchema, { conversationId, conversationSeq, contentCount: 2n ** 63n });

const outgoing = (clientMessageId: string): OutgoingMessage => ({
  clientMessageId,
  conversationId: 'g1',
  directUserId: '',
  content: create(ContentSchema, {
    body: { case: 'custom', value: { type: 'x', data: new Uint8Array([0, 255]) } },
  }),
  state: 'sending',
  error: '',
  createdAtMs: 12,
  conversationSeq: 0n,
  replyToSeq: 3n,
});

const seqs = (messages: readonly Message[]): bigint[] => messages.map((each) => each.conversationSeq);

export function runStoreSuite(driver: StoreDriver): void {
  const of = (what: string): string => `${driver.name}: ${what}`;

  test(of('an empty store has nothing.'), async () => {
    const store = await driver.open('empty');
    assert.equal(await store.cursor(), undefined);
    assert.equal(await store.get('deviceId'), undefined);
    assert.deepEqual(await store.conversations(), []);
    assert.equal(await store.conversation('g1'), undefined);
    assert.deepEqual(await store.messages('g1', 10n, 10), []);
    assert.deepEqual(await store.outgoing(), []);
    await store.close();
  });

  test(of('what was applied is read back unchanged.'), async () => {
    const store = await driver.open('readback');
    const cursor = new Uint8Array([1, 2, 3]);
    await store.apply({
      cursor,
      conversations: [conversation('g1')],
      messages: [message('g1', 1n)],
      outgoing: [outgoing('m1')],
    });
    assert.deepEqual(await store.cursor(), cursor);
    assert.deepEqual(await store.conversation('g1'), conversation('g1'));
    assert.deepEqual(await store.messages('g1', 1n, 5), [message('g1', 1n)]);
    assert.deepEqual(await store.outgoing(), [outgoing('m1')]);
    await store.close();
  });

  test(of('absent parts of a change stay as they are; present ones replace.'), async () => {
    const store = await driver.open('parts');
    await store.apply({
      cursor: new Uint8Array([1]),
      conversations: [conversation('g1'), conversation('g2')],
    });
    await store.apply({ conversations: [conversation('g1', 9n)] });
    assert.deepEqual(await store.cursor(), new Uint8Array([1]));
    const views = (await store.conversations()).map((each) => [each.conversationId, each.lastSeq]);
    assert.deepEqual(views.sort(), [
      ['g1', 9n],
      ['g2', 1n],
    ]);
    await store.close();
  });

  test(
    of('messages come ascending, the highest ones up to a position, of one conversation, each once.'),
    async () => {
      const store = await driver.open('messages');
      const some = [9n, 10n, 2n, 100n, 2n ** 63n].map((seq) => message('g1', seq));
      await store.apply({ messages: [...some, message('g10', 5n), message('g', 7n), message('g1', 9n)] });
      assert.deepEqual(seqs(await store.messages('g1', 2n ** 64n - 1n, 10)), [2n, 9n, 10n, 100n, 2n ** 63n]);
      assert.deepEqual(seqs(await store.messages('g1', 100n, 2)), [10n, 100n]);
      assert.deepEqual(seqs(await store.messages('g1', 8n, 2)), [2n]);
      assert.deepEqual(seqs(await store.messages('g1', 1n, 2)), []);
      await store.close();
    },
  );

  test(
    of(
      'reset empties conversations, messages and cursor before the rest of the change, not what is outgoing.',
    ),
    async () => {
      const store = await driver.open('reset');
      await store.set('deviceId', 'd1');
      await store.apply({
        cursor: new Uint8Array([1]),
        conversations: [conversation('g1')],
        messages: [message('g1', 1n)],
        outgoing: [outgoing('m1')],
      });
      await store.apply({ reset: true, conversations: [conversation('g2')] });
      assert.equal(await store.cursor(), undefined);
      assert.deepEqual(
        (await store.conversations()).map((each) => each.conversationId),
        ['g2'],
      );
      assert.deepEqual(await store.messages('g1', 10n, 10), []);
      assert.equal((await store.outgoing()).length, 1);
      assert.equal(await store.get('deviceId'), 'd1');
      await store.close();
    },
  );

  test(of('outgoing messages are replaced and removed by their id.'), async () => {
    const store = await driver.open('outgoing');
    await store.apply({ outgoing: [outgoing('m1'), outgoing('m2')] });
    await store.apply({
      outgoing: [{ ...outgoing('m1'), state: 'failed', error: 'X' }],
      outgoingDone: ['m2', 'm3'],
    });
    assert.deepEqual(
      (await store.outgoing()).map((each) => [each.clientMessageId, each.state, each.error]),
      [['m1', 'failed', 'X']],
    );
    await store.close();
  });

  if (!driver.durable) return;
  test(
    of('a store that is opened again by its name holds what it held; another name is another store.'),
    async () => {
      const store = await driver.open('again');
      await store.apply({ cursor: new Uint8Array([4]), conversations: [conversation('g1')] });
      await store.close();
      const again = await driver.open('again');
      assert.deepEqual(await again.cursor(), new Uint8Array([4]));
      const other = await driver.open('other');
      assert.equal(await other.cursor(), undefined);
      await again.close();
      await other.close();
    },
  );
}
