// The actor of one conversation. Wires state, index, deliveries and log to the contract.

import { create } from '@bufbuild/protobuf';
import {
  type AttachMemberRequest,
  type AttachMemberResponse,
  AttachMemberResponseSchema,
  type ChangeRequest,
  type ChangeResponse,
  ChangeResponseSchema,
  type CreateRequest,
  type CreateResponse,
  CreateResponseSchema,
  type GetRequest,
  type GetResponse,
  GetResponseSchema,
  type GroupActor as GroupContract,
  type InspectRequest,
  type InspectResponse,
  InspectResponseSchema,
  type MembersRequest,
  type MembersResponse,
  MembersResponseSchema,
  type PostRequest,
  type PostResponse,
  PostResponseSchema,
  type ReadRequest,
  type ReadResponse,
  ReadResponseSchema,
} from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { GroupSchema, type Group as GroupView } from '../../proto/gen/starling/im/v1/group_pb.ts';
import {
  type Content,
  ConversationInfoSchema,
  ConversationType,
  MessageSchema,
} from '../../proto/gen/starling/im/v1/message_pb.ts';
import type {
  Durable,
  Effects,
  Handlers,
  Later,
  Lifecycle,
  ReadTurn,
  Self,
  Turn,
} from '../../runtime/index.ts';
import { StarlingError } from '../../runtime/index.ts';
import { directUsers, messageIdOf, splitKey } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { founding, plan } from './change.ts';
import { Deliveries } from './deliveries.ts';
import { post } from './post.ts';
import { encodeContent, type LogRow, logCodec, logEntry, logRow } from './record.ts';
import { SentIndex } from './sent-index.ts';
import { EARLIER_MAX, GroupState, memberOf } from './state.ts';

const INSPECTED_MEMBERS_MAX = 1000;

export class Group implements Handlers<typeof GroupContract>, Durable<LogRow>, Lifecycle {
  readonly #tenant: string;
  readonly #id: string;
  readonly #limits: ImLimits;
  readonly #state: GroupState;
  readonly #sent: SentIndex;
  readonly #deliveries: Deliveries;

  constructor(self: Self, limits: ImLimits) {
    const { tenant, id } = splitKey(self.key);
    this.#tenant = tenant;
    this.#id = id;
    this.#limits = limits;
    this.#state = new GroupState(tenant);
    this.#sent = new SentIndex(limits.sentIdsInMemoryMax);
    this.#deliveries = new Deliveries({ tenant, conversationId: id, state: this.#state, limits });
  }

  // ---- Durable ----------------------------------------------------------------------------------------------------

  restore(state: Uint8Array): void {
    this.#deliveries.restore(this.#state.restore(state));
  }

  apply(seq: number, row: LogRow, effects: Effects): void {
    this.#state.apply(seq, row);
    this.#sent.apply(row, effects);
  }

  snapshot(): Uint8Array {
    const { frontier, marked } = this.#deliveries.snapshot();
    return this.#state.snapshot(frontier, marked);
  }

  opened(turn: Turn): void {
    this.#deliveries.pump(turn);
  }

  // ---- writing ----------------------------------------------------------------------------------------------------

  async post(request: PostRequest, turn: Turn): Promise<PostResponse> {
    if (this.#state.info === undefined) this.#foundDirect(request, turn);
    const context = {
      tenant: this.#tenant,
      conversationId: this.#id,
      state: this.#state,
      sent: this.#sent,
      append: (within: Turn, row: LogRow) => this.#append(within, row),
    };
    const results = await post(context, request, turn);
    this.#deliveries.pump(turn);
    return create(PostResponseSchema, { results });
  }

  create(request: CreateRequest, turn: Turn): CreateResponse {
    const { ownerUserId, info } = request;
    if (this.#state.info !== undefined) {
      if (this.#state.readable(ownerUserId) === undefined) {
        throw new StarlingError('ID_REUSED', `Conversation ${this.#id} exists, without ${ownerUserId}.`);
      }
      return create(CreateResponseSchema, { group: this.#view(ownerUserId), created: false });
    }
    const memberIds = [...new Set([ownerUserId, ...request.memberUserIds])];
    if (memberIds.length > this.#limits.groupMembersMax) {
      throw new StarlingError('GROUP_FULL', `At most ${this.#limits.groupMembersMax} members.`);
    }
    const conversationInfo = create(ConversationInfoSchema, {
      type: ConversationType.GROUP,
      name: info?.name ?? '',
    });
    const time = request.createTimeMs === 0n ? turn.now() : Number(request.createTimeMs);
    this.#control(turn, founding(conversationInfo, memberIds, ownerUserId), time);
    this.#deliveries.pump(turn);
    return create(CreateResponseSchema, { group: this.#view(ownerUserId), created: true });
  }

  change(request: ChangeRequest, turn: Turn): ChangeResponse {
    this.#exists();
    if (request.removeUserIds.length > 0 && this.#state.earlier.length >= EARLIER_MAX)
      throw new StarlingError('OVERLOADED', 'Too many former members lack entries still.');
    for (const content of plan(this.#state, request, this.#limits.groupMembersMax)) {
      this.#control(turn, content, turn.now());
    }
    this.#deliveries.pump(turn);
    return create(ChangeResponseSchema, { group: this.#view(request.actorUserId) });
  }

  /** Rule 20: a user was absent, and asks for what it lacks until it has everything. */
  attach(request: AttachMemberRequest, turn: Turn): AttachMemberResponse | Later<AttachMemberResponse> {
    const { userId, joinSeq, cursor } = request;
    const missed = this.#state.missed(userId, Number(joinSeq), Number(cursor));
    if (missed === undefined) {
      // The answer waits for the checkpoint.
      if (this.#deliveries.attached(userId)) turn.checkpoint();
      return create(AttachMemberResponseSchema, { attached: true });
    }
    const later = turn.defer<AttachMemberResponse>();
    const { membership, from, to } = missed;
    const { fanOutEntriesMax, fanOutBytesMax } = this.#limits;
    const range = { from, to, rowsMax: fanOutEntriesMax, bytesMax: fanOutBytesMax };
    turn.when(turn.timeline.read(range), (outcome) => {
      if (!outcome.ok) {
        later.reject(outcome.error);
        return;
      }
      const missed = {
        conversationId: this.#id,
        entries: outcome.value.map((row) => logEntry(this.#tenant, logCodec.decode(row.value))),
        joinSeq: BigInt(membership.joinSeq),
        prevSeq: BigInt(from - 1),
        untilSeq: BigInt(membership.leftSeq),
      };
      later.resolve(create(AttachMemberResponseSchema, { missed }));
    });
    return later;
  }

  /** A direct conversation comes to be with its first message. */
  #foundDirect(request: PostRequest, turn: Turn): void {
    const users = directUsers(this.#id);
    if (users === undefined || request.directUserIds.length !== 2) {
      throw new StarlingError('CONVERSATION_NOT_FOUND', this.#id);
    }
    // Looked for only: nothing is founded for a message that will not be written.
    if (request.entries.every((entry) => entry.repeatOnly)) throw new StarlingError('SUPERSEDED');
    const info = create(ConversationInfoSchema, { type: ConversationType.DIRECT, directUserIds: [...users] });
    const first = Number(request.entries[0]?.createTimeMs ?? 0n);
    this.#control(turn, founding(info, users, ''), request.privileged && first > 0 ? first : turn.now());
  }

  /** Appends an entry of the system. */
  #control(turn: Turn, content: Content, timeMs: number): void {
    const seq = this.#state.lastSeq + 1;
    const message = create(MessageSchema, {
      // No client_message_id has a `/`, so that no message of a back end gets the same id.
      messageId: messageIdOf(this.#tenant, this.#id, '', `control/${seq}`).text,
      conversationId: this.#id,
      conversationSeq: BigInt(seq),
      createTimeMs: BigInt(Math.max(this.#state.lastTimeMs, timeMs)),
      contentCount: BigInt(this.#state.contentCount),
    });
    this.#append(turn, logRow(message, encodeContent(content), 0n));
  }

  #append(turn: Turn, row: LogRow): void {
    turn.append(row, { wake: true });
    this.#deliveries.add(logEntry(this.#tenant, row));
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  get(request: GetRequest): GetResponse {
    this.#mayRead(request.userId);
    return create(GetResponseSchema, { group: this.#view(request.userId) });
  }

  listMembers(request: MembersRequest): MembersResponse {
    this.#exists();
    if (request.userId !== '' && !this.#state.members.has(request.userId))
      throw new StarlingError('NOT_A_MEMBER');
    const sorted = [...this.#state.members.values()]
      .filter((member) => member.userId > request.afterUserId)
      .sort((a, b) => (a.userId < b.userId ? -1 : 1));
    const page = sorted.slice(0, request.pageSize);
    return create(MembersResponseSchema, { members: page.map(memberOf), more: page.length < sorted.length });
  }

  async read(request: ReadRequest, turn: ReadTurn): Promise<ReadResponse> {
    const range = this.#mayRead(request.userId);
    const from = Math.max(range.from, Number(request.fromSeq));
    const to = request.toSeq === 0n ? range.to : Math.min(range.to, Number(request.toSeq));
    const { messagesMax, bytesMax, descending } = request;
    const rows = await turn.timeline.read({ from, to, rowsMax: messagesMax, bytesMax, descending });
    const last = rows.at(-1)?.seq;
    let nextSeq = 0;
    if (last !== undefined && descending && last > from) nextSeq = last - 1;
    if (last !== undefined && !descending && last < to) nextSeq = last + 1;
    const messages = rows.map((row) => logCodec.decode(row.value).bytes);
    return create(ReadResponseSchema, { messages, nextSeq: BigInt(nextSeq) });
  }

  inspect(_request: InspectRequest): InspectResponse {
    const members = [...this.#state.members.values()].slice(0, INSPECTED_MEMBERS_MAX).map((member) => ({
      member: memberOf(member),
      deliveredSeq: BigInt(this.#deliveries.progress(member)),
      marked: this.#deliveries.marked(member.userId),
    }));
    const response = create(InspectResponseSchema, {
      lastSeq: BigInt(this.#state.lastSeq),
      deliveredSeq: BigInt(this.#deliveries.frontier),
      members,
    });
    if (this.#state.info !== undefined) response.info = this.#state.info;
    return response;
  }

  #exists(): void {
    if (this.#state.info === undefined) throw new StarlingError('CONVERSATION_NOT_FOUND', this.#id);
  }

  /** The range that a user may read; everything for somebody who need not be a member. */
  #mayRead(userId: string): { readonly from: number; readonly to: number } {
    this.#exists();
    if (userId === '') return { from: 1, to: this.#state.lastSeq };
    const range = this.#state.readable(userId);
    if (range === undefined) throw new StarlingError('NOT_A_MEMBER');
    return range;
  }

  #view(userId: string): GroupView {
    const view = create(GroupSchema, {
      conversationId: this.#id,
      memberCount: this.#state.members.size,
      lastSeq: BigInt(this.#state.readable(userId)?.to ?? this.#state.lastSeq),
    });
    if (this.#state.info !== undefined) view.info = this.#state.info;
    const member = this.#state.members.get(userId);
    if (member !== undefined) view.self = memberOf(member);
    return view;
  }
}
