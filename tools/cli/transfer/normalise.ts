// The normal form of an import file (docs/operating/import-format.md). Owns: its rules. Does not own: reading and writing.
// Holds everything in memory: for comparing files, not for the import itself.

import {
  formatRecord,
  type GroupRecord,
  type MessageRecord,
  type TransferRecord,
  type UserRecord,
} from './record.ts';

/** Order of ids: that of their bytes. Ids are ASCII, so code units will do. */
export function byId(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The two users of a direct conversation as one text that sorts and compares like the pair. */
export function directKey(users: readonly [string, string]): string {
  return [...users].sort(byId).join('\u0000');
}

/** The lines of the normal form. */
export function normaliseTransfer(records: Iterable<TransferRecord>): string[] {
  const users = new Map<string, UserRecord>();
  const groups = new Map<string, GroupRecord>();
  const aliases = new Map<string, string>();
  const messages: MessageRecord[] = [];
  for (const record of records) {
    if (record.type === 'user') users.set(record.user_id, record);
    else if (record.type === 'message') messages.push(record);
    else if ('direct_user_ids' in record)
      aliases.set(record.conversation_id, directKey(record.direct_user_ids));
    else if (!groups.has(record.conversation_id)) groups.set(record.conversation_id, record);
  }
  const ofGroup = new Map<string, MessageRecord[]>();
  const ofPair = new Map<string, MessageRecord[]>();
  const seen = new Set<string>();
  for (const message of messages) {
    const pair =
      message.direct_user_ids === undefined
        ? aliases.get(message.conversation_id ?? '')
        : directKey(message.direct_user_ids);
    const place = pair ?? message.conversation_id ?? '';
    const name = JSON.stringify([
      pair !== undefined,
      place,
      message.sender_user_id,
      message.client_message_id,
    ]);
    if (seen.has(name)) continue;
    seen.add(name);
    const lists = pair === undefined ? ofGroup : ofPair;
    const list = lists.get(place);
    if (list === undefined) lists.set(place, [message]);
    else list.push(message);
  }
  return [
    ...sorted(users).map(([id, user]) => formatRecord({ ...user, display_name: user.display_name || id })),
    ...[...new Set([...groups.keys(), ...ofGroup.keys()])]
      .sort(byId)
      .flatMap((id) => groupLines(id, groups.get(id), ofGroup.get(id) ?? [])),
    ...sorted(ofPair).flatMap(([key, list]) => {
      const [left = '', right = ''] = key.split('\u0000');
      return messageLines({ direct_user_ids: [left, right] }, list, 0);
    }),
  ];
}

function groupLines(
  id: string,
  group: GroupRecord | undefined,
  messages: readonly MessageRecord[],
): string[] {
  const created = group?.create_time_ms ?? messages[0]?.create_time_ms;
  const lines = messageLines({ conversation_id: id }, messages, group === undefined ? 0 : (created ?? 0));
  return group === undefined ? lines : [formatRecord(normaliseGroup(group, created)), ...lines];
}

/** A group in normal form. */
export function normaliseGroup(group: GroupRecord, createTimeMs: number | undefined): GroupRecord {
  const members = new Set(group.member_user_ids ?? []);
  members.delete(group.owner_user_id);
  return {
    type: 'conversation',
    conversation_id: group.conversation_id,
    name: group.name,
    owner_user_id: group.owner_user_id,
    member_user_ids: [...members].sort(byId),
    ...(createTimeMs === undefined ? {} : { create_time_ms: createTimeMs }),
  };
}

function messageLines(
  place: Pick<MessageRecord, 'conversation_id' | 'direct_user_ids'>,
  messages: readonly MessageRecord[],
  notBeforeMs: number,
): string[] {
  let time = notBeforeMs;
  return messages.map((message) => {
    time = Math.max(time, message.create_time_ms);
    const { conversation_id: _id, direct_user_ids: _pair, ...rest } = message;
    return formatRecord({ ...rest, ...place, create_time_ms: time });
  });
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([left], [right]) => byId(left, right));
}
