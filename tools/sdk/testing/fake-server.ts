// Longer than 300 lines because a server is one state, and a test has to see all that it answers by.
//
// A server at the level of the transport, driven by the test: one user's timeline, conversations and sends, in memory.
// It follows the contract; faults are put in by `intercept` and by the frames that a test pushes itself.

import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  type Conversation,
  ConversationSchema,
  type GetConversationRequest,
  GetConversationResponseSchema,
  type ListConversationsRequest,
  ListConversationsResponseSchema,
} from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { type Cursor, CursorSchema } from '../../../proto/gen/starling/im/v1/cursor_pb.ts';
import {
  ContentSchema,
  MembersChangedSchema,
  type Message,
  MessageSchema,
  TextSchema,
} from '../../../proto/gen/starling/im/v1/message_pb.ts';
import {
  type ListMessagesRequest,
  ListMessagesResponseSchema,
  type SendMessageRequest,
  SendMessageResponseSchema,
} from '../../../proto/gen/starling/im/v1/send_pb.ts';
import {
  AckResponseSchema,
  NavigateResponseSchema,
  type OpenRequest,
  OpenResponseSchema,
  RefreshResponseSchema,
} from '../../../proto/gen/starling/im/v1/session_pb.ts';
import {
  type Delivery,
  DeliverySchema,
  FullSync_Reason,
  type PullRequest,
  PullResponseSchema,
} from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { conversationIdOf, fold } from '../core/view.ts';
import { SdkError, type SdkErrorOptions, toSdkError } from '../errors.ts';
import type { CallOptions, Clock, Transport } from '../ports.ts';

/** Fields of a message. */
type MessageInit = Partial<Pick<Message, 'senderId' | 'clientMessageId' | 'content'>>;
type FrameInit = MessageInitShape<typeof OpenResponseSchema>['frame'];

export interface FakeCall {
  readonly method: string;
  readonly request: unknown;
  readonly options: CallOptions;
}

export interface FakeStream {
  readonly request: OpenRequest;
  readonly token: string;
  readonly address: string;
  /** Sends a frame. */
  push(frame: FrameInit): void;
  /** Ends the stream; without an error: OK. */
  end(error?: SdkError): void;
  readonly ended: boolean;
}

/** What a test does with a call instead of the server: an error, an answer of its own, or nothing (undefined). */
export type Intercept = (call: FakeCall, serve: () => unknown) => unknown;

export class FakeServer {
  readonly calls: FakeCall[] = [];
  readonly streams: FakeStream[] = [];
  readonly timeline: Delivery[] = [];
  readonly logs = new Map<string, Message[]>();
  readonly sent = new Map<string, Message>();
  incarnation = 7n;
  self = 'alice';
  /** Entries up to here are no longer kept. */
  trimmed = 0n;
  pageSize = 200;
  pullMax = 200;
  heartbeatMs = 20_000;
  reconnectSpreadMs = 0;
  /** A Welcome follows an Open at once. */
  welcomes = true;
  /** What becomes a delivery is pushed to the open stream. */
  pushes = false;
  intercept: Intercept | undefined;
  /** Ends the waits of long polls. */
  clock: Clock | undefined;
  #parked: (() => void)[] = [];

  get head(): bigint {
    return BigInt(this.timeline.length);
  }

  /** The newest stream. */
  get stream(): FakeStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('No stream was opened.');
    return stream;
  }

  /** The requests of all calls to a method, in order. */
  requests<I extends DescMessage>(method: DescMethod & { input: I }): MessageShape<I>[] {
    const calls = this.calls.filter((call) => call.method === method.name);
    return calls.map((call) => call.request as MessageShape<I>);
  }

  /** The view of every conversation that the whole timeline makes. */
  views(): Map<string, Conversation> {
    const views = new Map<string, Conversation>();
    for (const delivery of this.timeline) this.#foldInto(views, delivery);
    return views;
  }

  cursor(seq: bigint = this.head): Cursor {
    const check = this.timeline[Number(seq) - 1]?.check ?? 0n;
    return create(CursorSchema, { timelineIncarnation: this.incarnation, userSeq: seq, check });
  }

  /** Someone writes into a conversation; the entry goes into the user's timeline. */
  write(conversationId: string, init: MessageInit = {}): Delivery {
    const log = this.logs.get(conversationId) ?? [];
    this.logs.set(conversationId, log);
    if (log.length === 0) this.#append(log, conversationId, this.#creation());
    const text = create(TextSchema, { text: `text ${log.length}` });
    const content = create(ContentSchema, { body: { case: 'text', value: text } });
    return this.#append(log, conversationId, { senderId: 'bob', content, ...init });
  }

  /** Another entry of the timeline. */
  deliver(entry: Delivery['entry']): Delivery {
    const userSeq = this.head + 1n;
    const delivery = create(DeliverySchema, { userSeq, check: userSeq * 1000n + 1n, timeMs: 1n });
    delivery.entry = entry;
    this.timeline.push(delivery);
    if (this.pushes && this.streams.at(-1)?.ended === false) this.push(delivery.userSeq);
    for (const wake of this.#parked.splice(0)) wake();
    return delivery;
  }

  /** Pushes entries of the timeline by their positions. */
  push(...seqs: bigint[]): void {
    const deliveries = seqs.flatMap((seq) => this.timeline[Number(seq) - 1] ?? []);
    this.stream.push({ case: 'deliveries', value: { deliveries } });
  }

  welcome(stream: FakeStream = this.stream): void {
    stream.push({
      case: 'welcome',
      value: {
        timelineIncarnation: this.incarnation,
        headUserSeq: this.head,
        heartbeatMs: this.heartbeatMs,
        reconnectSpreadMs: this.reconnectSpreadMs,
        limits: { windowDeliveriesMax: 32 },
      },
    });
  }

  /** A new timeline: what was is gone. */
  restart(incarnation: bigint): void {
    this.incarnation = incarnation;
    this.timeline.length = 0;
    this.logs.clear();
  }

  async #unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    request: MessageShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    const call = { method: method.name, request, options };
    this.calls.push(call);
    const serve = (): unknown => this.#serve(call);
    const answered = Promise.resolve().then(() => this.intercept?.(call, serve) ?? serve());
    return (await Promise.race([answered, aborted(options.signal)])) as MessageShape<O>;
  }

  #open(request: OpenRequest, options: CallOptions, onMessage: (message: never) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let ended = false;
      const end = (error?: SdkError): void => {
        if (ended) return;
        ended = true;
        if (error === undefined) resolve();
        else reject(error);
      };
      options.signal.addEventListener('abort', () => end(refusal('CANCELLED', { status: 'CANCELLED' })));
      const stream: FakeStream = {
        request,
        token: options.token,
        address: options.address,
        push: (frame) => {
          if (!ended) onMessage(create(OpenResponseSchema, frame === undefined ? {} : { frame }) as never);
        },
        end,
        get ended() {
          return ended;
        },
      };
      this.streams.push(stream);
      if (this.welcomes) queueMicrotask(() => this.welcome(stream));
    });
  }

  #serve(call: FakeCall): unknown {
    switch (call.method) {
      case 'Navigate':
        return create(NavigateResponseSchema, { userId: this.self });
      case 'Ack':
        return create(AckResponseSchema);
      case 'Refresh':
        return create(RefreshResponseSchema);
      case 'Pull':
        return this.#pull(call.request as PullRequest);
      case 'ListConversations':
        return this.#list((call.request as ListConversationsRequest).pageToken);
      case 'GetConversation':
        return this.#get((call.request as GetConversationRequest).conversationId);
      case 'ListMessages':
        return this.#messages(call.request as ListMessagesRequest);
      case 'SendMessage':
        return this.#send(call.request as SendMessageRequest);
      default:
        throw refusal('METHOD_NOT_FOUND', { status: 'UNIMPLEMENTED' });
    }
  }

  #pull({ cursor, waitMs }: Pick<PullRequest, 'cursor' | 'waitMs'>): unknown {
    const reason = this.#fullSync(cursor);
    if (cursor === undefined || reason !== undefined) {
      return create(PullResponseSchema, { fullSync: { reason: reason ?? FullSync_Reason.NO_CURSOR } });
    }
    const from = Number(cursor.userSeq);
    const deliveries = this.timeline.slice(from, from + this.pullMax);
    if (deliveries.length === 0 && waitMs > 0) {
      return new Promise((resolve) => {
        this.#parked.push(() => resolve(this.#pull({ cursor, waitMs })));
        this.clock?.after(waitMs, () => resolve(this.#pull({ cursor, waitMs: 0 })));
      });
    }
    const nextCursor = this.cursor(BigInt(from + deliveries.length));
    return create(PullResponseSchema, { deliveries, nextCursor, headUserSeq: this.head });
  }

  #fullSync(cursor: Cursor | undefined): FullSync_Reason | undefined {
    if (cursor === undefined) return FullSync_Reason.NO_CURSOR;
    if (cursor.timelineIncarnation !== this.incarnation) return FullSync_Reason.INCARNATION;
    if (cursor.userSeq < this.trimmed) return FullSync_Reason.TRIMMED;
    if (cursor.userSeq > this.head || this.cursor(cursor.userSeq).check !== cursor.check) {
      return FullSync_Reason.MISMATCH;
    }
    return undefined;
  }

  #list(pageToken: string): unknown {
    const all = [...this.views().values()];
    const from = pageToken === '' ? 0 : Number(pageToken);
    const next = from + this.pageSize;
    return create(ListConversationsResponseSchema, {
      conversations: all.slice(from, next),
      nextPageToken: next < all.length ? String(next) : '',
      ...(pageToken === '' ? { cursor: this.cursor() } : {}),
    });
  }

  #get(id: string): unknown {
    const conversation = this.views().get(id);
    if (conversation === undefined) throw refusal('CONVERSATION_NOT_FOUND', { status: 'NOT_FOUND' });
    return create(GetConversationResponseSchema, { conversation });
  }

  #messages({ conversationId, toSeq, pageSize }: ListMessagesRequest): unknown {
    const log = this.logs.get(conversationId) ?? [];
    const end = toSeq === 0n ? log.length : Number(toSeq);
    const from = Math.max(0, end - pageSize);
    const messages = log.slice(from, end).reverse();
    return create(ListMessagesResponseSchema, { messages, nextSeq: BigInt(from) });
  }

  #send(request: SendMessageRequest): unknown {
    const known = this.sent.get(request.clientMessageId);
    const id =
      request.target.case === 'directUserId' ? `d-${request.target.value}` : (request.target.value ?? '');
    const { clientMessageId, content } = request;
    const entry = { senderId: this.self, clientMessageId, ...(content === undefined ? {} : { content }) };
    const message = known ?? (this.write(id, entry).entry.value as Message);
    this.sent.set(clientMessageId, message);
    const { messageId, conversationId, conversationSeq } = message;
    return create(SendMessageResponseSchema, { messageId, conversationId, conversationSeq, state: 2 });
  }

  #append(log: Message[], conversationId: string, init: MessageInit): Delivery {
    const before = log.at(-1)?.contentCount ?? 0n;
    const message = create(MessageSchema, {
      ...init,
      messageId: `${conversationId}-${log.length + 1}`,
      conversationId,
      conversationSeq: BigInt(log.length + 1),
    });
    const control =
      message.content?.body.case === 'membersChanged' || message.content?.body.case === 'groupChanged';
    message.contentCount = control ? before : before + 1n;
    log.push(message);
    return this.deliver({ case: 'message', value: message });
  }

  #creation(): MessageInit {
    const value = create(MembersChangedSchema, { joinedUserIds: [this.self, 'bob'], memberCount: 2 });
    return { content: create(ContentSchema, { body: { case: 'membersChanged', value } }) };
  }

  #foldInto(views: Map<string, Conversation>, delivery: Delivery): void {
    const id = conversationIdOf(delivery);
    if (id === '') return;
    const view = views.get(id) ?? create(ConversationSchema, { conversationId: id });
    const folded = fold(view, delivery, this.self);
    if (typeof folded !== 'string') views.set(id, folded);
  }

  /** What a client calls. */
  get transport(): Transport {
    return {
      unary: (method, request, options) => this.#unary(method, request, options),
      stream: (_method, request, options, onMessage) =>
        this.#open(request as unknown as OpenRequest, options, onMessage as (message: never) => void),
    };
  }
}

/** An error as the server would answer it. */
export function refusal(code: string, options: SdkErrorOptions): SdkError {
  return new SdkError(code, code, options);
}

/** No answer, and no way to tell whether the call arrived. */
export function lost(): SdkError {
  return toSdkError(new Error('cut'));
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(toSdkError(signal.reason));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
