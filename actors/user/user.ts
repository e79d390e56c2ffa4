// Longer than 300 lines because it is the contract of a user with all its methods, each handed on in a few lines.
// The actor of one user. Wires state, devices, sends and timeline to the contract.

import { create, fromBinary } from '@bufbuild/protobuf';
import {
  type PushEntry,
  PushEntrySchema,
  type PushRequest,
  PushRequestSchema,
} from '../../proto/gen/starling/actor/v1/connection_pb.ts';
import * as rpc from '../../proto/gen/starling/actor/v1/user_pb.ts';
import {
  type Conversation,
  ConversationSettingsSchema,
} from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { type SendOutcome, SendState } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { Kicked_Reason } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { FullSyncSchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { Durable, Handlers, Later, Lifecycle, ReadTurn, Self, Turn } from '../../runtime/index.ts';
import { invalidRequest, StarlingError } from '../../runtime/index.ts';
import { connectionKey, groupKey, splitKey } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { deliveryOf } from '../shared-row.ts';
import { ConnectionActor, GroupActor } from '../types.ts';
import { CatchUp, comingBack } from './catch-up.ts';
import { judgeCursor } from './cursor.ts';
import { Devices } from './devices.ts';
import { listConversations, viewWithMessage } from './lists.ts';
import type { UserRow } from './record.ts';
import { changedRow, deliveredRow, outcomeRow } from './rows.ts';
import { Sending } from './sending.ts';
import { copySetting } from './settings.ts';
import { UserState } from './state.ts';
import { type Summary, viewOf } from './summary.ts';
import { News, pull } from './sync.ts';

type Contract = typeof rpc.UserActor;

/** The answer to a delivery that was taken. */
const TAKEN = create(rpc.DeliverResponseSchema);

export class User implements Handlers<Contract>, Durable<UserRow>, Lifecycle {
  readonly #tenant: string;
  readonly #id: string;
  readonly #limits: ImLimits;
  readonly #state: UserState;
  readonly #devices: Devices;
  readonly #sending: Sending;
  readonly #news: News;
  readonly #catchUp: CatchUp;

  constructor(self: Self, limits: ImLimits) {
    const { tenant, id } = splitKey(self.key);
    this.#tenant = tenant;
    this.#id = id;
    this.#limits = limits;
    this.#state = new UserState(limits);
    this.#devices = new Devices(this.#state.devices, limits, (deviceId) =>
      connectionKey(tenant, id, deviceId),
    );
    this.#news = new News(limits.newsWaitersMax);
    this.#catchUp = new CatchUp({
      tenant,
      userId: id,
      limits,
      position: (conversationId) => {
        const { joinSeq = 0, cursor = 0 } = this.#state.summaries.get(conversationId) ?? {};
        return { joinSeq, cursor };
      },
      take: (missed, turn) => this.deliver(missed, turn),
    });
    this.#sending = new Sending({
      tenant,
      userId: id,
      limits,
      outbox: this.#state.outbox,
      hasConversation: (conversationId) => this.#state.summaries.has(conversationId),
      note: (outcome, turn) => this.#note(outcome, turn),
    });
  }

  // ---- Durable ----------------------------------------------------------------------------------------------------

  restore(state: Uint8Array): void {
    this.#state.restore(state);
  }

  apply(seq: number, row: UserRow): void {
    this.#state.apply(seq, row);
  }

  snapshot(): Uint8Array {
    return this.#state.snapshot();
  }

  opened(turn: Turn): void {
    this.#catchUp.begin(turn);
    this.#sending.resume(turn);
  }

  closed(): void {
    this.#catchUp.end();
  }

  // ---- sends and deliveries ---------------------------------------------------------------------------------------

  send(request: rpc.UserSendRequest, turn: Turn): Later<rpc.UserSendResponse> {
    return this.#sending.send(request, turn);
  }

  /** Records what becomes of an accepted send; all devices are told. What is to be placed leaves work behind (rule 10). */
  #note(outcome: SendOutcome, turn: Turn): number {
    const timeMs = Math.max(this.#state.lastTimeMs, turn.now());
    const row = outcomeRow(outcome, turn.timeline.tail + 1, timeMs);
    this.#push([this.#append(row, turn, outcome.state === SendState.ACCEPTED)], turn);
    return timeMs;
  }

  /** Rule 13: takes an entry iff it follows the last one of this membership; what it has already it drops and acknowledges. */
  deliver(request: rpc.DeliverRequest, turn: Turn): rpc.DeliverResponse {
    const { conversationId } = request;
    const joinSeq = Number(request.joinSeq);
    const untilSeq = request.untilSeq === 0n ? Number.POSITIVE_INFINITY : Number(request.untilSeq);
    const summary = this.#state.summaries.get(conversationId);
    if (summary !== undefined && joinSeq < summary.joinSeq) return create(rpc.DeliverResponseSchema);
    let cursor = summary === undefined || joinSeq > summary.joinSeq ? joinSeq - 1 : summary.cursor;
    const pushed: PushEntry[] = [];
    for (const entry of request.entries) {
      const seq = Number(entry.conversationSeq);
      if (seq <= cursor || seq > untilSeq) continue;
      if (seq !== cursor + 1) {
        this.#push(pushed, turn);
        return create(rpc.DeliverResponseSchema, { refused: true, cursor: BigInt(cursor) });
      }
      const { lastTimeMs } = this.#state;
      pushed.push(
        this.#append(deliveredRow({ conversationId, joinSeq, entry, userId: this.#id, lastTimeMs }), turn),
      );
      cursor = seq;
    }
    this.#push(pushed, turn);
    return TAKEN;
  }

  #append(row: UserRow, turn: Turn, wake = false): PushEntry {
    this.#ensureTimeline(turn);
    const userSeq = turn.append(row, { wake });
    const { ringRowsMax } = this.#limits;
    if (userSeq - turn.timeline.floor >= ringRowsMax * 1.1) turn.trim(userSeq - ringRowsMax + 1);
    return {
      $typeName: PushEntrySchema.typeName,
      userSeq: BigInt(userSeq),
      delivery: deliveryOf(row.shared),
    };
  }

  #push(entries: PushEntry[], turn: Turn): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    for (const { n, connection } of this.#devices.attached.values()) {
      const request: PushRequest = { $typeName: PushRequestSchema.typeName, attachment: n, entries };
      turn.oneWay(ConnectionActor, connection).push(request);
    }
    this.#news.come(Number(last.userSeq));
  }

  /** Draws the incarnation of the timeline, once. */
  #ensureTimeline(turn: Turn): void {
    if (this.#state.incarnation !== 0n) return;
    this.#state.incarnation = turn.random64() | 1n;
    turn.checkpoint();
  }

  // ---- devices ----------------------------------------------------------------------------------------------------

  async attach(request: rpc.AttachRequest, turn: Turn): Promise<rpc.AttachResponse> {
    const { deviceId, deviceName, attachment } = request;
    this.#ensureTimeline(turn);
    const verdict = await judgeCursor(request.cursor, this.#state, turn, this.#limits.syncGapMax);
    const fresh = this.#devices.attach(deviceId, deviceName, attachment, turn);
    if (fresh || !this.#state.known) {
      this.#state.known = true;
      turn.checkpoint();
    }
    const response = create(rpc.AttachResponseSchema, {
      timelineIncarnation: this.#state.incarnation,
      headUserSeq: BigInt(turn.timeline.tail),
    });
    if ('fullSync' in verdict) response.fullSync = create(FullSyncSchema, { reason: verdict.fullSync });
    return response;
  }

  detach({ deviceId, attachment }: rpc.DetachRequest): rpc.DetachResponse {
    this.#devices.detach(deviceId, attachment);
    return create(rpc.DetachResponseSchema);
  }

  heartbeat({ deviceId, attachment }: rpc.UserHeartbeatRequest, turn: Turn): rpc.UserHeartbeatResponse {
    const attached = this.#devices.attached.get(deviceId)?.n === attachment;
    return create(rpc.UserHeartbeatResponseSchema, { headUserSeq: BigInt(turn.timeline.tail), attached });
  }

  acked({ deviceId, cursor }: rpc.AckedRequest, turn: Turn): rpc.AckedResponse {
    const known = cursor !== undefined && cursor.timelineIncarnation === this.#state.incarnation;
    if (known && cursor.userSeq <= BigInt(turn.timeline.tail)) this.#devices.acked(deviceId, cursor.userSeq);
    return create(rpc.AckedResponseSchema);
  }

  kickDevice({ deviceId }: rpc.UserKickDeviceRequest, turn: Turn): rpc.UserKickDeviceResponse {
    if (!this.#devices.has(deviceId)) throw new StarlingError('DEVICE_NOT_FOUND', deviceId);
    const key = connectionKey(this.#tenant, this.#id, deviceId);
    if (this.#devices.attached.has(deviceId))
      turn.oneWay(ConnectionActor, key).kick({ reason: Kicked_Reason.SIGNED_OUT });
    this.#devices.remove(deviceId);
    turn.checkpoint();
    return create(rpc.UserKickDeviceResponseSchema);
  }

  // ---- sync -------------------------------------------------------------------------------------------------------

  async pull(request: rpc.UserPullRequest, turn: ReadTurn): Promise<rpc.UserPullResponse> {
    if (!this.#catchUp.over) await this.#catchUp.settled;
    return pull(this.#state, request, turn, this.#limits.syncGapMax);
  }

  awaitNews(request: rpc.AwaitNewsRequest, turn: Turn): rpc.AwaitNewsResponse | Later<rpc.AwaitNewsResponse> {
    return this.#news.wait(request, turn);
  }

  // ---- conversations ----------------------------------------------------------------------------------------------

  async listConversations(
    request: rpc.UserListConversationsRequest,
    turn: ReadTurn,
  ): Promise<rpc.UserListConversationsResponse> {
    if (!this.#catchUp.over) await this.#catchUp.settled;
    return listConversations(this.#state, request.pageSize, request.pageToken, turn);
  }

  async getConversation(
    request: rpc.UserGetConversationRequest,
    turn: ReadTurn,
  ): Promise<rpc.UserGetConversationResponse> {
    if (!this.#catchUp.over) await this.#catchUp.settled;
    const conversation = await viewWithMessage(this.#summary(request.conversationId), turn);
    return create(rpc.UserGetConversationResponseSchema, { conversation });
  }

  updateConversation(
    request: rpc.UserUpdateConversationRequest,
    turn: Turn,
  ): rpc.UserUpdateConversationResponse {
    const summary = this.#summary(request.conversationId);
    const wanted = request.settings ?? create(ConversationSettingsSchema);
    const settings = create(ConversationSettingsSchema, { ...summary.settings });
    for (const path of request.paths) copySetting(path, wanted, settings);
    const view = viewOf(summary);
    view.settings = settings;
    return create(rpc.UserUpdateConversationResponseSchema, { conversation: this.#change(view, turn) });
  }

  markRead(
    request: rpc.UserMarkReadRequest,
    turn: Turn,
  ): rpc.UserMarkReadResponse | Later<rpc.UserMarkReadResponse> {
    const { conversationId } = request;
    const summary = this.#summary(conversationId);
    const readSeq = Number(request.readSeq);
    if (request.readSeq > BigInt(summary.cursor) && !this.#catchUp.over) throw comingBack();
    if (request.readSeq > BigInt(summary.cursor))
      throw invalidRequest('read_seq', `at most ${summary.cursor}`);
    if (readSeq <= summary.readSeq) return this.#read(viewOf(summary));
    if (readSeq === summary.cursor)
      return this.#markRead(conversationId, readSeq, summary.contentCount, turn);
    const later = turn.defer<rpc.UserMarkReadResponse>();
    const range = {
      userId: this.#id,
      fromSeq: request.readSeq,
      toSeq: request.readSeq,
      messagesMax: 1,
      bytesMax: 1,
    };
    turn
      .ask(GroupActor, groupKey(this.#tenant, conversationId), { passing: true })
      .read(range, (outcome, after) => {
        if (!outcome.ok) {
          later.reject(outcome.error);
          return;
        }
        const [bytes] = outcome.value.messages;
        if (bytes === undefined) later.reject(new StarlingError('MESSAGE_NOT_FOUND'));
        else
          later.resolve(
            this.#markRead(
              conversationId,
              readSeq,
              Number(fromBinary(MessageSchema, bytes).contentCount),
              after,
            ),
          );
      });
    return later;
  }

  #markRead(
    conversationId: string,
    readSeq: number,
    contentCount: number,
    turn: Turn,
  ): rpc.UserMarkReadResponse {
    const summary = this.#summary(conversationId);
    const view = viewOf(summary);
    if (readSeq <= summary.readSeq) return this.#read(view);
    view.readSeq = BigInt(readSeq);
    view.readContentCount = BigInt(contentCount);
    view.unreadCount = BigInt(Math.max(0, summary.contentCount - contentCount));
    return this.#read(this.#change(view, turn));
  }

  #read(conversation: Conversation): rpc.UserMarkReadResponse {
    return create(rpc.UserMarkReadResponseSchema, { conversation });
  }

  /** Records a change of the user's own view; all devices are told. */
  #change(view: Conversation, turn: Turn): Conversation {
    const timeMs = Math.max(this.#state.lastTimeMs, turn.now());
    const row = changedRow(view, turn.timeline.tail + 1, timeMs);
    this.#push([this.#append(row, turn)], turn);
    return view;
  }

  #summary(conversationId: string): Summary {
    const summary = this.#state.summaries.get(conversationId);
    if (summary === undefined && !this.#catchUp.over) throw comingBack();
    if (summary === undefined) throw new StarlingError('CONVERSATION_NOT_FOUND', conversationId);
    return summary;
  }

  // ---- profile ----------------------------------------------------------------------------------------------------

  register({ profile }: rpc.RegisterRequest, turn: Turn): rpc.RegisterResponse {
    this.#ensureTimeline(turn);
    const before = this.#state.profile;
    const same =
      profile === undefined ||
      (before?.displayName === profile.displayName && before.avatarUrl === profile.avatarUrl);
    if (this.#state.known && same) return create(rpc.RegisterResponseSchema);
    this.#state.known = true;
    if (profile !== undefined) this.#state.profile = profile;
    turn.checkpoint();
    return create(rpc.RegisterResponseSchema);
  }

  describe({ withDevices }: rpc.DescribeRequest, turn: ReadTurn): rpc.DescribeResponse {
    const { known, profile, incarnation } = this.#state;
    const response = create(rpc.DescribeResponseSchema, {
      known,
      devices: withDevices ? this.#devices.list() : [],
      timelineIncarnation: incarnation,
      headUserSeq: BigInt(turn.timeline.tail),
      floorUserSeq: BigInt(turn.timeline.floor),
    });
    if (profile !== undefined) response.profile = profile;
    return response;
  }
}
