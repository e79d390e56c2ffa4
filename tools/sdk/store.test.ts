import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { IDBFactory, IDBKeyRange, IDBObjectStore as ObjectStore } from 'fake-indexeddb';
import { ConversationSchema } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { indexedDbStore } from './indexeddb.ts';
import { LIMITS } from './limits.ts';
import { memoryStore } from './memory.ts';
import { lost } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';
import { runStoreSuite } from './testing/store-suite.ts';

// Browsers have it as a global; the store makes ranges by it.
globalThis.IDBKeyRange = IDBKeyRange;

runStoreSuite({
  name: 'memory',
  durable: false,
  open: async (name) => {
    const store = memoryStore();
    await store.open(name);
    return store;
  },
});

const factory = new IDBFactory();
runStoreSuite({
  name: 'IndexedDB',
  durable: true,
  open: async (name) => {
    const store = indexedDbStore(factory);
    await store.open(name);
    return store;
  },
});

const message = (conversationSeq: bigint) => create(MessageSchema, { conversationId: 'g1', conversationSeq });

test('IndexedDB: a change of which one part cannot be written leaves nothing behind.', async () => {
  const store = indexedDbStore(new IDBFactory());
  await store.open('atomic');
  // A function cannot be cloned into the database.
  const broken = { clientMessageId: 'm1', error: () => undefined } as never;
  await assert.rejects(
    store.apply({ messages: [message(1n)], outgoing: [broken], cursor: new Uint8Array([1]) }),
  );
  assert.equal(await store.cursor(), undefined);
  assert.deepEqual(await store.messages('g1', 10n, 10), []);
});

test('IndexedDB: where the quota is used up old messages make room, and the change is written.', async () => {
  const store = indexedDbStore(new IDBFactory());
  await store.open('quota');
  const many = Array.from({ length: LIMITS.quotaMessagesKept + 50 }, (_none, at) => message(BigInt(at + 1)));
  await store.apply({
    conversations: [create(ConversationSchema, { conversationId: 'g1' })],
    messages: many,
  });
  const { put } = ObjectStore.prototype;
  let full = true;
  ObjectStore.prototype.put = function (this: IDBObjectStore, ...args: Parameters<IDBObjectStore['put']>) {
    if (full) {
      full = false;
      throw new DOMException('full', 'QuotaExceededError');
    }
    return put.apply(this, args);
  };
  try {
    await store.apply({ messages: [message(1_000n)] });
  } finally {
    ObjectStore.prototype.put = put;
  }
  const kept = await store.messages('g1', 10_000n, 1_000);
  assert.equal(kept.length, LIMITS.quotaMessagesKept + 1);
  assert.equal(kept.at(-1)?.conversationSeq, 1_000n);
});

test('Memory: only the newest messages of a conversation are kept.', async () => {
  const store = memoryStore();
  const many = Array.from({ length: LIMITS.memoryMessagesMax + 10 }, (_none, at) => message(BigInt(at + 1)));
  await store.apply({ messages: many });
  assert.equal((await store.messages('g1', 10n, 100)).length, 0);
  assert.equal((await store.messages('g1', 1_000_000n, 10_000)).length, LIMITS.memoryMessagesMax);
});

test('SDK-70: when the local store fails the client says so, rebuilds in memory and keeps what is outgoing.', async () => {
  const store = memoryStore();
  const h = new Harness({ store });
  h.server.write('g1');
  await h.connected();
  h.server.intercept = (call) => {
    if (call.method === 'SendMessage') throw lost();
    return undefined;
  };
  const sent = h.client.sendText({ conversationId: 'g1' }, 'kept');
  await quiet();
  store.apply = () => Promise.reject(new Error('disk'));
  h.server.write('g1');
  h.server.push(3n);
  await quiet();
  assert.ok(h.all('warning').some((warning) => warning.code === 'store'));
  assert.deepEqual(h.all('reset').at(-1), { reason: 'STORE_LOST' });
  assert.deepEqual(await h.view(), h.expected());
  h.server.intercept = undefined;
  h.server.pushes = true;
  await h.clock.advance(30_000);
  assert.equal((await sent.done).state, 'sent');
  assert.deepEqual(await h.view(), h.expected());
});

test('SDK-70: a store that does not open is replaced by memory.', async () => {
  const store = memoryStore();
  store.open = () => Promise.reject(new Error('private mode'));
  const h = new Harness({ store });
  h.server.write('g1');
  await h.connected();
  assert.deepEqual(await h.view(), h.expected());
  assert.ok(h.all('warning').some((warning) => warning.code === 'store'));
});

test('SDK-71: a store that holds another user is emptied, and nothing of it is sent or shown.', async () => {
  const store = memoryStore();
  const bob = new Harness({ store });
  bob.server.write('g1');
  await bob.connected();
  bob.server.intercept = (call) => {
    if (call.method === 'SendMessage') throw lost();
    return undefined;
  };
  bob.client.sendText({ conversationId: 'g1' }, 'not for others');
  await quiet();
  await bob.client.disconnect();
  const h = new Harness({ store });
  h.server.self = 'carol';
  h.server.write('g7');
  await h.connected();
  assert.equal(h.client.userId, 'carol');
  assert.deepEqual(await h.view(), h.expected());
  assert.deepEqual(await store.outgoing(), []);
  assert.equal(h.server.sent.size, 0);
});

test('SDK-74: the device id is drawn once and kept in the local store.', async () => {
  const store = memoryStore();
  const first = await new Harness({ store }).connected();
  assert.match(first.client.deviceId, /^[A-Za-z0-9_-]{1,64}$/);
  await first.client.disconnect();
  const second = await new Harness({ store, seed: 9 }).connected();
  assert.equal(second.client.deviceId, first.client.deviceId);
});
