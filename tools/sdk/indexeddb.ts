// The local store of browsers. Owns: one IndexedDB database per (address, user), its versioned schema. A door of its own,
// so that applications without it do not carry it.
//
// 1. A change is one transaction: all of it is there after a crash, or nothing.
// 2. Records are encoded protobuf: their form does not depend on the version of the generated code.
// 3. Where the browser's quota is used up, all but the newest quotaMessagesKept messages of each conversation are
//    dropped and the change is tried once more; the server still has them. Then the error goes to the caller.

import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type Conversation, ConversationSchema } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ContentSchema, type Message, MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { LocalChange, LocalStore, OutgoingMessage } from './api.ts';
import { SdkError } from './errors.ts';
import { LIMITS } from './limits.ts';

const VERSION = 1;
const STORES = ['values', 'conversations', 'messages', 'outgoing'] as const;
type StoreName = (typeof STORES)[number];

type OutgoingRecord = Omit<OutgoingMessage, 'content'> & { readonly content: Uint8Array };

/** A store in the browser's IndexedDB; `factory` only for tests. */
export function indexedDbStore(factory: IDBFactory = indexedDB): LocalStore {
  return new IndexedDbStore(factory);
}

class IndexedDbStore implements LocalStore {
  readonly #factory: IDBFactory;
  #database: IDBDatabase | undefined;

  constructor(factory: IDBFactory) {
    this.#factory = factory;
  }

  async open(name: string): Promise<void> {
    if (this.#database !== undefined) return;
    const request = this.#factory.open(name, VERSION);
    request.onupgradeneeded = (event) => upgrade(request.result, event.oldVersion);
    const database = await result(request);
    // A newer version of the application in another page must not wait for this one for ever.
    database.onversionchange = () => database.close();
    this.#database = database;
  }

  async close(): Promise<void> {
    this.#database?.close();
    this.#database = undefined;
  }

  async get(key: string): Promise<string | undefined> {
    const value: unknown = await result(this.#store('values', 'readonly').get(key));
    return typeof value === 'string' ? value : undefined;
  }

  async set(key: string, value: string): Promise<void> {
    await this.#write(['values'], (stores) => stores.values.put(value, key));
  }

  async cursor(): Promise<Uint8Array | undefined> {
    const value: unknown = await result(this.#store('values', 'readonly').get('cursor'));
    return value instanceof Uint8Array ? value : undefined;
  }

  async apply(change: LocalChange): Promise<void> {
    const write = (): Promise<void> => this.#write(STORES, (stores) => put(stores, change));
    try {
      await write();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'QuotaExceededError') throw error;
      await this.#makeRoom();
      await write();
    }
  }

  async conversations(): Promise<Conversation[]> {
    const records = await result(this.#store('conversations', 'readonly').getAll());
    return records.map((record) => decode(ConversationSchema, record));
  }

  async conversation(id: string): Promise<Conversation | undefined> {
    const record: unknown = await result(this.#store('conversations', 'readonly').get(id));
    return record === undefined ? undefined : decode(ConversationSchema, record);
  }

  async messages(conversationId: string, toSeq: bigint, limit: number): Promise<Message[]> {
    if (limit <= 0) return [];
    const range = IDBKeyRange.bound([conversationId, ''], [conversationId, seqKey(toSeq)]);
    const request = this.#store('messages', 'readonly').openCursor(range, 'prev');
    const found = await walk(request, limit, (cursor) => decode(MessageSchema, cursor.value));
    return found.reverse();
  }

  async outgoing(): Promise<OutgoingMessage[]> {
    const records: OutgoingRecord[] = await result(this.#store('outgoing', 'readonly').getAll());
    return records.map((record) => ({ ...record, content: decode(ContentSchema, record.content) }));
  }

  /** Drops old messages, which the server still has. */
  async #makeRoom(): Promise<void> {
    for (const { conversationId } of await this.conversations()) {
      const kept = await this.messages(conversationId, 2n ** 64n - 1n, LIMITS.quotaMessagesKept);
      const [oldest] = kept;
      if (oldest === undefined) continue;
      const upper = [conversationId, seqKey(oldest.conversationSeq)];
      const range = IDBKeyRange.bound([conversationId, ''], upper, false, true);
      await this.#write(['messages'], (stores) => stores.messages.delete(range));
    }
  }

  #open(): IDBDatabase {
    if (this.#database === undefined) throw new SdkError('store', 'The local store is not open.');
    return this.#database;
  }

  #store(name: StoreName, mode: IDBTransactionMode): IDBObjectStore {
    return this.#open().transaction(name, mode).objectStore(name);
  }

  /** Resolves once the transaction has completed. */
  #write(
    names: readonly StoreName[],
    work: (stores: Record<StoreName, IDBObjectStore>) => unknown,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.#open().transaction([...names], 'readwrite', { durability: 'strict' });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(transaction.error ?? new SdkError('store', 'The write was aborted.'));
      const stores = Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)]));
      try {
        work(stores as Record<StoreName, IDBObjectStore>);
      } catch (error) {
        // What was put before it must not be committed without the rest.
        transaction.abort();
        reject(error);
      }
    });
  }
}

function upgrade(database: IDBDatabase, from: number): void {
  if (from < 1) for (const name of STORES) database.createObjectStore(name);
}

function put(stores: Record<StoreName, IDBObjectStore>, change: LocalChange): void {
  if (change.reset === true) {
    stores.conversations.clear();
    stores.messages.clear();
    stores.values.delete('cursor');
  }
  for (const conversation of change.conversations ?? []) {
    stores.conversations.put(toBinary(ConversationSchema, conversation), conversation.conversationId);
  }
  for (const message of change.messages ?? []) {
    const key = [message.conversationId, seqKey(message.conversationSeq)];
    stores.messages.put(toBinary(MessageSchema, message), key);
  }
  for (const message of change.outgoing ?? []) {
    const record: OutgoingRecord = { ...message, content: toBinary(ContentSchema, message.content) };
    stores.outgoing.put(record, message.clientMessageId);
  }
  for (const id of change.outgoingDone ?? []) stores.outgoing.delete(id);
  if (change.cursor !== undefined) stores.values.put(change.cursor, 'cursor');
}

/** IndexedDB has no 64-bit integers: fixed-width decimal sorts as the numbers do. */
function seqKey(seq: bigint): string {
  return seq.toString().padStart(20, '0');
}

function decode<S extends DescMessage>(schema: S, record: unknown): MessageShape<S> {
  if (!(record instanceof Uint8Array)) throw new SdkError('store', 'The local store holds a foreign record.');
  return fromBinary(schema, record);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function walk<T>(
  request: IDBRequest<IDBCursorWithValue | null>,
  limit: number,
  take: (cursor: IDBCursorWithValue) => T,
): Promise<T[]> {
  const found: T[] = [];
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null) return resolve(found);
      try {
        found.push(take(cursor));
      } catch (error) {
        return reject(error);
      }
      if (found.length >= limit) return resolve(found);
      cursor.continue();
    };
  });
}
