// Which (sender, client_message_id) a conversation has already. The truth is the log row; this is an index of it: newest
// ids in memory, all of them in a table that is written behind the log and replayed on activation (rules 7 and 15).

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type SentIndexEntry, SentIndexEntrySchema } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import type { Effects, Turn } from '../../runtime/index.ts';
import type { LogRow } from './record.ts';

const TABLE = 'sent';

export class SentIndex {
  readonly #memoryMax: number;
  readonly #recent = new Map<string, SentIndexEntry>();

  constructor(memoryMax: number) {
    this.#memoryMax = memoryMax;
  }

  /** Folds one row. Rows of the system without an id are not indexed. */
  apply(row: LogRow, effects: Effects): void {
    const { message, payloadHash } = row;
    if (message.clientMessageId === '') return;
    const { conversationSeq, createTimeMs } = message;
    const entry = create(SentIndexEntrySchema, { conversationSeq, createTimeMs, payloadHash });
    const key = keyOf(message.senderId, message.clientMessageId);
    this.#remember(key, entry);
    effects.put(TABLE, key, toBinary(SentIndexEntrySchema, entry));
  }

  /** What is known in memory. */
  recent(senderId: string, clientMessageId: string): SentIndexEntry | undefined {
    return this.#recent.get(keyOf(senderId, clientMessageId));
  }

  /**
   * Reads those of the ids that are not in memory. The result says what the conversation has of them, whatever memory has
   * forgotten by the time it is asked.
   */
  async load(
    turn: Turn,
    ids: readonly { senderId: string; clientMessageId: string }[],
  ): Promise<(senderId: string, clientMessageId: string) => SentIndexEntry | undefined> {
    const known = new Map<string, SentIndexEntry>();
    for (const { senderId, clientMessageId } of ids) {
      const entry = this.recent(senderId, clientMessageId);
      if (entry !== undefined) known.set(keyOf(senderId, clientMessageId), entry);
    }
    const missing = ids.filter(
      ({ senderId, clientMessageId }) => this.recent(senderId, clientMessageId) === undefined,
    );
    await Promise.all(
      missing.map(async ({ senderId, clientMessageId }) => {
        const key = keyOf(senderId, clientMessageId);
        const found = await turn.table(TABLE).get(key);
        if (found !== undefined) known.set(key, fromBinary(SentIndexEntrySchema, found));
      }),
    );
    for (const [key, entry] of known) this.#remember(key, entry);
    return (senderId, clientMessageId) =>
      known.get(keyOf(senderId, clientMessageId)) ?? this.recent(senderId, clientMessageId);
  }

  #remember(key: string, entry: SentIndexEntry): void {
    this.#recent.delete(key);
    this.#recent.set(key, entry);
    if (this.#recent.size <= this.#memoryMax) return;
    const [oldest] = this.#recent.keys();
    if (oldest !== undefined) this.#recent.delete(oldest);
  }
}

function keyOf(senderId: string, clientMessageId: string): string {
  return `${senderId}/${clientMessageId}`;
}
