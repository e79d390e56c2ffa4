// A user's view of one conversation: what a delivery, a mark or a setting makes of it. Pure.

import { create } from '@bufbuild/protobuf';
import {
  type LogEntry,
  type SummaryChange,
  SummaryChangeSchema,
  type SummaryState,
  SummaryStateSchema,
} from '../../proto/gen/starling/actor/v1/user_pb.ts';
import {
  type Conversation,
  ConversationSchema,
  type ConversationSettings,
  ConversationSettingsSchema,
  NotifyLevel,
} from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Message } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { UserRow } from './record.ts';

export interface Summary {
  readonly conversationId: string;
  info: SummaryState['info'];
  /** Membership; kept after leaving (rule 13). */
  joinSeq: number;
  /** Last entry taken. */
  cursor: number;
  lastUserSeq: number;
  contentCount: number;
  lastTimeMs: number;
  readSeq: number;
  readContentCount: number;
  settings: ConversationSettings;
  member: boolean;
  memberCount: number;
  firstReadableSeq: number;
}

/** The summary of a conversation that has just come up. */
export function newSummary(conversationId: string): Summary {
  return {
    conversationId,
    info: undefined,
    joinSeq: 0,
    cursor: 0,
    lastUserSeq: 0,
    contentCount: 0,
    lastTimeMs: 0,
    readSeq: 0,
    readContentCount: 0,
    settings: create(ConversationSettingsSchema, { notifyLevel: NotifyLevel.ALL }),
    member: false,
    memberCount: 0,
    firstReadableSeq: 0,
  };
}

/** What a control entry changes for one member; undefined where it changes nothing. */
export function summaryChangeOf(entry: LogEntry, userId: string): SummaryChange | undefined {
  const { membersChanged, groupChanged } = entry;
  if (membersChanged !== undefined) {
    const change = create(SummaryChangeSchema, {
      memberCount: membersChanged.memberCount,
      joined: membersChanged.joinedUserIds.includes(userId),
      left: membersChanged.leftUserIds.includes(userId),
    });
    if (membersChanged.info !== undefined) change.info = membersChanged.info;
    return change;
  }
  if (groupChanged?.info !== undefined) return create(SummaryChangeSchema, { info: groupChanged.info });
  return undefined;
}

/** Folds an entry of the conversation's log. */
export function applyEntry(summary: Summary, userSeq: number, row: UserRow): void {
  const seq = row.conversationSeq;
  summary.joinSeq = row.joinSeq;
  summary.cursor = seq;
  summary.lastUserSeq = userSeq;
  summary.contentCount = row.contentCount;
  summary.lastTimeMs = row.timeMs;
  const change = row.summaryChange;
  if (change !== undefined) {
    if (change.info !== undefined) summary.info = change.info;
    if (change.memberCount > 0) summary.memberCount = change.memberCount;
    if (change.joined) {
      summary.member = true;
      summary.firstReadableSeq = seq;
    }
    if (change.left) summary.member = false;
  }
  // What one says oneself, and what was there when one came, is read.
  if (row.own || change?.joined === true) markRead(summary, seq, summary.contentCount);
}

/** Folds a change of the user's own view. */
export function applyChange(summary: Summary, changed: Conversation): void {
  if (changed.settings !== undefined) summary.settings = changed.settings;
  markRead(summary, Number(changed.readSeq), Number(changed.readContentCount));
}

function markRead(summary: Summary, seq: number, contentCount: number): void {
  if (seq <= summary.readSeq) return;
  summary.readSeq = seq;
  summary.readContentCount = contentCount;
}

export function unreadOf(summary: Summary): number {
  return Math.max(0, summary.contentCount - summary.readContentCount);
}

/** The view as clients see it. */
export function viewOf(summary: Summary, lastMessage?: Message): Conversation {
  const view = create(ConversationSchema, {
    conversationId: summary.conversationId,
    readSeq: BigInt(summary.readSeq),
    readContentCount: BigInt(summary.readContentCount),
    unreadCount: BigInt(unreadOf(summary)),
    settings: summary.settings,
    member: summary.member,
    firstReadableSeq: BigInt(summary.firstReadableSeq),
    memberCount: summary.memberCount,
    lastSeq: BigInt(summary.cursor),
  });
  if (summary.info !== undefined) view.info = summary.info;
  if (lastMessage !== undefined) view.lastMessage = lastMessage;
  return view;
}

export function fromState(state: SummaryState): Summary {
  return {
    conversationId: state.conversationId,
    info: state.info,
    joinSeq: Number(state.joinSeq),
    cursor: Number(state.cursor),
    lastUserSeq: Number(state.lastUserSeq),
    contentCount: Number(state.contentCount),
    lastTimeMs: Number(state.lastTimeMs),
    readSeq: Number(state.readSeq),
    readContentCount: Number(state.readContentCount),
    settings: state.settings ?? create(ConversationSettingsSchema),
    member: state.member,
    memberCount: state.memberCount,
    firstReadableSeq: Number(state.firstReadableSeq),
  };
}

export function toState(summary: Summary): SummaryState {
  const state = create(SummaryStateSchema, {
    conversationId: summary.conversationId,
    joinSeq: BigInt(summary.joinSeq),
    cursor: BigInt(summary.cursor),
    lastUserSeq: BigInt(summary.lastUserSeq),
    contentCount: BigInt(summary.contentCount),
    lastTimeMs: BigInt(summary.lastTimeMs),
    readSeq: BigInt(summary.readSeq),
    readContentCount: BigInt(summary.readContentCount),
    settings: summary.settings,
    member: summary.member,
    memberCount: summary.memberCount,
    firstReadableSeq: BigInt(summary.firstReadableSeq),
  });
  if (summary.info !== undefined) state.info = summary.info;
  return state;
}
