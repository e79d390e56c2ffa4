// The lines of an import file (docs/operating/import-format.md). Owns: their shape, parsing one line, writing one line.
// Does not own: what lines mean together (plan.ts, normalise.ts).

/** A profile. */
export interface UserRecord {
  readonly type: 'user';
  readonly user_id: string;
  readonly display_name?: string;
  readonly avatar_url?: string;
}

/** A group. */
export interface GroupRecord {
  readonly type: 'conversation';
  readonly conversation_id: string;
  readonly name: string;
  readonly owner_user_id: string;
  readonly member_user_ids?: readonly string[];
  readonly create_time_ms?: number;
}

/** A name for a direct conversation, within the file. */
export interface DirectRecord {
  readonly type: 'conversation';
  readonly conversation_id: string;
  readonly direct_user_ids: readonly [string, string];
}

/** Content of the application's own. */
export interface CustomRecord {
  readonly type: string;
  readonly data_base64: string;
  readonly fallback_text?: string;
}

/** Names a message within its conversation. */
export interface MessageName {
  readonly sender_user_id: string;
  readonly client_message_id: string;
}

/** A message. Exactly one of `conversation_id` and `direct_user_ids`, exactly one of `text` and `custom`. */
export interface MessageRecord extends MessageName {
  readonly type: 'message';
  readonly conversation_id?: string;
  readonly direct_user_ids?: readonly [string, string];
  readonly create_time_ms: number;
  readonly text?: string;
  readonly mention_user_ids?: readonly string[];
  readonly custom?: CustomRecord;
  readonly reply_to?: MessageName;
}

/** One line. */
export type TransferRecord = UserRecord | GroupRecord | DirectRecord | MessageRecord;

/** Longest line, bytes. */
export const LINE_BYTES_MAX = 256 * 1024;

/** Writes a line, without the line feed: fields in the order of the format, empty ones left out. */
export function formatRecord(record: TransferRecord): string {
  switch (record.type) {
    case 'user':
      return JSON.stringify({
        type: record.type,
        user_id: record.user_id,
        display_name: record.display_name || undefined,
        avatar_url: record.avatar_url || undefined,
      });
    case 'conversation':
      return 'direct_user_ids' in record
        ? JSON.stringify({
            type: record.type,
            conversation_id: record.conversation_id,
            direct_user_ids: record.direct_user_ids,
          })
        : JSON.stringify({
            type: record.type,
            conversation_id: record.conversation_id,
            name: record.name,
            owner_user_id: record.owner_user_id,
            member_user_ids: some(record.member_user_ids),
            create_time_ms: record.create_time_ms || undefined,
          });
    case 'message':
      return formatMessage(record);
  }
}

function formatMessage(record: MessageRecord): string {
  const { custom, reply_to: reply } = record;
  return JSON.stringify({
    type: record.type,
    conversation_id: record.conversation_id,
    direct_user_ids: record.direct_user_ids,
    sender_user_id: record.sender_user_id,
    client_message_id: record.client_message_id,
    create_time_ms: record.create_time_ms,
    text: record.text,
    custom:
      custom === undefined
        ? undefined
        : {
            type: custom.type,
            data_base64: custom.data_base64,
            fallback_text: custom.fallback_text || undefined,
          },
    mention_user_ids: some(record.mention_user_ids),
    reply_to:
      reply === undefined
        ? undefined
        : { sender_user_id: reply.sender_user_id, client_message_id: reply.client_message_id },
  });
}

function some(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}
