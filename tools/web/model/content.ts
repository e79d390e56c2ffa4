// What the content of a message says in words. Pure; never markup.

import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import type {
  Content,
  GroupChanged,
  MembersChanged,
  Message,
} from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { ConversationType, MemberRole } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { listNames, type NameOf } from './names.ts';

/** Bytes of UTF-8 that the text of one message may have; a bound of the contract. */
export const textBytesMax = 65_000;

const EMOJI_ONLY = /^(?:\p{RGI_Emoji}\s*){1,3}$/v;

/** True for one to three emoji and nothing else: shown larger. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 64 && EMOJI_ONLY.test(text.trim());
}

/** Bytes that a text takes in UTF-8. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** True for entries that a person wrote; the others tell what happened to the conversation. */
export function isSpoken(content: Content | undefined): boolean {
  return content?.body.case === 'text' || content?.body.case === 'custom';
}

/** The text of a spoken message, or what stands for it. */
export function spokenText(content: Content | undefined): string {
  const body = content?.body;
  if (body?.case === 'text') return body.value.text;
  if (body?.case === 'custom') return body.value.fallbackText || `[${body.value.type}]`;
  return '';
}

/** What a role is called. */
export function roleName(role: MemberRole): string {
  if (role === MemberRole.OWNER) return 'Owner';
  if (role === MemberRole.ADMIN) return 'Admin';
  return 'Member';
}

/** The words of a control entry, e.g. "Alice added Bob". */
export function controlText(content: Content | undefined, me: string, nameOf: NameOf): string {
  const body = content?.body;
  if (body?.case === 'membersChanged') return membersText(body.value, me, nameOf);
  if (body?.case === 'groupChanged') return groupText(body.value, me, nameOf);
  return 'Something that this version cannot show';
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

function membersText(change: MembersChanged, me: string, nameOf: NameOf): string {
  const actor = change.actorUserId;
  const who = actor === '' ? '' : actor === me ? 'you' : nameOf(actor);
  const others = change.joinedUserIds.filter((id) => id !== actor);
  const parts: string[] = [];
  if (change.info?.type === ConversationType.DIRECT) return 'This is the beginning of the conversation';
  if (actor !== '' && change.joinedUserIds.includes(actor)) {
    parts.push(
      others.length === 0
        ? `${who} created the group`
        : `${who} created the group with ${listNames(others, me, nameOf)}`,
    );
  } else if (others.length > 0) {
    const joined = listNames(others, me, nameOf);
    parts.push(who === '' ? `${joined} joined` : `${who} added ${joined}`);
  }
  const left = change.leftUserIds;
  if (left.length > 0) {
    const alone = left.length === 1 && left[0] === actor;
    if (alone || who === '') parts.push(`${listNames(left, me, nameOf)} left`);
    else parts.push(`${who} removed ${listNames(left, me, nameOf)}`);
  }
  const founder = change.joinedUserIds.includes(actor) ? actor : '';
  for (const { userId, role } of change.roleChanges) {
    // That whoever founds a group owns it goes without saying.
    if (userId === founder && role === MemberRole.OWNER) continue;
    const name = userId === me ? 'you' : nameOf(userId);
    const article = role === MemberRole.MEMBER ? 'a' : role === MemberRole.ADMIN ? 'an' : 'the';
    const verb = name === 'you' ? 'are' : 'is';
    parts.push(`${name} ${verb} now ${article} ${roleName(role).toLowerCase()}`);
  }
  return capital(parts.join('; ') || 'The members changed');
}

function groupText(change: GroupChanged, me: string, nameOf: NameOf): string {
  const name = change.info?.name ?? '';
  if (change.actorUserId === '') return `The group is now called "${name}"`;
  const who = change.actorUserId === me ? 'you' : nameOf(change.actorUserId);
  return capital(`${who} named the group "${name}"`);
}

/** One line for the conversation list: who said what. Line breaks become spaces. */
export function previewText(
  message: Message | undefined,
  context: { readonly me: string; readonly group: boolean; readonly nameOf: NameOf },
): string {
  if (message === undefined) return '';
  const { me, group, nameOf } = context;
  if (!isSpoken(message.content)) return controlText(message.content, me, nameOf);
  const text = spokenText(message.content).slice(0, 300).replace(/\s+/gu, ' ').trim();
  if (message.senderId === me) return `You: ${text}`;
  return group ? `${nameOf(message.senderId)}: ${text}` : text;
}

/** Everybody that an entry names, the sender included. */
export function peopleOf(message: Message): string[] {
  const body = message.content?.body;
  if (body?.case === 'groupChanged') return [body.value.actorUserId];
  if (body?.case !== 'membersChanged') return [message.senderId];
  const { joinedUserIds, leftUserIds, actorUserId, roleChanges } = body.value;
  return [...joinedUserIds, ...leftUserIds, actorUserId, ...roleChanges.map((change) => change.userId)];
}

/** Everybody that the line of a conversation in the list names. */
export function peopleOfSummary({ info, lastMessage }: Conversation): string[] {
  return [...(info?.directUserIds ?? []), ...(lastMessage === undefined ? [] : peopleOf(lastMessage))];
}

/** What a screen reader says of messages that came in; empty = nothing. */
export function announcement(messages: readonly Message[], me: string, nameOf: NameOf): string {
  const last = messages.findLast((one) => isSpoken(one.content) && one.senderId !== me);
  if (last === undefined) return '';
  return `${nameOf(last.senderId)}: ${spokenText(last.content).slice(0, 200)}`;
}
