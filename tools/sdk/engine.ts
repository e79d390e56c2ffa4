// Puts connection, timeline, send queue and local store of one client together. Owns nothing that could be decided in one
// of them.

import type { Conversation } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { Message } from '../../proto/gen/starling/im/v1/message_pb.ts';
import type { LocalStore, OutgoingMessage, StateChange } from './api.ts';
import type { Snapshot } from './backend.ts';
import type { Calls } from './calls.ts';
import type { TimelineInput } from './core/timeline-io.ts';
import { isTransient, SdkError, toSdkError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { getConversation } from './operations.ts';
import type { Environment } from './ports.ts';
import { type ConnectionHost, ConnectionRunner } from './run-connection.ts';
import { SendRunner } from './run-sends.ts';
import { type TimelineHost, TimelineRunner } from './run-timeline.ts';
import type { Session } from './session.ts';
import { Timers } from './timers.ts';
import { decodePosition } from './wire.ts';
import { type Emit, Writer, type WriterHost } from './writer.ts';

export interface EngineOptions {
  readonly env: Environment;
  readonly calls: Calls;
  readonly store: LocalStore;
  /** Name of the local database. */
  readonly storeName: string;
  /** The user the token seems to name; Navigate has the last word. */
  readonly userHint: string;
  readonly deviceId: string | undefined;
  readonly deviceName: string;
  /** Draws a device id for a new installation. */
  readonly newDeviceId: () => string;
  readonly emit: Emit;
  readonly onIdentity: (userId: string, deviceId: string) => void;
}

export class Engine implements WriterHost, ConnectionHost, TimelineHost {
  readonly writer: Writer;
  readonly #options: EngineOptions;
  readonly #closing = new AbortController();
  readonly #session: Session;
  readonly #connection: ConnectionRunner;
  readonly #sends: SendRunner;
  readonly #stopOnline: () => void;
  #timeline: TimelineRunner;
  #waiters: { resolve: () => void; reject: (error: SdkError) => void }[] = [];
  #isCaughtUp = false;
  /** Settles when everything written so far stands in the queue. */
  #queued: Promise<void> = Promise.resolve();

  private constructor(options: EngineOptions) {
    this.#options = options;
    this.#session = {
      env: options.env,
      calls: options.calls,
      timers: new Timers(options.env.clock),
      closing: this.#closing.signal,
      emit: options.emit,
      userId: options.userHint,
      deviceId: '',
      deviceName: options.deviceName,
      pullWaitMsMax: 0,
    };
    this.writer = new Writer(options.store, this);
    this.#connection = new ConnectionRunner(this.#session, this);
    this.#sends = new SendRunner(this.#session, this.writer);
    this.#timeline = new TimelineRunner(this.#session, this, undefined);
    this.#stopOnline = options.env.onOnline(() => this.#connection.handle({ kind: 'online' }));
  }

  /** Opens the local store and takes up what it holds. Connects nothing. */
  static async start(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options);
    await engine.#load();
    return engine;
  }

  get snapshot(): Snapshot {
    const { userId, deviceId } = this.#session;
    return { change: this.#connection.state, userId, deviceId };
  }

  get emit(): Emit {
    return this.#options.emit;
  }

  /** Resolves when connected and caught up; rejects when the client gives up. */
  connect(): Promise<void> {
    this.#connection.handle({ kind: 'connect' });
    if (this.#isCaughtUp) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async close(): Promise<void> {
    this.#connection.handle({ kind: 'disconnect' });
    this.#closing.abort();
    this.#stopOnline();
    this.#session.timers.clear();
    await this.writer.close();
  }

  /** Writes the message, then sends it. Known ids change nothing: a page may ask twice. */
  async enqueue(message: OutgoingMessage): Promise<void> {
    if (this.writer.outbox.get(message.clientMessageId) !== undefined) return;
    if (this.#sends.size >= LIMITS.outgoingMax) {
      this.emit('outgoing', { ...message, state: 'failed', error: 'outgoing_full' });
      return;
    }
    const known = message.directUserId === '' ? '' : this.writer.directConversation(message.directUserId);
    const queued = message.conversationId === '' ? { ...message, conversationId: known } : message;
    // Two sends may be written at the same time; their order is that of these lines.
    const written = this.writer.putOutgoing(queued);
    const before = this.#queued;
    this.#queued = (async () => {
      await written;
      await before;
      this.#sends.handle({ kind: 'add', message: queued });
    })();
    await this.#queued;
  }

  // What the writer asks of its host.

  userId(): string {
    return this.#session.userId;
  }

  async lookup(conversationId: string): Promise<Conversation | undefined> {
    for (;;) {
      try {
        return await getConversation(this.#session.calls, conversationId, this.#session.closing);
      } catch (thrown) {
        const error = toSdkError(thrown);
        if (this.#session.closing.aborted || !isTransient(error)) return undefined;
        this.emit('warning', { code: error.code, message: error.message });
        await this.#session.timers.pause(LIMITS.lookupRetryMs);
      }
    }
  }

  written(position: Parameters<WriterHost['written']>[0], deliveries: number): void {
    this.sync(position === undefined ? { kind: 'page_applied' } : { kind: 'applied', position, deliveries });
  }

  delivered(message: Message): void {
    const { clientMessageId: id, conversationId, conversationSeq } = message;
    this.#sends.handle({ kind: 'delivered', id, answer: { conversationId, conversationSeq } });
  }

  settled(clientMessageId: string): void {
    this.#sends.handle({ kind: 'drop', id: clientMessageId });
  }

  now(): number {
    return this.#options.env.clock.now();
  }

  fallbackStore(): LocalStore {
    return this.#options.env.fallbackStore();
  }

  storeLost(): void {
    this.sync({ kind: 'store_lost' });
  }

  // What the connection and the timeline ask of their host.

  sync(input: TimelineInput): void {
    if (input.kind === 'line' && input.mode === 'none') this.#isCaughtUp = false;
    this.#timeline.handle(input);
  }

  durable(): ReturnType<ConnectionHost['durable']> {
    return this.#timeline.durable;
  }

  polled(error: SdkError | undefined): void {
    this.#connection.handle(error === undefined ? { kind: 'polled' } : { kind: 'poll_failed', error });
  }

  reopen(): void {
    this.#connection.reopen();
  }

  caughtUp(): void {
    this.#isCaughtUp = true;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.resolve();
  }

  stateChanged(change: StateChange): void {
    this.emit('state', change);
    this.#sends.handle({ kind: 'line', up: change.state === 'connected' });
    if (!change.terminal) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(new SdkError(change.code, change.reason));
  }

  /** A store that belongs to someone else is emptied before anything of it is sent or shown as this user's. */
  async identified(userId: string): Promise<void> {
    if (userId === '') return;
    const known = await this.writer.store.get('userId').catch(() => undefined);
    this.#session.userId = userId;
    if (known !== userId) await this.#remember('userId', userId);
    if (known !== undefined && known !== userId) {
      const foreign = this.writer.outbox.all().map((message) => message.clientMessageId);
      await this.writer.dropOutgoing(foreign);
      for (const id of foreign) this.#sends.handle({ kind: 'drop', id });
      this.sync({ kind: 'foreign_store' });
    }
    this.#options.onIdentity(this.#session.userId, this.#session.deviceId);
  }

  async #load(): Promise<void> {
    const session = this.#session;
    await this.writer.open(this.#options.storeName);
    const { store, outbox } = this.writer;
    session.userId = (await store.get('userId')) ?? session.userId;
    session.deviceId = this.#options.deviceId ?? (await store.get('deviceId')) ?? this.#options.newDeviceId();
    await this.#remember('deviceId', session.deviceId);
    this.#timeline = new TimelineRunner(session, this, decodePosition(await store.cursor()));
    for (const message of outbox.inState('sending')) this.#sends.handle({ kind: 'add', message });
    this.#options.onIdentity(this.#session.userId, this.#session.deviceId);
  }

  async #remember(key: string, value: string): Promise<void> {
    try {
      await this.writer.store.set(key, value);
    } catch (error) {
      this.emit('warning', { code: 'store', message: toSdkError(error).message });
    }
  }
}
