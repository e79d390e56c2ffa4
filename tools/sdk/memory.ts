// A local store that lives as long as the page. Keeps at most memoryMessagesMax messages of a conversation: what is
// missing is read from the server again.

import type { Conversation } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Message } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { LocalChange, LocalStore, OutgoingMessage } from './api.ts';
import { LIMITS } from './limits.ts';

/** A new, empty store. */
export function memoryStore(): LocalStore {
  return new MemoryStore();
}

class MemoryStore implements LocalStore {
  readonly #values = new Map<string, string>();
  readonly #conversations = new Map<string, Conversation>();
  readonly #logs = new Map<string, Message[]>();
  readonly #outgoing = new Map<string, OutgoingMessage>();
  #cursor: Uint8Array | undefined;

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async get(key: string): Promise<string | undefined> {
    return this.#values.get(key);
  }

  async set(key: string, value: string): Promise<void> {
    this.#values.set(key, value);
  }

  async cursor(): Promise<Uint8Array | undefined> {
    return this.#cursor;
  }

  async apply(change: LocalChange): Promise<void> {
    if (change.reset === true) {
      this.#conversations.clear();
      this.#logs.clear();
      this.#cursor = undefined;
    }
    for (const conversation of change.conversations ?? []) {
      this.#conversations.set(conversation.conversationId, conversation);
    }
    for (const message of change.messages ?? []) this.#put(message);
    for (const message of change.outgoing ?? []) this.#outgoing.set(message.clientMessageId, message);
    for (const id of change.outgoingDone ?? []) this.#outgoing.delete(id);
    if (change.cursor !== undefined) this.#cursor = change.cursor;
  }

  async conversations(): Promise<Conversation[]> {
    return [...this.#conversations.values()];
  }

  async conversation(id: string): Promise<Conversation | undefined> {
    return this.#conversations.get(id);
  }

  async messages(conversationId: string, toSeq: bigint, limit: number): Promise<Message[]> {
    const log = this.#logs.get(conversationId) ?? [];
    const end = lowerBound(log, toSeq + 1n);
    return log.slice(Math.max(0, end - limit), end);
  }

  async outgoing(): Promise<OutgoingMessage[]> {
    return [...this.#outgoing.values()];
  }

  #put(message: Message): void {
    const log = this.#logs.get(message.conversationId) ?? [];
    this.#logs.set(message.conversationId, log);
    const at = lowerBound(log, message.conversationSeq);
    const known = log[at]?.conversationSeq === message.conversationSeq;
    log.splice(at, known ? 1 : 0, message);
    if (log.length > LIMITS.memoryMessagesMax) log.shift();
  }
}

/** First index whose position is not below `seq`. */
function lowerBound(log: readonly Message[], seq: bigint): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((log[middle]?.conversationSeq ?? 0n) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
