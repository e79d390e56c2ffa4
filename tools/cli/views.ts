// What `show` prints. Owns: which facts are shown, in which order: what is wrong first, then the facts, then what to look at
// next. Does not own: how a table is laid out (format.ts). Pure: answers of the server and the time go in, text comes out.

import type {
  InspectConversationResponse,
  InspectNodeResponse,
  InspectUserResponse,
} from '../../proto/gen/starling/admin/v1/admin_pb.ts';
import type { Conversation } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import {
  type ConversationInfo,
  ConversationType,
  MemberRole,
  type Message,
} from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { Device } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { count, fit, moment, pairs, span, table } from './format.ts';

export interface ViewOptions {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
  /** How this program was called, for hints. */
  readonly self: string;
}

/** Devices that lag by more than this are pointed out. Entries. */
const LAG_NOTED = 1_000n;
/** Rows of a table; the rest is counted. `-o json` has all. */
const ROWS_MAX = 20;
const TEXT_COLUMNS = 48;

/** One user. */
export function userView(userId: string, answer: InspectUserResponse, options: ViewOptions): string {
  const { devices, conversations, headUserSeq: head, floorUserSeq: floor } = answer;
  const connected = devices.filter((device) => device.connected).length;
  const lagging = devices.filter((device) => lag(device, head) > LAG_NOTED);
  const unread = conversations.reduce((sum, conversation) => sum + conversation.unreadCount, 0n);
  return joined([
    problems([
      ...(answer.user === undefined ? [`${userId} has no profile: never signed in, and not imported`] : []),
      ...lagging.map((device) => {
        const state = device.connected
          ? 'connected'
          : `away since ${moment(device.lastOpenTimeMs, options.now)}`;
        return `device ${device.deviceId} is ${count(lag(device, head))} entries behind, ${state}`;
      }),
    ]),
    pairs([
      ['user', [userId, answer.user?.displayName ?? ''].filter((part) => part !== '').join('  ')],
      ['devices', `${devices.length}, ${connected} connected`],
      [
        'timeline',
        head === 0n
          ? 'empty'
          : `${count(floor)} to ${count(head)}, incarnation ${answer.timelineIncarnation}`,
      ],
      ['unread', count(unread)],
      ['place', place(answer.place)],
    ]),
    devices.length === 0 ? '' : deviceTable(devices, head, options.now),
    conversations.length === 0 ? '' : conversationTable(conversations, answer.conversationCount, options.now),
    next(conversations[0] && `${options.self} conversation show ${conversations[0].conversationId}`),
  ]);
}

function lag(device: Device, head: bigint): bigint {
  return head > device.ackedUserSeq ? head - device.ackedUserSeq : 0n;
}

function deviceTable(devices: readonly Device[], head: bigint, now: number): string {
  const rows = devices.map((device) => [
    device.deviceId,
    fit(device.deviceName, 24),
    device.connected ? 'connected' : 'away',
    count(lag(device, head)),
    moment(device.lastOpenTimeMs, now),
  ]);
  const columns = [
    { title: 'device' },
    { title: 'name' },
    { title: 'state' },
    { title: 'behind', align: 'right' as const },
    { title: 'last opened' },
  ];
  return table(columns, rows);
}

function conversationTable(conversations: readonly Conversation[], all: number, now: number): string {
  const rows = conversations
    .slice(0, ROWS_MAX)
    .map((conversation) => [
      conversation.conversationId,
      fit(title(conversation.info), 24),
      count(conversation.unreadCount),
      count(conversation.lastSeq),
      conversation.member ? 'member' : 'left',
      moment(conversation.lastMessage?.createTimeMs ?? 0n, now),
    ]);
  const columns = [
    { title: 'conversation' },
    { title: 'name' },
    { title: 'unread', align: 'right' as const },
    { title: 'last', align: 'right' as const },
    { title: 'state' },
    { title: 'last message' },
  ];
  return table(columns, rows) + rest(all - rows.length);
}

/** One conversation. */
export function conversationView(
  id: string,
  answer: InspectConversationResponse,
  options: ViewOptions,
): string {
  const { members, lastSeq, lastMessages, info } = answer;
  const behind = members.filter((member) => member.deliveredSeq < lastSeq);
  const worst = behind.toSorted((left, right) => Number(left.deliveredSeq - right.deliveredSeq));
  const newest = lastMessages.at(-1);
  return joined([
    problems(
      behind.length === 0
        ? []
        : [
            `${behind.length} of ${members.length} members are not given everything yet; furthest behind: ` +
              `${worst[0]?.member?.userId} by ${count(lastSeq - (worst[0]?.deliveredSeq ?? 0n))}`,
          ],
    ),
    pairs([
      ['conversation', id],
      ['kind', `${kind(info)}  ${title(info)}`],
      ['log', `${count(lastSeq)} entries, delivered to everyone up to ${count(answer.deliveredSeq)}`],
      ['last entry', moment(newest?.createTimeMs ?? 0n, options.now)],
      ['place', place(answer.place)],
    ]),
    memberTable([...worst, ...members.filter((member) => member.deliveredSeq >= lastSeq)], lastSeq),
    lastMessages.length === 0 ? '' : messageTable(lastMessages, options.now),
    next((worst[0] ?? members[0]) && `${options.self} user show ${(worst[0] ?? members[0])?.member?.userId}`),
  ]);
}

function memberTable(members: InspectConversationResponse['members'], lastSeq: bigint): string {
  const rows = members
    .slice(0, ROWS_MAX)
    .map(({ member, deliveredSeq }) => [
      member?.userId ?? '',
      role(member?.role),
      count(member?.joinSeq ?? 0n),
      count(deliveredSeq),
      deliveredSeq < lastSeq ? count(lastSeq - deliveredSeq) : '0',
    ]);
  const right = { align: 'right' as const };
  const columns = [
    { title: 'member' },
    { title: 'role' },
    { title: 'joined at', ...right },
    { title: 'delivered', ...right },
    { title: 'behind', ...right },
  ];
  return table(columns, rows) + rest(members.length - rows.length);
}

function messageTable(messages: readonly Message[], now: number): string {
  const rows = messages.map((message) => [
    count(message.conversationSeq),
    moment(message.createTimeMs, now),
    message.senderId === '' ? 'system' : message.senderId,
    fit(contentText(message), TEXT_COLUMNS),
  ]);
  return table(
    [{ title: 'seq', align: 'right' }, { title: 'time' }, { title: 'sender' }, { title: 'content' }],
    rows,
  );
}

function contentText(message: Message): string {
  const body = message.content?.body;
  switch (body?.case) {
    case 'text':
      return body.value.text;
    case 'custom':
      return `[${body.value.type}] ${body.value.fallbackText}`;
    case 'membersChanged': {
      const { joinedUserIds: joined, leftUserIds: left, roleChanges } = body.value;
      return [
        ...joined.map((user) => `+${user}`),
        ...left.map((user) => `-${user}`),
        ...roleChanges.map((change) => `${change.userId}=${role(change.role)}`),
      ].join(' ');
    }
    case 'groupChanged':
      return `name: ${body.value.info?.name ?? ''}`;
    default:
      return '';
  }
}

/** The node that answered. */
export function nodeView(address: string, answer: InspectNodeResponse, options: ViewOptions): string {
  return joined([
    problems(answer.store === 'ok' ? [] : [`store: ${answer.store}`]),
    pairs([
      ['node', `${answer.node}  ${address}`],
      ['version', answer.version],
      [
        'up',
        `${span(Number(answer.uptimeMs))}, since ${moment(options.now - Number(answer.uptimeMs), options.now)}`,
      ],
      ['store', answer.store],
      ['streams', count(answer.streams)],
      ['activations', count(answer.activations)],
    ]),
    next(answer.store === 'ok' ? undefined : `look at the node's log: it says what failed and what to do`),
  ]);
}

/** What is wrong, a line each. */
export function problems(found: readonly string[]): string {
  return found.map((problem) => `! ${problem}`).join('\n');
}

/** Where an actor lives. */
export function place(where: { shard: number; epoch: bigint; node: string } | undefined): string {
  return where === undefined ? 'unknown' : `node ${where.node}, shard ${where.shard}, epoch ${where.epoch}`;
}

function kind(info: ConversationInfo | undefined): string {
  return info?.type === ConversationType.DIRECT ? 'direct' : 'group';
}

function title(info: ConversationInfo | undefined): string {
  return info?.type === ConversationType.DIRECT ? info.directUserIds.join(' + ') : (info?.name ?? '');
}

function role(value: MemberRole | undefined): string {
  switch (value) {
    case MemberRole.OWNER:
      return 'owner';
    case MemberRole.ADMIN:
      return 'admin';
    case MemberRole.MEMBER:
      return 'member';
    default:
      return '';
  }
}

function rest(more: number): string {
  return more > 0 ? `\n… and ${count(more)} more (-o json lists them)` : '';
}

/** What to look at next, if anything. */
export function next(command: string | undefined): string {
  return command === undefined ? '' : `next: ${command}`;
}

/** The parts that there are, an empty line between them. */
export function joined(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
