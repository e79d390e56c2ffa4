// What a conversation's actor knows: the fold of its log. Owns membership and counts. No I/O.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  GroupStateSchema,
  type MembershipState,
  MembershipStateSchema,
} from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { type Member, MemberSchema } from '../../proto/gen/starling/im/v1/group_pb.ts';
import { type ConversationInfo, MemberRole } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { userKey } from '../ids.ts';
import { isContent, type LogRow } from './record.ts';

/** Users who left that are remembered. */
const FORMER_MAX = 10_000;

/** One membership, open or ended. */
export interface Membership {
  readonly userId: string;
  /** Key of the user's actor. */
  readonly key: string;
  role: MemberRole;
  /** First entry. */
  readonly joinSeq: number;
  /** Last entry; 0 = still a member. */
  leftSeq: number;
}

export class GroupState {
  readonly #tenant: string;
  info: ConversationInfo | undefined;
  readonly members = new Map<string, Membership>();
  /** The last membership of each user who left, oldest first. */
  readonly former = new Map<string, Membership>();
  contentCount = 0;
  lastTimeMs = 0;
  lastSeq = 0;

  constructor(tenant: string) {
    this.#tenant = tenant;
  }

  /** Folds one entry. */
  apply(seq: number, { message }: LogRow): void {
    this.lastSeq = seq;
    this.lastTimeMs = Number(message.createTimeMs);
    if (isContent(message.content)) this.contentCount++;
    const body = message.content?.body;
    if (body?.case === 'groupChanged') this.info = body.value.info;
    if (body?.case !== 'membersChanged') return;
    const change = body.value;
    if (change.info !== undefined) this.info = change.info;
    for (const userId of change.joinedUserIds) {
      this.members.set(userId, {
        userId,
        key: userKey(this.#tenant, userId),
        role: MemberRole.MEMBER,
        joinSeq: seq,
        leftSeq: 0,
      });
    }
    for (const userId of change.leftUserIds) this.#leave(userId, seq);
    for (const { userId, role } of change.roleChanges) {
      const member = this.members.get(userId);
      if (member !== undefined) member.role = role;
    }
  }

  #leave(userId: string, seq: number): void {
    const member = this.members.get(userId);
    if (member === undefined) return;
    this.members.delete(userId);
    // The same object: a delivery that is still under way sees that the membership has ended.
    member.leftSeq = seq;
    this.former.delete(userId);
    this.former.set(userId, member);
    if (this.former.size <= FORMER_MAX) return;
    const [oldest] = this.former.keys();
    if (oldest !== undefined) this.former.delete(oldest);
  }

  /** Memberships that any of the entries `first` … `last` belongs to. Of one user the earlier membership comes first. */
  receivers(first: number, last: number): Membership[] {
    const ended = [...this.former.values()].filter((one) => one.leftSeq >= first && one.joinSeq <= last);
    const open = [...this.members.values()].filter((one) => one.joinSeq <= last);
    return ended.length === 0 ? open : [...ended, ...open];
  }

  /** What a user may read, or undefined. */
  readable(userId: string): { readonly from: number; readonly to: number } | undefined {
    const member = this.members.get(userId);
    if (member !== undefined) return { from: member.joinSeq, to: this.lastSeq };
    const former = this.former.get(userId);
    return former === undefined ? undefined : { from: former.joinSeq, to: former.leftSeq };
  }

  restore(bytes: Uint8Array): { readonly deliveredSeq: number } {
    const state = fromBinary(GroupStateSchema, bytes);
    this.info = state.info;
    for (const one of state.members) this.members.set(one.userId, this.#fromState(one));
    for (const one of state.former) this.former.set(one.userId, this.#fromState(one));
    this.contentCount = Number(state.contentCount);
    this.lastTimeMs = Number(state.lastTimeMs);
    this.lastSeq = Number(state.lastSeq);
    return { deliveredSeq: Number(state.deliveredSeq) };
  }

  #fromState({ userId, role, joinSeq, leftSeq }: MembershipState): Membership {
    const key = userKey(this.#tenant, userId);
    return { userId, key, role, joinSeq: Number(joinSeq), leftSeq: Number(leftSeq) };
  }

  snapshot(deliveredSeq: number): Uint8Array {
    const state = create(GroupStateSchema, {
      members: [...this.members.values()].map(toState),
      former: [...this.former.values()].map(toState),
      contentCount: BigInt(this.contentCount),
      lastTimeMs: BigInt(this.lastTimeMs),
      lastSeq: BigInt(this.lastSeq),
      deliveredSeq: BigInt(deliveredSeq),
    });
    if (this.info !== undefined) state.info = this.info;
    return toBinary(GroupStateSchema, state);
  }
}

/** The membership as clients see it. */
export function memberOf({ userId, role, joinSeq }: Membership): Member {
  return create(MemberSchema, { userId, role, joinSeq: BigInt(joinSeq) });
}

function toState({ userId, role, joinSeq, leftSeq }: Membership): MembershipState {
  return create(MembershipStateSchema, { userId, role, joinSeq: BigInt(joinSeq), leftSeq: BigInt(leftSeq) });
}
