// The first reading of an import file. Owns: validating every line and what lines mean together, without a server.
// Invariants:
// P1  A file with a problem is not imported at all: problems are found before the first write.
// P2  Memory grows with users, conversations and answered messages of the file, not with its messages.

import { CliError } from '../exit.ts';
import { LineError, readLines } from './lines.ts';
import { directKey } from './normalise.ts';
import { parseRecord, RecordError } from './parse.ts';
import type { GroupRecord, MessageName, MessageRecord, TransferRecord, UserRecord } from './record.ts';

/** A group with what the whole file says of it. */
export interface PlannedGroup {
  readonly record: GroupRecord;
  readonly line: number;
  /** 0 = now. */
  createTimeMs: number;
}

/** What is wrong with a file. */
export interface Problem {
  readonly line: number;
  readonly message: string;
}

/** Everything the import has to know before its first write. */
export interface Plan {
  readonly users: ReadonlyMap<string, { readonly record: UserRecord; readonly line: number }>;
  readonly groups: ReadonlyMap<string, PlannedGroup>;
  /** Names that the file gives to direct conversations. */
  readonly aliases: ReadonlyMap<string, readonly [string, string]>;
  /** Messages that others answer, by `replyKey`. */
  readonly replyTargets: ReadonlySet<string>;
  readonly messages: number;
  readonly conversations: number;
  /** Bytes of the file. */
  readonly bytes: number;
  /** The first PROBLEMS_MAX problems. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
}

/** Most problems that are kept to be shown. */
export const PROBLEMS_MAX = 50;
/** Most users, conversations and answered messages of one file, each. */
const ENTRIES_MAX = 2_000_000;

/** Names the conversation of a message: the same for every way to write it. */
export function placeKey(
  message: MessageRecord,
  aliases: ReadonlyMap<string, readonly [string, string]>,
): string {
  const pair = message.direct_user_ids ?? aliases.get(message.conversation_id ?? '');
  return pair === undefined ? `g\u0000${message.conversation_id}` : `d\u0000${directKey(pair)}`;
}

/** Names a message within the whole file. */
export function replyKey(place: string, name: MessageName): string {
  return `${place}\u0000${name.sender_user_id}\u0000${name.client_message_id}`;
}

/** The records of a file with their lines. A line that is not valid goes to `onProblem` and is left out. */
export async function* readRecords(
  path: string,
  onProblem: (problem: Problem) => void,
): AsyncGenerator<{ readonly record: TransferRecord; readonly line: number; readonly endOffset: number }> {
  try {
    for await (const { number, text, endOffset } of readLines(path)) {
      let record: TransferRecord;
      try {
        record = parseRecord(text);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        onProblem({ line: number, message: error.message });
        continue;
      }
      yield { record, line: number, endOffset };
    }
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    onProblem({ line: error.line, message: error.message });
  }
}

/** Reads and validates a whole file. */
export async function planImport(path: string): Promise<Plan> {
  const reader = new PlanReader();
  for await (const { record, line, endOffset } of readRecords(path, (problem) => reader.problem(problem))) {
    reader.take(record, line, endOffset);
  }
  // Names may stand after the messages that use them, so what hangs on them needs the file once more.
  if (reader.problemCount === 0) {
    for await (const { record, line } of readRecords(path, (problem) => reader.problem(problem))) {
      if (record.type === 'message') reader.check(record, line);
    }
  }
  if (reader.problemCount === 0 && reader.hasReplies) {
    for await (const { record, line } of readRecords(path, (problem) => reader.problem(problem))) {
      if (record.type === 'message') reader.checkReply(record, line);
    }
  }
  return reader.plan();
}

class PlanReader {
  readonly #users = new Map<string, { record: UserRecord; line: number }>();
  readonly #groups = new Map<string, PlannedGroup>();
  readonly #aliases = new Map<string, readonly [string, string]>();
  readonly #replyTargets = new Set<string>();
  readonly #replyTargetsSeen = new Set<string>();
  readonly #places = new Set<string>();
  readonly #problems: Problem[] = [];
  #messages = 0;
  #bytes = 0;
  problemCount = 0;

  problem(problem: Problem): void {
    this.problemCount++;
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem);
  }

  take(record: TransferRecord, line: number, endOffset: number): void {
    this.#bytes = endOffset;
    if (record.type === 'user') this.#users.set(record.user_id, { record, line });
    else if (record.type === 'message') this.#messages++;
    else if (this.#groups.has(record.conversation_id) || this.#aliases.has(record.conversation_id)) {
      this.#repeated(record, line);
    } else if ('direct_user_ids' in record) this.#aliases.set(record.conversation_id, record.direct_user_ids);
    else this.#groups.set(record.conversation_id, { record, line, createTimeMs: record.create_time_ms ?? 0 });
    if (Math.max(this.#users.size, this.#groups.size, this.#aliases.size) > ENTRIES_MAX) tooMany();
  }

  #repeated(record: Exclude<TransferRecord, UserRecord | MessageRecord>, line: number): void {
    const alias = this.#aliases.get(record.conversation_id);
    const same =
      'direct_user_ids' in record
        ? alias !== undefined && directKey(alias) === directKey(record.direct_user_ids)
        : alias === undefined;
    if (!same)
      this.problem({ line, message: `conversation_id: "${record.conversation_id}" names another one above` });
  }

  check(message: MessageRecord, line: number): void {
    const pair = this.#aliases.get(message.conversation_id ?? '');
    if (pair !== undefined && message.sender_user_id !== '' && !pair.includes(message.sender_user_id)) {
      this.problem({ line, message: `sender_user_id: must be one of ${pair.join(', ')}` });
    }
    if (pair === undefined && message.conversation_id?.startsWith('d_')) {
      this.problem({ line, message: 'conversation_id: name a direct conversation by direct_user_ids' });
    }
    const group = this.#groups.get(message.conversation_id ?? '');
    const place = placeKey(message, this.#aliases);
    if (group !== undefined && group.createTimeMs === 0) group.createTimeMs = message.create_time_ms;
    this.#places.add(place);
    if (message.reply_to !== undefined) this.#replyTargets.add(replyKey(place, message.reply_to));
    if (Math.max(this.#replyTargets.size, this.#places.size) > ENTRIES_MAX) tooMany();
  }

  get hasReplies(): boolean {
    return this.#replyTargets.size > 0;
  }

  checkReply(message: MessageRecord, line: number): void {
    const place = placeKey(message, this.#aliases);
    if (message.reply_to !== undefined && !this.#replyTargetsSeen.has(replyKey(place, message.reply_to))) {
      this.problem({
        line,
        message: 'reply_to: names no earlier message of the same conversation in this file',
      });
    }
    const own = replyKey(place, message);
    if (this.#replyTargets.has(own)) this.#replyTargetsSeen.add(own);
  }

  plan(): Plan {
    const silent = [...this.#groups.keys()].filter((id) => !this.#places.has(`g\u0000${id}`));
    return {
      users: this.#users,
      groups: this.#groups,
      aliases: this.#aliases,
      replyTargets: this.#replyTargets,
      messages: this.#messages,
      conversations: this.#places.size + silent.length,
      bytes: this.#bytes,
      problems: this.#problems,
      problemCount: this.problemCount,
    };
  }
}

function tooMany(): never {
  throw new CliError(
    'usage',
    `The file has more than ${ENTRIES_MAX} users, conversations or answered messages.`,
    {
      hint: 'Cut it by conversation into several files.',
    },
  );
}
