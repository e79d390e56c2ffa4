// Parses one line of an import file. Owns: what a valid line is. Does not own: reading files, what lines mean together.

import { suggestion } from '../../node/internal.ts';
import type {
  CustomRecord,
  DirectRecord,
  GroupRecord,
  MessageName,
  MessageRecord,
  TransferRecord,
  UserRecord,
} from './record.ts';

/** What is wrong with a line. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

type Fields = Record<string, unknown>;

const USER_ID = /^[A-Za-z0-9_.@-]{1,64}$/;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const CUSTOM_TYPE = /^[a-z0-9._-]{1,64}$/;
const TEXT_BYTES_MAX = 65_000;
// Later than any clock shows: 9999-12-31.
const TIME_MS_MAX = 253_402_300_799_999;

/**
 * Parses one line.
 * @throws RecordError with a sentence that names the field
 */
export function parseRecord(line: string): TransferRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new RecordError('is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RecordError('is not an object');
  const fields = value as Fields;
  const { type } = fields;
  switch (type) {
    case 'user':
      return parseUser(fields);
    case 'conversation':
      return 'direct_user_ids' in fields ? parseDirect(fields) : parseGroup(fields);
    case 'message':
      return parseMessage(fields);
    default:
      throw new RecordError(`type: must be user, conversation or message, not ${shown(type)}`);
  }
}

function parseUser(fields: Fields): UserRecord {
  only(fields, ['type', 'user_id', 'display_name', 'avatar_url']);
  return {
    type: 'user',
    user_id: userId(fields, 'user_id'),
    ...optional('display_name', fields, (name) => text(fields, name, { bytesMax: 128, bytesMin: 0 })),
    ...optional('avatar_url', fields, (name) => text(fields, name, { bytesMax: 512, bytesMin: 0 })),
  };
}

function parseGroup(fields: Fields): GroupRecord {
  only(fields, ['type', 'conversation_id', 'name', 'owner_user_id', 'member_user_ids', 'create_time_ms']);
  const id = matching(fields, 'conversation_id', ID);
  if (id.startsWith('d_'))
    throw new RecordError('conversation_id: d_ is for direct conversations, name direct_user_ids');
  return {
    type: 'conversation',
    conversation_id: id,
    name: text(fields, 'name', { bytesMin: 1, bytesMax: 200 }),
    owner_user_id: userId(fields, 'owner_user_id'),
    ...optional('member_user_ids', fields, (name) => userIds(fields, name, 10_000)),
    ...optional('create_time_ms', fields, (name) => time(fields, name)),
  };
}

function parseDirect(fields: Fields): DirectRecord {
  only(fields, ['type', 'conversation_id', 'direct_user_ids']);
  return {
    type: 'conversation',
    conversation_id: matching(fields, 'conversation_id', ID),
    direct_user_ids: pair(fields),
  };
}

const MESSAGE_FIELDS = [
  'type',
  'conversation_id',
  'direct_user_ids',
  'sender_user_id',
  'client_message_id',
  'create_time_ms',
  'text',
  'custom',
  'mention_user_ids',
  'reply_to',
];

function parseMessage(fields: Fields): MessageRecord {
  only(fields, MESSAGE_FIELDS);
  one(fields, 'conversation_id', 'direct_user_ids');
  one(fields, 'text', 'custom');
  if ('mention_user_ids' in fields && !('text' in fields))
    throw new RecordError('mention_user_ids: only with text');
  const direct = 'direct_user_ids' in fields ? pair(fields) : undefined;
  const name = messageName(fields);
  if (direct !== undefined && name.sender_user_id !== '' && !direct.includes(name.sender_user_id)) {
    throw new RecordError('sender_user_id: must be one of direct_user_ids');
  }
  return {
    type: 'message',
    ...(direct === undefined
      ? { conversation_id: matching(fields, 'conversation_id', ID) }
      : { direct_user_ids: direct }),
    ...name,
    create_time_ms: time(fields, 'create_time_ms'),
    ...optional('text', fields, (field) => text(fields, field, { bytesMin: 1, bytesMax: TEXT_BYTES_MAX })),
    ...optional('custom', fields, () => custom(object(fields, 'custom'))),
    ...optional('mention_user_ids', fields, (field) => userIds(fields, field, 50)),
    ...optional('reply_to', fields, () => {
      const reply = object(fields, 'reply_to');
      only(reply, ['sender_user_id', 'client_message_id'], 'reply_to.');
      return messageName(reply);
    }),
  };
}

function messageName(fields: Fields): MessageName {
  const { sender_user_id: sender } = fields;
  return {
    sender_user_id: sender === '' ? '' : userId(fields, 'sender_user_id'),
    client_message_id: matching(fields, 'client_message_id', ID),
  };
}

function custom(fields: Fields): CustomRecord {
  only(fields, ['type', 'data_base64', 'fallback_text'], 'custom.');
  const data = string(fields, 'data_base64');
  const bytes = Buffer.from(data, 'base64');
  if (bytes.toString('base64') !== data)
    throw new RecordError('custom.data_base64: is not base64 with padding');
  if (bytes.length > TEXT_BYTES_MAX)
    throw new RecordError(`custom.data_base64: at most ${TEXT_BYTES_MAX} bytes`);
  return {
    type: matching(fields, 'type', CUSTOM_TYPE),
    data_base64: data,
    ...optional('fallback_text', fields, (name) => text(fields, name, { bytesMin: 0, bytesMax: 1_024 })),
  };
}

function only(fields: Fields, known: readonly string[], prefix = ''): void {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name))
      throw new RecordError(`${prefix}${name}: unknown field${suggestion(name, known)}`);
  }
}

function one(fields: Fields, left: string, right: string): void {
  if (left in fields === right in fields)
    throw new RecordError(`exactly one of ${left} and ${right} is needed`);
}

function optional<K extends string, T>(
  name: K,
  fields: Fields,
  parse: (name: K) => T,
): { readonly [P in K]?: T } {
  return fields[name] === undefined ? {} : ({ [name]: parse(name) } as { readonly [P in K]?: T });
}

function string(fields: Fields, name: string): string {
  const value = fields[name];
  if (value === undefined) throw new RecordError(`${name}: is missing`);
  if (typeof value !== 'string') throw new RecordError(`${name}: must be text, not ${shown(value)}`);
  if (!value.isWellFormed()) throw new RecordError(`${name}: is not valid Unicode`);
  return value;
}

function text(fields: Fields, name: string, bounds: { bytesMin: number; bytesMax: number }): string {
  const value = string(fields, name);
  const bytes = Buffer.byteLength(value);
  if (bytes < bounds.bytesMin || bytes > bounds.bytesMax) {
    throw new RecordError(`${name}: must have ${bounds.bytesMin} to ${bounds.bytesMax} bytes, has ${bytes}`);
  }
  return value;
}

function matching(fields: Fields, name: string, pattern: RegExp): string {
  const value = string(fields, name);
  if (!pattern.test(value))
    throw new RecordError(`${name}: ${shown(value)} does not match ${pattern.source}`);
  return value;
}

function userId(fields: Fields, name: string): string {
  return matching(fields, name, USER_ID);
}

function userIds(fields: Fields, name: string, max: number): string[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new RecordError(`${name}: must be a list, not ${shown(value)}`);
  if (value.length > max) throw new RecordError(`${name}: at most ${max} are possible, has ${value.length}`);
  return value.map((entry: unknown, index) => userId({ [`${name}[${index}]`]: entry }, `${name}[${index}]`));
}

function pair(fields: Fields): [string, string] {
  const [left, right, ...more] = userIds(fields, 'direct_user_ids', 2);
  if (left === undefined || right === undefined || more.length > 0 || left === right) {
    throw new RecordError('direct_user_ids: must be two different users');
  }
  return [left, right];
}

function time(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > TIME_MS_MAX) {
    throw new RecordError(
      `${name}: must be milliseconds since 1970-01-01 UTC, an integer, not ${shown(value)}`,
    );
  }
  return value;
}

function object(fields: Fields, name: string): Fields {
  const value = fields[name];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RecordError(`${name}: must be an object, not ${shown(value)}`);
  }
  return value as Fields;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
