// Ids: their syntax, and those that are made from others. All are pure functions, so that a repeat yields the same id.

import { hash } from 'node:crypto';
import { placementHash } from '../runtime/placement.ts';

const USER_ID = /^[A-Za-z0-9_.@-]{1,64}$/;
const TOKEN_ID = /^[A-Za-z0-9_-]{1,64}$/;
const CONVERSATION_ID = /^[A-Za-z0-9_.@~-]{1,160}$/;
const DIRECT = 'd_';

export const isUserId = (id: string): boolean => USER_ID.test(id);
export const isDeviceId = (id: string): boolean => TOKEN_ID.test(id);
export const isClientMessageId = (id: string): boolean => TOKEN_ID.test(id);
export const isConversationId = (id: string): boolean => CONVERSATION_ID.test(id);
/** Ids that a back end may choose for a group: direct conversations have a space of their own. */
export const isGroupId = (id: string): boolean => TOKEN_ID.test(id) && !id.startsWith(DIRECT);

export const userKey = (tenant: string, userId: string): string => `${tenant}/${userId}`;
export const groupKey = (tenant: string, conversationId: string): string => `${tenant}/${conversationId}`;
export const connectionKey = (tenant: string, userId: string, deviceId: string): string =>
  `${tenant}/${userId}/${deviceId}`;

/** Tenant and id of a key. */
export function splitKey(key: string): { readonly tenant: string; readonly id: string } {
  const slash = key.indexOf('/');
  return { tenant: key.slice(0, slash), id: key.slice(slash + 1) };
}

/** The direct conversation of two users: `d_<lower id>~<higher id>`. User ids have no `~`. */
export function directConversationId(a: string, b: string): string {
  return a < b ? `${DIRECT}${a}~${b}` : `${DIRECT}${b}~${a}`;
}

/** The two users of a direct conversation, or undefined for a group. */
export function directUsers(conversationId: string): readonly [string, string] | undefined {
  if (!conversationId.startsWith(DIRECT)) return undefined;
  const [a, b, ...rest] = conversationId.slice(DIRECT.length).split('~');
  if (a === undefined || b === undefined || rest.length > 0 || !isUserId(a) || !isUserId(b) || a >= b)
    return undefined;
  return [a, b];
}

/** Placement key of a conversation: a direct one goes to one of its users, chosen by a bit of the pair's hash. */
export function directPlacement(key: string): string {
  const { tenant, id } = splitKey(key);
  const users = directUsers(id);
  if (users === undefined) return key;
  return userKey(tenant, users[placementHash(id) & 1 ? 1 : 0]);
}

/** The group that a user's create request makes: the same request makes the same group. */
export function createdGroupId(tenant: string, ownerId: string, requestId: string): string {
  return `g_${base32(digest('group', tenant, ownerId, requestId), 16)}`;
}

export interface MessageId {
  /** 26 characters. */
  readonly text: string;
  /** Its first 64 bits, for device cursors (rule 16). */
  readonly check: bigint;
}

/** Global id of a message: a pure function of who said it where under which id (rule 15). */
export function messageIdOf(
  tenant: string,
  conversationId: string,
  senderId: string,
  clientMessageId: string,
): MessageId {
  const bytes = digest('message', tenant, conversationId, senderId, clientMessageId);
  return { text: base32(bytes, 16), check: bytes.readBigUInt64LE(0) };
}

/**
 * 64 bits that tell what a sender asked for from something else under the same id. Not cryptographic: only the sender
 * itself could be deceived. Two lanes of 32-bit FNV-1a over the bytes, the second one seeded with what is answered; never 0.
 */
export function payloadHashOf(content: Uint8Array, replyToSeq: bigint): bigint {
  let low = 0x811c9dc5;
  let high = Math.imul(0x811c9dc5 ^ Number(replyToSeq & 0xffffffffn), 0x01000193);
  for (const byte of content) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ (byte + 0x5b), 0x01000193);
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0) | 1n;
}

/** 64 bits that tell two byte strings apart. */
export function hash64(...parts: readonly Uint8Array[]): bigint {
  const joined = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  return Buffer.from(hash('sha256', joined ?? new Uint8Array(0), 'buffer')).readBigUInt64LE(0);
}

/** SHA-256 of the parts, each preceded by its length, so that no two lists of parts collide by concatenation. */
function digest(...parts: readonly string[]): Buffer {
  const text = parts.map((part) => `${part.length}:${part}`).join('');
  return Buffer.from(hash('sha256', text, 'buffer'));
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Crockford base 32 of the first `count` bytes, most significant bits first. */
function base32(bytes: Uint8Array, count: number): string {
  let out = '';
  let buffer = 0;
  let bits = 0;
  for (let i = 0; i < count; i++) {
    buffer = (buffer << 8) | (bytes[i] ?? 0);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += ALPHABET[(buffer >>> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  if (bits > 0) out += ALPHABET[(buffer << (5 - bits)) & 31];
  return out;
}
