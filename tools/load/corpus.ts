// A seeded corpus of conversations in the import format. Owns: who talks to whom, what they say, and the same corpus both
// shuffled, as a foreign system would hand it over, and in the normal form that an export has. Does not own: the format
// (docs/operating/import-format.md); this file writes it without help from the code under test.

import { corpusText, displayName } from './corpus-text.ts';
import { Seeded } from './seeded.ts';

export interface CorpusOptions {
  readonly seed: number;
  /** Default 20,000. */
  readonly messages?: number;
  /** Default 50; three fifths are groups. */
  readonly conversations?: number;
  /** Default 200. */
  readonly users?: number;
}

/** A corpus as lines of JSON, without the newline at the end. */
export interface Corpus {
  /** In the order in which things were said: conversations mixed, fields in no particular order. */
  readonly shuffled: readonly string[];
  /** What an export of a system that holds only this corpus has to be. */
  readonly normal: readonly string[];
  readonly users: number;
  readonly groups: number;
  readonly directs: number;
  readonly messages: number;
}

interface Conversation {
  /** Of a group; empty for a direct conversation. */
  readonly id: string;
  readonly name: string;
  /** The first is the owner of a group. */
  readonly members: readonly string[];
  readonly createTimeMs: number;
  /** Its share of the talk. */
  readonly weight: number;
  readonly said: Said[];
}

interface Said {
  readonly senderId: string;
  readonly clientMessageId: string;
  readonly createTimeMs: number;
  readonly body: Record<string, unknown>;
  readonly mentions: readonly string[];
  readonly replyTo: Said | undefined;
}

/** 2025-10-09, so that every time lies in the past. */
const BEGIN_MS = 1_760_000_000_000;

/** Makes a corpus. The same options make the same corpus. */
export function generateCorpus(options: CorpusOptions): Corpus {
  const random = new Seeded(options.seed);
  const userIds = Array.from({ length: options.users ?? 200 }, (_, n) => userId(n));
  const conversations = makeConversations(options.conversations ?? 50, userIds, random);
  const users = userIds.map((id, n) => ({ type: 'user', user_id: id, display_name: displayName(n) }));
  const groups = conversations.filter(({ id }) => id !== '');
  const timed = talk(options.messages ?? 20_000, conversations, random);
  return {
    shuffled: [
      ...users,
      ...groups.map(groupLine),
      ...timed.map(([where, said]) => messageLine(where, said)),
    ].map((line) => JSON.stringify(inAnyOrder(line, random))),
    normal: normalForm(users, conversations),
    users: users.length,
    groups: groups.length,
    directs: conversations.length - groups.length,
    messages: timed.length,
  };
}

// Ids of every allowed shape, so that nobody splits keys at their punctuation.
function userId(n: number): string {
  const number = `${n}`.padStart(3, '0');
  return [`user${number}`, `User_${number}`, `u-${number}.cn`, `u${number}@example.com`][n % 4] ?? '';
}

function makeConversations(count: number, userIds: readonly string[], random: Seeded): Conversation[] {
  const pairs = new Set<string>();
  return Array.from({ length: count }, (_, n) => {
    const isGroup = n % 5 < 3;
    // Few conversations carry most of the talk, as everywhere.
    const common = { createTimeMs: BEGIN_MS + n * 60_000, weight: 1 / (1 + (n % 17)), said: [] };
    if (isGroup) {
      const members = distinct(userIds, 3 + random.below(58), random);
      return { id: `group-${n}_${n % 2 === 0 ? 'Cn' : 'en'}`, name: groupName(n), members, ...common };
    }
    let members = distinct(userIds, 2, random).sort(byBytes);
    while (pairs.has(members.join())) members = distinct(userIds, 2, random).sort(byBytes);
    pairs.add(members.join());
    return { id: '', name: '', members, ...common };
  });
}

function groupName(n: number): string {
  return n % 3 === 0 ? `Team ${n} 🚀` : n % 3 === 1 ? `项目组 ${n}` : `"Quoted" \\ and <b>${n}</b>`;
}

function distinct(from: readonly string[], count: number, random: Seeded): string[] {
  const picked = new Set<string>();
  while (picked.size < Math.min(count, from.length)) picked.add(random.pick(from));
  return [...picked];
}

// Says `count` things; returns them in the order of their times.
function talk(count: number, conversations: readonly Conversation[], random: Seeded): [Conversation, Said][] {
  const total = conversations.reduce((sum, { weight }) => sum + weight, 0);
  let now = BEGIN_MS + conversations.length * 60_000;
  return Array.from({ length: count }, (_, n) => {
    // Some are said in the same millisecond.
    now += random.below(3) === 0 ? 0 : random.below(2_000);
    // Everyone speaks once before chance decides, so that no conversation stays empty.
    const where = conversations[n] ?? drawn(conversations, (random.below(1_000_000) / 1_000_000) * total);
    if (where === undefined) throw new Error('there is no conversation to speak in');
    const said = saySomething(where, now, n, random);
    where.said.push(said);
    return [where, said];
  });
}

// The conversation whose share of all weights holds `point`.
function drawn(conversations: readonly Conversation[], point: number): Conversation | undefined {
  let passed = 0;
  return conversations.find(({ weight }) => {
    passed += weight;
    return point < passed;
  });
}

function saySomething(where: Conversation, createTimeMs: number, n: number, random: Seeded): Said {
  const senderId = random.pick(where.members);
  const isText = random.below(40) !== 0;
  const text = corpusText(n, random);
  const mentions =
    isText && where.id !== '' && random.below(30) === 0
      ? distinct(where.members, 1 + random.below(3), random)
      : [];
  return {
    senderId,
    // Unique only for a sender within a conversation, as the format asks for.
    clientMessageId: `m-${where.said.filter((other) => other.senderId === senderId).length}`,
    createTimeMs,
    body: isText
      ? { text }
      : {
          custom: {
            type: n % 2 === 0 ? 'com.example.card' : 'sticker',
            data_base64: Buffer.from(text, 'utf16le').subarray(0, 20_000).toString('base64'),
            fallback_text: n % 2 === 0 ? '[卡片]' : '[sticker]',
          },
        },
    mentions,
    replyTo: where.said.length > 0 && random.below(12) === 0 ? random.pick(where.said) : undefined,
  };
}

function groupLine({ id, name, members, createTimeMs }: Conversation): Record<string, unknown> {
  const [owner, ...others] = members;
  return {
    type: 'conversation',
    conversation_id: id,
    name,
    owner_user_id: owner,
    member_user_ids: others.sort(byBytes),
    create_time_ms: createTimeMs,
  };
}

function messageLine({ id, members }: Conversation, said: Said): Record<string, unknown> {
  return {
    type: 'message',
    ...(id === '' ? { direct_user_ids: members } : { conversation_id: id }),
    sender_user_id: said.senderId,
    client_message_id: said.clientMessageId,
    create_time_ms: said.createTimeMs,
    ...said.body,
    ...(said.mentions.length === 0 ? {} : { mention_user_ids: said.mentions }),
    ...(said.replyTo === undefined
      ? {}
      : {
          reply_to: {
            sender_user_id: said.replyTo.senderId,
            client_message_id: said.replyTo.clientMessageId,
          },
        }),
  };
}

function normalForm(users: readonly { user_id: string }[], conversations: readonly Conversation[]): string[] {
  const groups = conversations.filter(({ id }) => id !== '').sort((one, other) => byBytes(one.id, other.id));
  const directs = conversations
    .filter(({ id }) => id === '')
    .sort(
      (one, other) =>
        byBytes(one.members[0] ?? '', other.members[0] ?? '') ||
        byBytes(one.members[1] ?? '', other.members[1] ?? ''),
    );
  return [
    ...users.toSorted((one, other) => byBytes(one.user_id, other.user_id)),
    ...groups.flatMap((group) => [groupLine(group), ...group.said.map((said) => messageLine(group, said))]),
    ...directs.flatMap((direct) => direct.said.map((said) => messageLine(direct, said))),
  ].map((line) => JSON.stringify(line));
}

// Fields of an object and members of a group in another order than the normal one.
function inAnyOrder(line: Record<string, unknown>, random: Seeded): Record<string, unknown> {
  const turned = random.below(2) === 0 ? Object.entries(line) : Object.entries(line).reverse();
  return Object.fromEntries(
    turned.map(([name, value]) => [
      name,
      (name === 'member_user_ids' || name === 'direct_user_ids') &&
      Array.isArray(value) &&
      random.below(2) === 0
        ? value.toReversed()
        : value,
    ]),
  );
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
