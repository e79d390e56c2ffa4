// Names, initials and colours of people and conversations. Pure.

import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ConversationType } from '../../../proto/gen/starling/im/v1/message_pb.ts';

/** Colours that an avatar can have; each is a CSS class `hue-N`. */
export const HUES = 10;

/** Looks up what to call a user; the id itself where the profile is not known. */
export type NameOf = (userId: string) => string;

const HAN = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/**
 * One or two characters that stand for a name: initials of the first and last word, or one character of a CJK
 * name.
 * `group`: the name is not a person's.
 */
export function initials(name: string, group = false): string {
  const words = name
    .trim()
    .split(/[\s._@-]+/u)
    .filter((word) => word !== '');
  const first = firstGrapheme(words[0] ?? '');
  if (first === '') return '?';
  if (HAN.test(first)) return group ? first : (lastHan(words[0] ?? '') ?? first);
  const last = words.length > 1 ? firstGrapheme(words.at(-1) ?? '') : '';
  return (first + (HAN.test(last) ? '' : last)).toLocaleUpperCase();
}

/** A CJK personal name of up to three characters is known by its last one, since family names repeat. */
function lastHan(word: string): string | undefined {
  const graphemes = [...word];
  return graphemes.length <= 3 ? graphemes.at(-1) : graphemes[0];
}

function firstGrapheme(text: string): string {
  for (const part of new Intl.Segmenter().segment(text)) return part.segment;
  return '';
}

/** The colour of an id: the same on every device and in every session. */
export function hueOf(id: string): number {
  let hash = 2_166_136_261;
  for (let at = 0; at < id.length; at++) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 16_777_619) >>> 0;
  }
  // The last bits of the hash are mixed once more because ids often differ in their last character alone.
  hash ^= hash >>> 15;
  return (Math.imul(hash, 2_246_822_519) >>> 16) % HUES;
}

/**
 * The other user of a direct conversation (oneself in a conversation with oneself); undefined for a group.
 */
export function peerOf(conversation: Conversation, me: string): string | undefined {
  const { info } = conversation;
  if (info?.type !== ConversationType.DIRECT) return undefined;
  return info.directUserIds.find((id) => id !== me) ?? me;
}

/** What a conversation is called in the list and above the chat. */
export function titleOf(conversation: Conversation, me: string, nameOf: NameOf): string {
  const peer = peerOf(conversation, me);
  if (peer !== undefined) return peer === me ? `${nameOf(me)} (you)` : nameOf(peer);
  const name = conversation.info?.name ?? '';
  return name === '' ? conversation.conversationId : name;
}

/** "Alice", "Alice and Bob", "Alice, Bob and 3 others". */
export function listNames(userIds: readonly string[], me: string, nameOf: NameOf, most = 3): string {
  const names = userIds.map((id) => (id === me ? 'you' : nameOf(id)));
  if (names.length <= 1) return names[0] ?? '';
  const shown = names.length > most ? names.slice(0, most - 1) : names.slice(0, -1);
  const rest = names.length - shown.length;
  return `${shown.join(', ')} and ${rest === 1 ? (names.at(-1) ?? '') : `${rest} others`}`;
}
