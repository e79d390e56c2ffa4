// Longer than 300 lines because messages, summaries, outgoing messages and their events change together.
// Writes the timeline into the local store and tells the application what changed. Owns: the order of local writes, the
// index of unread, the fall-back when the store fails.
//
// 1. Messages, summaries and cursor of a batch are one LocalChange; events follow once it is durable.
// 2. Batches and pages are written one after the other, in the order given. Changes of outgoing messages need not wait
//    for them: a message is added before it is sent, and only then can the timeline bring it.
// 3. A store that fails once is not used again: the client goes on in memory, with the outgoing messages, and rebuilds.
//    The failed store keeps its last complete change and is taken up again at the next start.

import { create } from '@bufbuild/protobuf';
import { type Conversation, ConversationSchema } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Message } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { Delivery } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import type { LocalChange, LocalStore, OutgoingMessage, StarlingEvents } from './api.ts';
import type { Position, TimelineEffect } from './core/timeline-io.ts';
import { conversationIdOf, fold, unreadOf } from './core/view.ts';
import { LIMITS } from './limits.ts';
import { Outbox } from './outbox.ts';
import { encodePosition } from './wire.ts';

export type Emit = <E extends keyof StarlingEvents>(event: E, value: StarlingEvents[E]) => void;

type PageJob = Extract<TimelineEffect, { kind: 'apply_page' }>;
type Job = { kind: 'apply'; deliveries: readonly Delivery[]; position: Position } | PageJob;

export interface WriterHost {
  readonly emit: Emit;
  userId(): string;
  /** The server's view of a conversation; undefined where it says that there is none for this user. */
  lookup(conversationId: string): Promise<Conversation | undefined>;
  /** Durable; `position` absent: a page before the last one. */
  written(position: Position | undefined, deliveries: number): void;
  delivered(message: Message): void;
  /** The timeline has told the outcome of a send. */
  settled(clientMessageId: string): void;
  now(): number;
  fallbackStore(): LocalStore;
  storeLost(): void;
}

interface IndexEntry {
  readonly unread: bigint;
  readonly directUserIds: readonly string[];
}

export class Writer {
  readonly #host: WriterHost;
  readonly outbox = new Outbox();
  readonly #index = new Map<string, IndexEntry>();
  #store: LocalStore;
  #jobs: Job[] = [];
  #busy = false;
  #fellBack = false;
  #total = 0n;
  /** Rises when the store is given up: what was under way to the former one is void. */
  #epoch = 0;

  constructor(store: LocalStore, host: WriterHost) {
    this.#store = store;
    this.#host = host;
  }

  get store(): LocalStore {
    return this.#store;
  }

  /** Opens the store and reads what is needed in memory. Falls back to memory where that fails. */
  async open(name: string): Promise<void> {
    try {
      await this.#store.open(name);
      this.outbox.load(await this.#store.outgoing());
      for (const conversation of await this.#store.conversations()) this.#note(conversation);
    } catch (error) {
      await this.#fallBack(error);
    }
    this.#emitUnread(true);
  }

  async close(): Promise<void> {
    this.#epoch += 1;
    this.#jobs = [];
    await this.#store.close();
  }

  /** The direct conversation with a user, where the view has one; else empty. */
  directConversation(userId: string): string {
    for (const [id, entry] of this.#index) if (entry.directUserIds.includes(userId)) return id;
    return '';
  }

  /** Queues a batch or a page. */
  write(job: Job): void {
    this.#jobs.push(job);
    if (!this.#busy) void this.#work();
  }

  /** Adds or replaces an outgoing message, in the store first; then tells the application. */
  async putOutgoing(message: OutgoingMessage): Promise<void> {
    this.outbox.put(message);
    const surplus = this.outbox.surplus();
    for (const id of surplus) this.outbox.delete(id);
    await this.#apply({ outgoing: [message], outgoingDone: surplus });
    this.#host.emit('outgoing', message);
  }

  /** The server has answered. What the timeline has brought already is in the log and no longer here. */
  async settleOutgoing(message: OutgoingMessage): Promise<void> {
    const id = message.clientMessageId;
    const view = message.conversationSeq > 0n ? await this.#read(message.conversationId) : undefined;
    if (this.outbox.get(id) === undefined) return;
    if (view === undefined || view.lastSeq < message.conversationSeq) {
      await this.putOutgoing(message);
      return;
    }
    await this.dropOutgoing([id]);
    this.#host.emit('outgoing', message);
  }

  async dropOutgoing(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.outbox.delete(id);
    await this.#apply({ outgoingDone: ids });
  }

  /** Keeps what history read from the server. */
  async putMessages(messages: readonly Message[]): Promise<void> {
    if (messages.length > 0) await this.#apply({ messages });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    const epoch = this.#epoch;
    while (epoch === this.#epoch) {
      const job = this.#jobs.shift();
      if (job === undefined) break;
      if (job.kind === 'apply_page') await this.#writePage(job, epoch);
      else await this.#writeDeliveries(this.#join(job), epoch);
    }
    this.#busy = false;
    if (this.#jobs.length > 0) void this.#work();
  }

  /** One transaction for what has queued up meanwhile; each job is reported on its own. */
  #join(first: Extract<Job, { kind: 'apply' }>): Extract<Job, { kind: 'apply' }>[] {
    const joined = [first];
    let size = first.deliveries.length;
    for (let next = this.#jobs[0]; next?.kind === 'apply'; next = this.#jobs[0]) {
      size += next.deliveries.length;
      if (size > LIMITS.applyDeliveriesMax) break;
      joined.push(next);
      this.#jobs.shift();
    }
    return joined;
  }

  async #writeDeliveries(jobs: readonly Extract<Job, { kind: 'apply' }>[], epoch: number): Promise<void> {
    const deliveries = jobs.flatMap((job) => job.deliveries);
    const position = jobs.at(-1)?.position;
    if (position === undefined) return;
    const views = new Map<string, Conversation>();
    for (const delivery of deliveries) {
      const view = await this.#fold(views, delivery);
      if (epoch !== this.#epoch) return;
      if (view !== undefined) views.set(view.conversationId, view);
    }
    const messages = deliveries.flatMap((delivery) =>
      delivery.entry.case === 'message' ? [delivery.entry.value] : [],
    );
    const outcomes = deliveries.flatMap(({ entry }) => (entry.case === 'sendOutcome' ? [entry.value] : []));
    const settled = this.outbox.takeOutcomes(outcomes, this.#host.now());
    const own = messages.filter((message) => this.#isOwn(message));
    const placed = own.flatMap((message) => this.outbox.get(message.clientMessageId) ?? []);
    for (const { clientMessageId } of placed) this.outbox.delete(clientMessageId);
    for (const message of settled) {
      // The entry itself may have come before the word that it was placed.
      const view = views.get(message.conversationId) ?? (await this.#read(message.conversationId));
      if (message.state !== 'sent' || (view?.lastSeq ?? 0n) < message.conversationSeq) continue;
      this.outbox.delete(message.clientMessageId);
      placed.push(message);
    }
    const done = placed.map((message) => message.clientMessageId);
    const change = {
      messages,
      conversations: [...views.values()],
      cursor: encodePosition(position),
      outgoing: settled.filter(({ clientMessageId }) => !done.includes(clientMessageId)),
      outgoingDone: done,
    };
    if (!(await this.#apply(change))) return;
    this.#tell(messages, [...views.values()]);
    for (const message of own) this.#tellPlaced(message, placed);
    this.#tellSettled(settled);
    for (const job of jobs) this.#host.written(job.position, job.deliveries.length);
  }

  async #fold(
    views: ReadonlyMap<string, Conversation>,
    delivery: Delivery,
  ): Promise<Conversation | undefined> {
    const id = conversationIdOf(delivery);
    const self = this.#host.userId();
    const view = views.get(id) ?? (await this.#read(id));
    const folded = fold(view, delivery, self);
    if (folded === 'unchanged') return undefined;
    if (folded !== 'unknown') return folded;
    const fetched = await this.#host.lookup(id);
    const base = fetched ?? create(ConversationSchema, { conversationId: id });
    const again = fold(base, delivery, self);
    return typeof again === 'string' ? base : again;
  }

  async #read(id: string): Promise<Conversation | undefined> {
    try {
      return await this.#store.conversation(id);
    } catch (error) {
      await this.#fallBack(error);
      return undefined;
    }
  }

  async #writePage(page: PageJob, epoch: number): Promise<void> {
    // What was placed is in the logs that are read anew.
    const sent = page.reset === undefined ? [] : this.outbox.dropPlaced(page.outcomes);
    const settled = this.outbox.takeOutcomes(page.outcomes, this.#host.now());
    const change: LocalChange = {
      reset: page.reset !== undefined,
      conversations: page.conversations,
      outgoing: settled,
      outgoingDone: sent,
      ...(page.position === undefined ? {} : { cursor: encodePosition(page.position) }),
    };
    if (!(await this.#apply(change)) || epoch !== this.#epoch) return;
    if (page.reset !== undefined) {
      this.#index.clear();
      this.#total = 0n;
      for (const conversation of page.conversations) this.#note(conversation);
      this.#host.emit('reset', { reason: page.reset });
    } else this.#tell([], page.conversations);
    this.#tellSettled(settled);
    if (page.position !== undefined) this.#emitUnread(true);
    this.#host.written(page.position, 0);
  }

  #tell(messages: readonly Message[], conversations: readonly Conversation[]): void {
    const before = this.#total;
    const byConversation = Map.groupBy(messages, (message) => message.conversationId);
    for (const [conversationId, group] of byConversation) {
      this.#host.emit('messages', { conversationId, messages: group });
    }
    for (const conversation of conversations) {
      this.#note(conversation);
      this.#host.emit('conversation', conversation);
    }
    this.#emitUnread(this.#total !== before);
  }

  #tellPlaced(message: Message, placed: readonly OutgoingMessage[]): void {
    this.#host.delivered(message);
    const known = placed.find((each) => each.clientMessageId === message.clientMessageId);
    if (known === undefined || (known.state === 'sent' && known.conversationSeq > 0n)) return;
    const { conversationId, conversationSeq } = message;
    this.#host.emit('outgoing', { ...known, state: 'sent', error: '', conversationId, conversationSeq });
  }

  #tellSettled(settled: readonly OutgoingMessage[]): void {
    for (const message of settled) {
      this.#host.settled(message.clientMessageId);
      this.#host.emit('outgoing', message);
    }
  }

  #isOwn(message: Message): boolean {
    return message.clientMessageId !== '' && message.senderId === this.#host.userId();
  }

  #note(conversation: Conversation): void {
    const id = conversation.conversationId;
    this.#total += unreadOf(conversation) - (this.#index.get(id)?.unread ?? 0n);
    const others = conversation.info?.directUserIds.filter((user) => user !== this.#host.userId()) ?? [];
    this.#index.set(id, { unread: unreadOf(conversation), directUserIds: others });
  }

  #emitUnread(changed: boolean): void {
    if (changed) this.#host.emit('unread', { total: this.#total });
  }

  /** False: the store failed, and all of the timeline's writes are void. */
  async #apply(change: LocalChange): Promise<boolean> {
    const store = this.#store;
    try {
      await store.apply(change);
      return true;
    } catch (error) {
      if (store === this.#store) await this.#fallBack(error);
      // A message that was on its way to the failed store is in the outbox, and so in the new one.
      return false;
    }
  }

  async #fallBack(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    this.#host.emit('warning', { code: 'store', message: `The local store failed: ${message}` });
    this.#epoch += 1;
    this.#jobs = [];
    this.#index.clear();
    this.#total = 0n;
    const failed = this.#store;
    this.#store = this.#host.fallbackStore();
    await this.#store.apply({ outgoing: this.outbox.all() });
    if (!this.#fellBack) failed.close().catch(() => undefined);
    this.#fellBack = true;
    this.#host.storeLost();
  }
}
