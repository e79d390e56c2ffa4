// A signed-in person's view of everything: list, open chat, connection, what is said aloud. Owns: turning the
// client's events into signals, and the person's acts into calls. Does not own: how it looks (view/),
// delivery (the SDK). Invariants:
// 1. Every rejection ends as a notice with the text of its typed error, or is shown where it happened.
// 2. Something is marked as read only while its end is in sight in a focused window.

import { batch, computed, effect, signal } from '@preact/signals';
import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { ConversationType } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { OutgoingMessage, StarlingClient, StarlingEvents, StateChange } from '../../sdk/api.ts';
import { announcement, isSpoken, peopleOf, peopleOfSummary } from '../model/content.ts';
import { findDirect, isMuted } from '../model/conversation-list.ts';
import { peerOf, titleOf } from '../model/names.ts';
import type { Route } from '../model/route.ts';
import { changeSettings } from './acts.ts';
import { Chat } from './chat.ts';
import { type DraftStorage, Drafts } from './drafts.ts';
import { Notices } from './notices.ts';
import { People } from './people.ts';
import { ReadMarker } from './read-marker.ts';
import { Summaries } from './summaries.ts';

export interface SessionOptions {
  readonly client: StarlingClient;
  readonly me: string;
  readonly deviceId: string;
  readonly storage: DraftStorage;
  /** Changes the address, and thereby the open chat. `replace`: without an entry to go back to. */
  readonly navigate: (route: Route, options?: { replace?: boolean }) => void;
}

export class ChatSession {
  readonly client: StarlingClient;
  readonly me: string;
  readonly people: People;
  readonly drafts: Drafts;
  readonly connection = signal<StateChange>({ state: 'connecting', code: '', reason: '', terminal: false });
  readonly summaries: Summaries;
  readonly chat = signal<Chat | undefined>(undefined);
  readonly notices = new Notices();
  /** What a screen reader says when a message comes in. */
  readonly announcement = signal('');
  /** Raised when members or name of the open group changed: panels read anew. */
  readonly groupChanges = signal(0);
  /** The end of the open chat is in sight, in a window that has the focus. */
  readonly endInSight = signal(false);
  /** The summary of the open chat; undefined for a direct chat without a conversation. */
  readonly summary = computed(() => {
    const id = this.chat.value?.conversationId ?? '';
    return id === '' ? undefined : this.summaries.byId.value.get(id);
  });
  /** What the open chat is called; empty if none is open, or it is not known yet. */
  readonly title = computed(() => {
    const target = this.chat.value?.target;
    if (target?.kind === 'direct') return this.people.nameOf(target.userId);
    const summary = this.summary.value;
    return summary === undefined ? '' : titleOf(summary, this.me, this.people.nameOf);
  });
  /** The open chat is one of a group. */
  readonly isGroup = computed(() => this.summary.value?.info?.type === ConversationType.GROUP);
  readonly #options: SessionOptions;
  readonly #marker: ReadMarker;
  readonly #ends: (() => void)[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    this.client = options.client;
    this.me = options.me;
    this.summaries = new Summaries(options.client);
    this.people = new People(options.client);
    this.drafts = new Drafts({
      storage: options.storage,
      prefix: `starling.draft/${options.me}/${options.deviceId}/`,
      share: (id, draft) => void changeSettings(this, id, { draft }),
    });
    this.#marker = new ReadMarker(options.client);
  }

  /** Listens, and reads the local view. */
  async start(): Promise<void> {
    const { client } = this;
    this.#ends.push(
      client.on('state', (change) => this.#onState(change)),
      client.on('messages', (news) => this.#onMessages(news)),
      client.on('conversation', (conversation) => this.#onConversation(conversation)),
      client.on('outgoing', (message) => this.#onOutgoing(message)),
      client.on('unread', ({ total }) => {
        this.summaries.unread.value = total;
      }),
      client.on('reset', () => void this.#onReset()),
      effect(() => this.#markRead()),
    );
    await this.#readList();
  }

  /** Ends when the first connection stands or cannot be had; never rejects. */
  async connect(): Promise<void> {
    try {
      await this.client.connect();
      await this.#readList();
    } catch (thrown) {
      this.notices.add(thrown);
    } finally {
      this.summaries.listed.value = true;
    }
  }

  /** Stops listening and ends the connection. */
  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    await this.client.disconnect();
  }

  /** Opens what the address names, or the list. */
  follow(route: Route): void {
    const before = this.chat.peek();
    if (before?.isAt(route)) return;
    this.shareDraft();
    before?.leave();
    if (route.kind === 'list') {
      this.chat.value = undefined;
      return;
    }
    if (route.kind === 'direct') {
      const known = findDirect(this.summaries.byId.peek().values(), this.me, route.userId);
      if (known !== undefined) {
        this.#becomes(`direct:${route.userId}`, known.conversationId);
        return;
      }
      void this.people.want([route.userId]);
    }
    const id = route.kind === 'conversation' ? route.conversationId : '';
    const summary = this.summaries.byId.peek().get(id);
    const chat = new Chat({
      client: this.client,
      me: this.me,
      target: route,
      readSeq: summary?.readSeq ?? 0n,
      unread: (summary?.unreadCount ?? 0n) > 0n,
      firstReadableSeq: summary?.firstReadableSeq ?? 0n,
      peer: summary === undefined ? undefined : peerOf(summary, this.me),
    });
    batch(() => {
      this.endInSight.value = false;
      this.chat.value = chat;
    });
    void chat.load().then(() => this.#wantSenders(chat));
  }

  /** Goes to a conversation. */
  goto(conversationId: string, options?: { replace?: boolean }): void {
    this.#options.navigate({ kind: 'conversation', conversationId }, options);
  }

  /** Goes to the chat with a user, who need not have been written to before. */
  gotoUser(userId: string): void {
    const known = findDirect(this.summaries.byId.peek().values(), this.me, userId);
    if (known !== undefined) this.goto(known.conversationId);
    else this.#options.navigate({ kind: 'direct', userId });
  }

  /** Goes back to the list. */
  gotoList(): void {
    this.#options.navigate({ kind: 'list' });
  }

  /** Tells the other devices what is in the open chat's composer. */
  shareDraft(): void {
    const id = this.chat.peek()?.conversationId ?? '';
    if (id !== '') this.drafts.share(id);
  }

  /** Reads the newest log page of the open chat again, as after a failure. */
  async retry(): Promise<void> {
    const chat = this.chat.peek();
    await chat?.load();
    if (chat !== undefined) this.#wantSenders(chat);
  }

  /** Reads the page of older entries, and who wrote them. */
  async loadOlder(): Promise<void> {
    const chat = this.chat.peek();
    await chat?.loadOlder();
    if (chat !== undefined) this.#wantSenders(chat);
  }

  /** Reads the page of newer entries where they had been dropped. */
  async loadNewer(): Promise<void> {
    await this.chat.peek()?.loadNewer(this.summary.peek()?.lastSeq ?? 0n);
  }

  #onState(change: StateChange): void {
    this.connection.value = change;
    if (change.state !== 'connected') return;
    this.#marker.retry();
    this.#wantAll();
    const chat = this.chat.peek();
    if (chat?.phase.peek() === 'failed') void this.retry();
    else if (chat !== undefined) chat.error.value = '';
  }

  #onMessages({ conversationId, messages }: StarlingEvents['messages']): void {
    const chat = this.chat.peek();
    void this.people.want(messages.map((message) => message.senderId));
    if (chat?.conversationId === conversationId) chat.takeNews(messages);
    if (messages.some((message) => !isSpoken(message.content))) {
      void this.people.want(messages.flatMap(peopleOf));
      if (chat?.conversationId === conversationId) this.groupChanges.value += 1;
    }
    const conversation = this.summaries.byId.peek().get(conversationId);
    if (conversation !== undefined && isMuted(conversation)) return;
    const said = announcement(messages, this.me, this.people.nameOf);
    if (said !== '') this.announcement.value = said;
  }

  #onConversation(conversation: Conversation): void {
    const { conversationId } = conversation;
    batch(() => {
      this.summaries.take(conversation);
      this.drafts.learn(conversationId, conversation.settings?.draft ?? '');
    });
    void this.people.want(peopleOfSummary(conversation));
    const chat = this.chat.peek();
    if (chat?.target.kind === 'direct' && peerOf(conversation, this.me) === chat.target.userId) {
      this.#becomes(chat.key, conversationId);
    }
  }

  #onOutgoing(message: OutgoingMessage): void {
    const chat = this.chat.peek();
    if (chat === undefined) return;
    const first = chat.target.kind === 'direct' && message.directUserId === chat.target.userId;
    chat.takeOutgoing(message);
    if (first && message.conversationId !== '') this.#becomes(chat.key, message.conversationId);
  }

  /** The chat with a user goes on as the conversation that came to be; what is being typed goes along. */
  #becomes(key: string, conversationId: string): void {
    this.drafts.move(key, conversationId);
    this.goto(conversationId, { replace: true });
  }

  async #onReset(): Promise<void> {
    await this.#readList();
    await this.retry();
  }

  async #readList(): Promise<void> {
    try {
      const list = await this.summaries.read();
      batch(() => {
        for (const one of list) this.drafts.learn(one.conversationId, one.settings?.draft ?? '');
      });
      this.#wantAll();
    } catch (thrown) {
      this.notices.add(thrown);
    }
  }

  /** Asks again for names that could not be had before. */
  #wantAll(): void {
    void this.people.want([...this.summaries.byId.peek().values()].flatMap(peopleOfSummary));
    const chat = this.chat.peek();
    if (chat !== undefined) this.#wantSenders(chat);
  }

  #wantSenders(chat: Chat): void {
    void this.people.want(chat.window.peek().entries.flatMap(peopleOf));
  }

  /** Invariant 2. Runs whenever one of the signals it reads changes. */
  #markRead(): void {
    const chat = this.chat.value;
    const summary = this.summary.value;
    if (chat === undefined || summary === undefined || !this.endInSight.value) return;
    if (chat.phase.value !== 'ready' || chat.window.value.detached) return;
    const seq = chat.lastHeldSeq;
    if (seq > summary.readSeq && seq <= summary.lastSeq) this.#marker.mark(summary.conversationId, seq);
  }
}
