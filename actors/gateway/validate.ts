// What comes from outside is looked at here, once, before any actor sees it. Every refusal names the field.

import { toBinary } from '@bufbuild/protobuf';
import { type Content, ContentSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { type CallContext, invalidRequest, type Principal, StarlingError } from '../../runtime/index.ts';
import { isClientMessageId, isConversationId, isDeviceId, isUserId } from '../ids.ts';
import type { ImLimits } from '../limits.ts';

const TEXT_BYTES_MAX = 65_000;
const MENTIONS_MAX = 50;
const CUSTOM_TYPE = /^[a-z0-9._-]{1,64}$/;
const FALLBACK_BYTES_MAX = 1024;
/** Fields other than the payload fit between this and the bound of the whole. */
const SURELY_SMALL = 60_000;

/** The caller; services that the gateway binds are never public. */
export function principalOf(context: CallContext): Principal {
  if (context.principal === undefined) throw new StarlingError('UNAUTHENTICATED');
  return context.principal;
}

export function requireUserId(field: string, id: string): void {
  if (!isUserId(id)) throw invalidRequest(field, '1 to 64 characters of [A-Za-z0-9_.@-]');
}

export function requireConversationId(id: string): void {
  if (!isConversationId(id))
    throw invalidRequest('conversation_id', '1 to 160 characters of [A-Za-z0-9_.@~-]');
}

/** The device must be well formed, and the one that the token is for. */
export function requireDevice(principal: Principal, deviceId: string): void {
  if (!isDeviceId(deviceId)) throw invalidRequest('device_id', '1 to 64 characters of [A-Za-z0-9_-]');
  if (principal.deviceId !== undefined && principal.deviceId !== deviceId) {
    throw new StarlingError('PERMISSION_DENIED', 'The token is for another device.');
  }
}

export function requireClientMessageId(field: string, id: string): void {
  if (!isClientMessageId(id)) throw invalidRequest(field, '1 to 64 characters of [A-Za-z0-9_-]');
}

/** The key of an actor of any kind, as the store has them. */
export function requireActorKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a key must not have.
  if (bytes < 1 || bytes > 256 || /[\u0000-\u001f\u007f]/.test(key))
    throw invalidRequest('key', '1 to 256 bytes without control characters');
}

/** A text of `min` to `max` bytes of UTF-8. */
export function requireBytes(field: string, text: string, min: number, max: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes < min || bytes > max) throw invalidRequest(field, `${min} to ${max} bytes, not ${bytes}`);
}

/** A count from `min` to `max`. */
export function requireCount(field: string, count: number, min: number, max: number): void {
  if (count < min || count > max) throw invalidRequest(field, `${min} to ${max}, not ${count}`);
}

/** The page size asked for, or the default where none was; never above the maximum. */
export function pageSize(asked: number, byDefault: number, max: number): number {
  return asked === 0 ? byDefault : Math.min(asked, max);
}

/** Content that people may send: text or custom, within bounds. */
export function requireContent(content: Content | undefined, limits: ImLimits): Content {
  const body = content?.body;
  if (content === undefined || body?.case === undefined) throw invalidRequest('content', 'text or custom');
  let size = 0;
  switch (body.case) {
    case 'text':
      requireBytes('content.text.text', body.value.text, 1, TEXT_BYTES_MAX);
      requireCount('content.text.mention_user_ids', body.value.mentionUserIds.length, 0, MENTIONS_MAX);
      for (const id of body.value.mentionUserIds) requireUserId('content.text.mention_user_ids', id);
      size = body.value.text.length * 3 + body.value.mentionUserIds.length * 66;
      break;
    case 'custom':
      if (!CUSTOM_TYPE.test(body.value.type))
        throw invalidRequest('content.custom.type', '1 to 64 characters of [a-z0-9._-]');
      requireCount('content.custom.data', body.value.data.length, 0, TEXT_BYTES_MAX);
      requireBytes('content.custom.fallback_text', body.value.fallbackText, 0, FALLBACK_BYTES_MAX);
      size = body.value.data.length + FALLBACK_BYTES_MAX;
      break;
    case 'membersChanged':
    case 'groupChanged':
      throw invalidRequest('content', 'control entries are written by the system only');
  }
  if (size > SURELY_SMALL)
    requireCount('content', toBinary(ContentSchema, content).length, 1, limits.contentBytesMax);
  return content;
}
