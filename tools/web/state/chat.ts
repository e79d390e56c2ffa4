// One open chat. Owns: the part of the log in memory, what is on its way, and reading further. Does not own:
// the conversation's summary, drafts, names (session.ts). Invariants:
// 1. A push that arrives while a page is being read is not lost: both go through the same merge.
// 2. One page is read at a time; a chat that was left changes nothing any more.

import { batch, signal } from '@preact/signals';
import type { Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { OutgoingMessage, SendTarget, StarlingClient } from '../../sdk/api.ts';
import { errorText } from '../model/errors.ts';
import {
  emptyWindow,
  firstUnread,
  type LogWindow,
  pageEntries,
  withNewer,
  withNews,
  withOlder,
} from '../model/log-window.ts';
import type { Route } from '../model/route.ts';

/** Where a chat reads and writes. A direct chat has no conversation before its first message. */
export type ChatTarget =
  | { readonly kind: 'conversation'; readonly conversationId: string }
  | { readonly kind: 'direct'; readonly userId: string };

export interface ChatOptions {
  readonly client: StarlingClient;
  readonly me: string;
  readonly target: ChatTarget;
  /** Read up to here when the chat was opened; the unread line stands after it. */
  readonly readSeq: bigint;
  /** True if there was something unread when the chat was opened. */
  readonly unread: boolean;
  /** First entry this user may read; 0 where not known. */
  readonly firstReadableSeq: bigint;
  /** The other user of a direct conversation. */
  readonly peer: string | undefined;
}

/** How far the chat has got. `failed` may be tried again. */
export type ChatPhase = 'loading' | 'ready' | 'failed';

export class Chat {
  readonly target: ChatTarget;
  readonly window = signal<LogWindow>(emptyWindow);
  readonly outgoing = signal<readonly OutgoingMessage[]>([]);
  readonly phase = signal<ChatPhase>('loading');
  /** Why the phase is `failed`, or why the last page could not be read. */
  readonly error = signal('');
  readonly reading = signal<'none' | 'older' | 'newer'>('none');
  /** False once the beginning of the readable log is held. */
  readonly hasOlder = signal(false);
  /** Above which entry the unread line stands; 0 = nowhere. */
  readonly unreadFromSeq = signal(0n);
  /** Raised with each message that the person here sends: the view then goes to the end. */
  readonly sends = signal(0);
  readonly #options: ChatOptions;
  #left = false;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.target = options.target;
  }

  /** Empty for a direct chat without a conversation. */
  get conversationId(): string {
    return this.target.kind === 'conversation' ? this.target.conversationId : '';
  }

  get sendTarget(): SendTarget {
    const { target } = this;
    if (target.kind === 'direct') return { directUserId: target.userId };
    return { conversationId: target.conversationId };
  }

  /** The key that drafts are kept under. */
  get key(): string {
    return this.target.kind === 'direct' ? `direct:${this.target.userId}` : this.target.conversationId;
  }

  /** Highest entry held, 0 = none. */
  get lastHeldSeq(): bigint {
    return this.window.value.entries.at(-1)?.conversationSeq ?? 0n;
  }

  /** True if this is the chat that a route names. */
  isAt(route: Route): boolean {
    const { target } = this;
    if (target.kind === 'direct') return route.kind === 'direct' && route.userId === target.userId;
    return route.kind === 'conversation' && route.conversationId === target.conversationId;
  }

  /** Nothing more is shown or read. */
  leave(): void {
    this.#left = true;
  }

  /** Reads the newest page and what is on its way. Called again after a failure or a rebuilt local view. */
  async load(): Promise<void> {
    const { client } = this.#options;
    this.phase.value = this.window.peek().entries.length === 0 ? 'loading' : 'ready';
    try {
      const outgoing = await client.outgoing(this.conversationId);
      const unplaced = this.conversationId === '' ? [] : await client.outgoing('');
      const entries = this.conversationId === '' ? [] : await this.#page({});
      if (this.#left) return;
      batch(() => {
        this.outgoing.value = this.#merged([...outgoing, ...unplaced].filter((one) => this.#isMine(one)));
        this.#show(entries);
      });
    } catch (thrown) {
      if (this.#left) return;
      batch(() => {
        this.error.value = errorText(thrown);
        this.phase.value = this.window.peek().entries.length === 0 ? 'failed' : 'ready';
      });
    }
  }

  /** Takes what the newest page brought, beside what was pushed in the meantime. */
  #show(entries: readonly Message[]): void {
    const held = this.window.peek();
    const first = entries[0]?.conversationSeq ?? 0n;
    const heldLast = held.entries.at(-1)?.conversationSeq ?? 0n;
    // Older entries that do not join the page would leave a hole: they are read again when scrolled to.
    const joins = !held.detached && heldLast + 1n >= first;
    this.window.value = withNews(joins ? held : emptyWindow, entries);
    this.hasOlder.value = this.#hasBefore(this.window.peek().entries);
    if (this.unreadFromSeq.peek() === 0n && this.#options.unread) {
      const { readSeq, me } = this.#options;
      this.unreadFromSeq.value = firstUnread(this.window.peek().entries, readSeq, me);
    }
    this.error.value = '';
    this.phase.value = 'ready';
  }

  /** Reads the page before the first entry held. */
  async loadOlder(): Promise<void> {
    const first = this.window.peek().entries[0];
    if (first === undefined || !this.hasOlder.peek()) return;
    await this.#read('older', async () => {
      const older = await this.#page({ beforeSeq: first.conversationSeq });
      return () => {
        this.window.value = withOlder(this.window.peek(), older);
        this.hasOlder.value = this.#hasBefore(older);
      };
    });
  }

  /**
   * Reads the page after the last entry held, where newer ones had been dropped. `lastSeq`: the log's last
   * entry.
   */
  async loadNewer(lastSeq: bigint): Promise<void> {
    const { detached } = this.window.peek();
    const last = this.window.peek().entries.at(-1);
    if (!detached || last === undefined) return;
    await this.#read('newer', async () => {
      const newer = await this.#page({ beforeSeq: last.conversationSeq + BigInt(pageEntries) + 1n });
      return () => {
        this.window.value = withNewer(this.window.peek(), newer, lastSeq);
        this.hasOlder.value = true;
      };
    });
  }

  /** Goes back to the newest page where newer entries had been dropped. */
  async loadNewest(): Promise<void> {
    if (this.window.peek().detached) await this.load();
  }

  /** Takes entries that were pushed. */
  takeNews(messages: readonly Message[]): void {
    this.window.value = withNews(this.window.peek(), messages);
  }

  /** Takes what became of a send; true if it belongs to this chat. */
  takeOutgoing(message: OutgoingMessage): boolean {
    if (!this.#isMine(message)) return false;
    this.outgoing.value = this.#merged([message]);
    return true;
  }

  #hasBefore(entries: readonly Message[]): boolean {
    const { firstReadableSeq } = this.#options;
    const first = entries[0]?.conversationSeq ?? 0n;
    return first > (firstReadableSeq > 1n ? firstReadableSeq : 1n);
  }

  #isMine(message: OutgoingMessage): boolean {
    const { target } = this;
    if (target.kind === 'direct') return message.directUserId === target.userId;
    if (message.conversationId !== '') return message.conversationId === target.conversationId;
    // Written to the peer before the conversation was known.
    return message.directUserId !== '' && message.directUserId === this.#options.peer;
  }

  /** In the order of sending; a sent one goes when the log holds it (rows.ts leaves it out until then). */
  #merged(changed: readonly OutgoingMessage[]): OutgoingMessage[] {
    const byId = new Map(this.outgoing.peek().map((one) => [one.clientMessageId, one]));
    for (const one of changed) byId.set(one.clientMessageId, one);
    const last = this.lastHeldSeq;
    return [...byId.values()]
      .filter((one) => !(one.state === 'sent' && one.conversationSeq !== 0n && one.conversationSeq <= last))
      .sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  #page(where: { beforeSeq?: bigint }): Promise<readonly Message[]> {
    return this.#options.client.history(this.conversationId, { ...where, limit: pageEntries });
  }

  async #read(which: 'older' | 'newer', page: () => Promise<() => void>): Promise<void> {
    if (this.reading.peek() !== 'none') return;
    this.reading.value = which;
    try {
      const apply = await page();
      if (this.#left) return;
      batch(() => {
        apply();
        this.error.value = '';
        this.reading.value = 'none';
      });
    } catch (thrown) {
      batch(() => {
        this.error.value = errorText(thrown);
        this.reading.value = 'none';
      });
    }
  }
}
