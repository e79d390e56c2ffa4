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
/** Memberships before the last one of their user that are kept; with as many nobody can be removed. */
export const EARLIER_MAX = 10_000;

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
  /** Ended memberships that are neither: kept while their user may lack entries of them, oldest first. */
  earlier: Membership[] = [];
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
    this.#forget(userId);
    this.former.set(userId, member);
    if (this.former.size <= FORMER_MAX) return;
    const [oldest] = this.former.keys();
    if (oldest !== undefined) this.#forget(oldest);
  }

  #forget(userId: string): void {
    const former = this.former.get(userId);
    if (former !== undefined) this.earlier.push(former);
    this.former.delete(userId);
  }

  /** The first entries that a user lacks who has those of membership `joinSeq` up to `cursor`, and of those before it all. */
  missed(
    userId: string,
    joinSeq: number,
    cursor: number,
  ): { readonly membership: Membership; readonly from: number; readonly to: number } | undefined {
    const all = [...this.earlier.filter((one) => one.userId === userId)];
    for (const last of [this.former.get(userId), this.members.get(userId)]) {
      if (last !== undefined) all.push(last);
    }
    for (const membership of all) {
      if (membership.joinSeq < joinSeq) continue;
      const from = membership.joinSeq === joinSeq ? cursor + 1 : membership.joinSeq;
      const to = membership.leftSeq === 0 ? this.lastSeq : membership.leftSeq;
      if (from <= to) return { membership, from, to };
    }
    return undefined;
  }

  /** Memberships that any of the entries `first` … `last` belongs to. Of one user the earlier membership comes first. */
  receivers(first: number, last: number): Membership[] {
    const ended = [...this.earlier, ...this.former.values()].filter(
      (one) => one.leftSeq >= first && one.joinSeq <= last,
    );
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

  restore(bytes: Uint8Array): { readonly deliveredSeq: number; readonly marked: ReadonlySet<string> } {
    const state = fromBinary(GroupStateSchema, bytes);
    this.info = state.info;
    for (const one of state.members) this.members.set(one.userId, this.#fromState(one));
    for (const one of state.former) this.former.set(one.userId, this.#fromState(one));
    this.earlier = state.earlier.map((one) => this.#fromState(one));
    this.contentCount = Number(state.contentCount);
    this.lastTimeMs = Number(state.lastTimeMs);
    this.lastSeq = Number(state.lastSeq);
    const marked = [...state.members, ...state.former].filter((one) => one.marked);
    return {
      deliveredSeq: Number(state.deliveredSeq),
      marked: new Set(marked.map(({ userId }) => userId)),
    };
  }

  #fromState({ userId, role, joinSeq, leftSeq }: MembershipState): Membership {
    const key = userKey(this.#tenant, userId);
    return { userId, key, role, joinSeq: Number(joinSeq), leftSeq: Number(leftSeq) };
  }

  /** `marked`: users who are absent. */
  snapshot(deliveredSeq: number, marked: ReadonlySet<string>): Uint8Array {
    const toState = (one: Membership): MembershipState => stateOf(one, marked.has(one.userId));
    const state = create(GroupStateSchema, {
      members: [...this.members.values()].map(toState),
      former: [...this.former.values()].map(toState),
      earlier: this.earlier.map(toState),
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

function stateOf({ userId, role, joinSeq, leftSeq }: Membership, marked: boolean): MembershipState {
  return create(MembershipStateSchema, {
    userId,
    role,
    joinSeq: BigInt(joinSeq),
    leftSeq: BigInt(leftSeq),
    marked,
  });
}
