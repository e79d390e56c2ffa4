// The actor of one user. Wires state, devices, sends and timeline to the contract.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type PushEntry,
  PushEntrySchema,
  type PushRequest,
  PushRequestSchema,
} from '../../proto/gen/starling/actor/v1/connection_pb.ts';
import * as rpc from '../../proto/gen/starling/actor/v1/user_pb.ts';
import {
  type Conversation,
  type ConversationSettings,
  ConversationSettingsSchema,
} from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { MessageSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { Kicked_Reason } from '../../proto/gen/starling/im/v1/session_pb.ts';
import {
  ConversationChangeSchema,
  FullSync_Reason,
  FullSyncSchema,
} from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { Durable, Handlers, Later, ReadTurn, Self, Turn } from '../../runtime/index.ts';
import { invalidRequest, StarlingError } from '../../runtime/index.ts';
import { changeDelivery, checkOfDelivery, userSeqField, withTime } from '../delivery.ts';
import { connectionKey, groupKey, hash64, splitKey } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { deliveryOf, sharedRow } from '../shared-row.ts';
import { ConnectionActor, GroupActor } from '../types.ts';
import { cursorAt, judgeCursor } from './cursor.ts';
import { Devices } from './devices.ts';
import { listConversations, viewWithMessage } from './lists.ts';
import type { UserRow } from './record.ts';
import { Sending } from './sending.ts';
import { UserState } from './state.ts';
import { type Summary, summaryChangeOf, viewOf } from './summary.ts';

type Contract = typeof rpc.UserActor;

/** The answer to a delivery that was taken. */
const TAKEN = create(rpc.DeliverResponseSchema);

export class User implements Handlers<Contract>, Durable<UserRow> {
  readonly #tenant: string;
  readonly #id: string;
  readonly #limits: ImLimits;
  readonly #state = new UserState();
  readonly #devices: Devices;
  readonly #sending: Sending;
  readonly #waiters = new Set<(head: number) => void>();

  constructor(self: Self, limits: ImLimits) {
    const { tenant, id } = splitKey(self.key);
    this.#tenant = tenant;
    this.#id = id;
    this.#limits = limits;
    this.#devices = new Devices(this.#state.devices, limits, (deviceId) =>
      connectionKey(tenant, id, deviceId),
    );
    this.#sending = new Sending({
      tenant,
      userId: id,
      limits,
      hasConversation: (conversationId) => this.#state.summaries.has(conversationId),
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

  // ---- sends and deliveries ---------------------------------------------------------------------------------------

  send(request: rpc.UserSendRequest, turn: Turn): Later<rpc.UserSendResponse> {
    return this.#sending.send(request, turn);
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
      pushed.push(this.#append(this.#rowOf(conversationId, joinSeq, entry), turn));
      cursor = seq;
    }
    this.#push(pushed, turn);
    return TAKEN;
  }

  #rowOf(conversationId: string, joinSeq: number, entry: rpc.LogEntry): UserRow {
    const { conversationSeq, contentCount } = entry;
    const createTimeMs = Number(entry.createTimeMs);
    const timeMs = Math.max(createTimeMs, this.#state.lastTimeMs);
    let shared = entry.row;
    if (timeMs > createTimeMs) {
      const delivery = withTime(deliveryOf(shared), BigInt(timeMs));
      shared = sharedRow({ delivery, conversationId, conversationSeq, contentCount, timeMs: BigInt(timeMs) });
    }
    return {
      shared,
      conversationId,
      conversationSeq: Number(conversationSeq),
      joinSeq,
      contentCount: Number(contentCount),
      own: entry.senderId === this.#id,
      summaryChange: summaryChangeOf(entry, this.#id),
      changed: undefined,
      timeMs,
    };
  }

  #append(row: UserRow, turn: Turn): PushEntry {
    this.#ensureTimeline(turn);
    const userSeq = turn.append(row);
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
    for (const wake of [...this.#waiters]) wake(Number(last.userSeq));
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
    const head = turn.timeline.tail;
    const verdict = await judgeCursor(request.cursor, this.#state, turn, this.#limits.syncGapMax);
    const response = create(rpc.UserPullResponseSchema, { headUserSeq: BigInt(head) });
    if ('fullSync' in verdict) {
      response.fullSync = create(FullSyncSchema, { reason: verdict.fullSync });
      return response;
    }
    const { deliveriesMax, bytesMax } = request;
    const from = verdict.userSeq + 1;
    const rows = await turn.timeline.read({ from, rowsMax: deliveriesMax, bytesMax });
    // Trimmed since the cursor was judged: never a gap without a word.
    if (rows[0] !== undefined && rows[0].seq !== from) {
      response.fullSync = create(FullSyncSchema, { reason: FullSync_Reason.TRIMMED });
      return response;
    }
    let last: Uint8Array | undefined;
    for (const { seq, value } of rows) {
      last = deliveryOf(value);
      response.deliveries.push(Buffer.concat([userSeqField(seq), last]));
    }
    const next = rows.at(-1)?.seq;
    if (next !== undefined && last !== undefined) {
      response.nextCursor = cursorAt(this.#state.incarnation, next, checkOfDelivery(last));
      response.headUserSeq = BigInt(Math.max(head, next));
    } else if (request.cursor !== undefined) response.nextCursor = request.cursor;
    return response;
  }

  awaitNews(request: rpc.AwaitNewsRequest, turn: Turn): rpc.AwaitNewsResponse | Later<rpc.AwaitNewsResponse> {
    const head = turn.timeline.tail;
    const answer = (userSeq: number): rpc.AwaitNewsResponse =>
      create(rpc.AwaitNewsResponseSchema, { headUserSeq: BigInt(userSeq) });
    if (BigInt(head) > request.userSeq) return answer(head);
    if (this.#waiters.size >= this.#limits.newsWaitersMax)
      throw new StarlingError('OVERLOADED', 'Too many long polls.');
    const later = turn.defer<rpc.AwaitNewsResponse>();
    const wake = (userSeq: number): void => {
      cancel();
      this.#waiters.delete(wake);
      later.resolve(answer(userSeq));
    };
    const cancel = turn.after(request.waitMs, (timed) => wake(timed.timeline.tail));
    this.#waiters.add(wake);
    const { signal } = turn;
    // Whoever has left makes room for the next poll.
    signal?.addEventListener('abort', () => wake(head), { once: true });
    return later;
  }

  // ---- conversations ----------------------------------------------------------------------------------------------

  listConversations(
    request: rpc.UserListConversationsRequest,
    turn: ReadTurn,
  ): Promise<rpc.UserListConversationsResponse> {
    return listConversations(this.#state, request.pageSize, request.pageToken, turn);
  }

  async getConversation(
    request: rpc.UserGetConversationRequest,
    turn: ReadTurn,
  ): Promise<rpc.UserGetConversationResponse> {
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
    const change = toBinary(
      ConversationChangeSchema,
      create(ConversationChangeSchema, { conversation: view }),
    );
    const check = hash64(change, Buffer.from(String(turn.timeline.tail + 1)));
    const delivery = changeDelivery(check, BigInt(timeMs), change);
    const row: UserRow = {
      shared: sharedRow({ delivery, changed: view, timeMs: BigInt(timeMs) }),
      conversationId: '',
      conversationSeq: 0,
      joinSeq: 0,
      contentCount: 0,
      own: false,
      summaryChange: undefined,
      changed: view,
      timeMs,
    };
    this.#push([this.#append(row, turn)], turn);
    return view;
  }

  #summary(conversationId: string): Summary {
    const summary = this.#state.summaries.get(conversationId);
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

/** Copies one field named by an update mask. */
function copySetting(path: string, from: ConversationSettings, to: ConversationSettings): void {
  switch (path) {
    case 'pinned':
      to.pinned = from.pinned;
      break;
    case 'notify_level':
      to.notifyLevel = from.notifyLevel;
      break;
    case 'labels':
      to.labels = from.labels;
      break;
    case 'draft':
      to.draft = from.draft;
      break;
    case 'attributes':
      to.attributes = from.attributes;
      break;
    default:
      throw invalidRequest('update_mask', `there is no field ${path}`);
  }
}
