// Exports conversations in the normal form of the import format. Owns: its order, and what is left out. Does not own: files.
// Memory grows with conversations and their members, not with users or messages.

import { ConversationType, type Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { ConversationRecord } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { CliError } from '../exit.ts';
import { type ExportApi, fromContent } from './api.ts';
import { byId, directKey, normaliseGroup } from './normalise.ts';
import { formatRecord, type MessageName, type MessageRecord } from './record.ts';
import { type RetryOptions, withRetry } from './retry.ts';

export interface ExportOptions {
  readonly api: ExportApi;
  /** Only this one; undefined = all. */
  readonly conversationId: string | undefined;
  readonly retry: RetryOptions;
  /** Takes one line, without its line feed; resolves when it may have the next. */
  readonly write: (line: string) => Promise<void> | void;
  readonly onProgress: (report: ExportReport) => void;
}

/** What was written; counts of lines. */
export interface ExportReport {
  readonly users: number;
  readonly groups: number;
  readonly messages: number;
  /** Log entries of the listed conversations, control entries included: what there is to do. */
  readonly entries: number;
  /** Log entries read. */
  readonly entries_read: number;
}

interface Listed {
  readonly id: string;
  readonly name: string;
  /** The two users of a direct conversation. */
  readonly direct: readonly [string, string] | undefined;
  readonly lastSeq: bigint;
  readonly owner: string;
  readonly members: readonly string[];
}

const PAGE_ENTRIES = 1_000;
/** Most users of one look-up. */
const USERS_MAX = 100;
/** Most messages of one conversation whose names are kept for replies; older ones are asked for. */
const NAMES_MAX = 20_000;

/** Writes all lines in order. */
export async function runExport(options: ExportOptions): Promise<ExportReport> {
  const exporter = new Exporter(options);
  return exporter.run();
}

class Exporter {
  readonly #options: ExportOptions;
  #report: ExportReport = { users: 0, groups: 0, messages: 0, entries: 0, entries_read: 0 };

  constructor(options: ExportOptions) {
    this.#options = options;
  }

  async run(): Promise<ExportReport> {
    const listed = await this.#list();
    if (this.#options.conversationId === undefined) await this.#allUsers();
    else await this.#usersOf(listed);
    const groups = listed.filter((entry) => entry.direct === undefined);
    for (const group of groups.sort((left, right) => byId(left.id, right.id)))
      await this.#conversation(group);
    const key = (entry: Listed): string => (entry.direct === undefined ? '' : directKey(entry.direct));
    const directs = listed.filter((entry) => entry.direct !== undefined);
    for (const direct of directs.sort((left, right) => byId(key(left), key(right))))
      await this.#conversation(direct);
    return this.#report;
  }

  #call<T>(call: (api: ExportApi, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { api, retry } = this.#options;
    retry.signal.throwIfAborted();
    return withRetry(retry, () => call(api, retry.signal));
  }

  async #write(line: string, counts: Partial<ExportReport>): Promise<void> {
    await this.#options.write(line);
    this.#count(counts);
  }

  #count(more: Partial<ExportReport>): void {
    const sum = { ...this.#report };
    for (const [name, amount] of Object.entries(more)) sum[name as keyof ExportReport] += amount;
    this.#report = sum;
    this.#options.onProgress(sum);
  }

  async #list(): Promise<Listed[]> {
    const { conversationId } = this.#options;
    const listed: Listed[] = [];
    for (let token = ''; ; ) {
      const page = await this.#call((api, signal) => api.listConversations(token, signal));
      for (const record of page.conversations) {
        if (conversationId === undefined || record.conversationId === conversationId) {
          listed.push(listedOf(record));
          this.#count({ entries: Number(record.lastSeq) });
        }
      }
      token = page.next;
      if (token === '') break;
    }
    if (conversationId !== undefined && listed.length === 0) {
      throw new CliError('missing', `There is no conversation "${conversationId}".`);
    }
    return listed;
  }

  async #allUsers(): Promise<void> {
    for (let token = ''; ; ) {
      const page = await this.#call((api, signal) => api.listUsers(token, signal));
      for (const user of page.users) await this.#write(formatRecord(user), { users: 1 });
      token = page.next;
      if (token === '') return;
    }
  }

  async #usersOf(listed: readonly Listed[]): Promise<void> {
    const ids = [...new Set(listed.flatMap((entry) => entry.members))].sort(byId);
    for (let start = 0; start < ids.length; start += USERS_MAX) {
      const some = ids.slice(start, start + USERS_MAX);
      const users = await this.#call((api, signal) => api.users(some, signal));
      for (const user of users) await this.#write(formatRecord(user), { users: 1 });
    }
  }

  async #conversation(listed: Listed): Promise<void> {
    const names = new Map<bigint, MessageName>();
    let began = false;
    for (let from = 1n; from <= listed.lastSeq; ) {
      const page = await this.#call((api, signal) => api.listMessages(listed.id, from, PAGE_ENTRIES, signal));
      for (const message of page.messages) {
        if (message.conversationSeq > listed.lastSeq) break;
        if (!began) await this.#group(listed, message);
        began = true;
        await this.#message(listed, message, names);
        this.#count({ entries_read: 1 });
      }
      if (page.next === 0n) break;
      from = page.next;
    }
  }

  async #group(listed: Listed, first: Message): Promise<void> {
    if (listed.direct !== undefined) return;
    const group = {
      type: 'conversation' as const,
      conversation_id: listed.id,
      name: listed.name,
      owner_user_id: listed.owner,
      member_user_ids: listed.members,
    };
    await this.#write(formatRecord(normaliseGroup(group, Number(first.createTimeMs))), { groups: 1 });
  }

  async #message(listed: Listed, message: Message, names: Map<bigint, MessageName>): Promise<void> {
    const content = fromContent(message.content);
    if (content === undefined) return;
    const name = nameOf(message);
    names.set(message.conversationSeq, name);
    if (names.size > NAMES_MAX) for (const oldest of names.keys()) if (names.delete(oldest)) break;
    const reply = await this.#replyName(listed, message.replyToSeq, names);
    const [left = '', right = ''] = listed.direct ?? [];
    const record: MessageRecord = {
      type: 'message',
      ...(listed.direct === undefined
        ? { conversation_id: listed.id }
        : { direct_user_ids: left < right ? [left, right] : [right, left] }),
      ...name,
      create_time_ms: Number(message.createTimeMs),
      ...content,
      ...(reply === undefined ? {} : { reply_to: reply }),
    };
    await this.#write(formatRecord(record), { messages: 1 });
  }

  async #replyName(
    listed: Listed,
    seq: bigint,
    names: ReadonlyMap<bigint, MessageName>,
  ): Promise<MessageName | undefined> {
    if (seq === 0n) return undefined;
    const known = names.get(seq);
    if (known !== undefined) return known;
    const { messages } = await this.#call((api, signal) => api.listMessages(listed.id, seq, 1, signal));
    const [target] = messages;
    // An answer to a control entry, or to one that is no longer kept, is written as a plain message.
    if (target?.conversationSeq !== seq || fromContent(target.content) === undefined) return undefined;
    return nameOf(target);
  }
}

function listedOf(record: ConversationRecord): Listed {
  const { conversationId: id, info, lastSeq, ownerUserId: owner, memberUserIds: members } = record;
  const [left, right] = info?.directUserIds ?? [];
  const isDirect = info?.type === ConversationType.DIRECT && left !== undefined && right !== undefined;
  return {
    id,
    name: info?.name ?? '',
    direct: isDirect ? [left, right] : undefined,
    lastSeq,
    owner,
    members: isDirect ? [left, right] : members,
  };
}

function nameOf(message: Message): MessageName {
  // Entries of the system may have no id of a sender's choice; the global one serves as well.
  const id = message.clientMessageId === '' ? message.messageId : message.clientMessageId;
  return { sender_user_id: message.senderId, client_message_id: id };
}
