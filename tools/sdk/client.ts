// The client as an application sees it: one object for a page, whichever page holds the connection.

import { create } from '@bufbuild/protobuf';
import { type Content, ContentSchema, TextSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { NavigateRequestSchema, SessionService } from '../../proto/gen/starling/im/v1/session_pb.ts';
import type {
  ConnectionState,
  OutgoingMessage,
  SendTarget,
  StarlingClient,
  StarlingEvents,
  StarlingOptions,
} from './api.ts';
import type {
  Backend,
  BackendEvent,
  HistoryRange,
  OperationName,
  Operations,
  SettingsChange,
} from './backend.ts';
import { Calls, subjectOf } from './calls.ts';
import { backoff } from './core/backoff.ts';
import { Emitter } from './emitter.ts';
import { SdkError, toSdkError } from './errors.ts';
import { IdMaker } from './ids.ts';
import { openBackend } from './open-backend.ts';
import type { Environment } from './ports.ts';
import { Timers } from './timers.ts';

type Sending = OutgoingMessage & { readonly done: Promise<OutgoingMessage> };

interface Unfinished {
  readonly message: OutgoingMessage;
  readonly resolve: (outcome: OutgoingMessage) => void;
}

/** A client in an environment of one's own; applications use createClient. */
export function createClientIn(env: Environment, options: StarlingOptions): StarlingClient {
  return new Client(env, options);
}

class Client implements StarlingClient {
  readonly #env: Environment;
  readonly #options: StarlingOptions;
  readonly #calls: Calls;
  readonly #events: Emitter;
  readonly #ids: IdMaker;
  readonly #timers: Timers;
  readonly #unfinished = new Map<string, Unfinished>();
  #state: ConnectionState = 'disconnected';
  #userId = '';
  #deviceId: string;
  #wanted = false;
  #backend: Promise<Backend> | undefined;

  constructor(env: Environment, options: StarlingOptions) {
    this.#env = env;
    this.#options = options;
    this.#deviceId = options.deviceId ?? '';
    const address = (options.address ?? env.address).replace(/\/+$/, '');
    this.#calls = new Calls(env, options.token, address);
    this.#events = new Emitter();
    this.#ids = new IdMaker(env.clock, env.random);
    this.#timers = new Timers(env.clock);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get userId(): string {
    return this.#userId;
  }

  get deviceId(): string {
    return this.#deviceId;
  }

  on<E extends keyof StarlingEvents>(event: E, listener: (value: StarlingEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  async connect(): Promise<void> {
    this.#wanted = true;
    await this.#call('connect');
  }

  async disconnect(): Promise<void> {
    const backend = this.#backend;
    const wasWanted = this.#wanted;
    this.#wanted = false;
    this.#backend = undefined;
    this.#timers.clear();
    await (await backend?.catch(() => undefined))?.close();
    if (!wasWanted || this.#state === 'disconnected') return;
    const reason = 'Disconnected by the application.';
    this.#onState({ state: 'disconnected', code: 'closed', reason, terminal: true });
  }

  send(target: SendTarget, content: Content, options: { replyToSeq?: bigint } = {}): Sending {
    const { conversationId = '', directUserId = '' } = target;
    if ((conversationId === '') === (directUserId === '')) {
      throw new SdkError('INVALID_REQUEST', 'target: one of conversationId and directUserId is needed.');
    }
    if (content.body.case !== 'text' && content.body.case !== 'custom') {
      throw new SdkError('INVALID_REQUEST', 'content: only text and custom content can be sent.');
    }
    const message: OutgoingMessage = {
      clientMessageId: this.#ids.next(),
      conversationId,
      directUserId,
      content,
      state: 'sending',
      error: '',
      createdAtMs: this.#env.clock.now(),
      conversationSeq: 0n,
      replyToSeq: options.replyToSeq ?? 0n,
    };
    const done = new Promise<OutgoingMessage>((resolve) => {
      this.#unfinished.set(message.clientMessageId, { message, resolve });
    });
    this.#enqueue(message);
    return { ...message, done };
  }

  sendText(target: SendTarget, text: string): Sending {
    const body = { case: 'text' as const, value: create(TextSchema, { text }) };
    return this.send(target, create(ContentSchema, { body }));
  }

  resend(clientMessageId: string): void {
    const again = this.#call('requeue', clientMessageId, this.#ids.next(), this.#env.clock.now());
    again.catch((error: unknown) => this.#warn(error));
  }

  outgoing(conversationId: string): Promise<readonly OutgoingMessage[]> {
    return this.#call('outgoing', conversationId);
  }

  conversations(): ReturnType<StarlingClient['conversations']> {
    return this.#call('conversations');
  }

  conversation(conversationId: string): ReturnType<StarlingClient['conversation']> {
    return this.#call('conversation', conversationId);
  }

  history(conversationId: string, options: HistoryRange = {}): ReturnType<StarlingClient['history']> {
    return this.#call('history', conversationId, options);
  }

  markRead(conversationId: string, readSeq: bigint): Promise<void> {
    return this.#call('markRead', conversationId, readSeq);
  }

  updateConversation(
    conversationId: string,
    settings: SettingsChange,
  ): ReturnType<StarlingClient['updateConversation']> {
    return this.#call('updateConversation', conversationId, settings);
  }

  createGroup(name: string, memberUserIds: readonly string[]): ReturnType<StarlingClient['createGroup']> {
    return this.#call('createGroup', name, memberUserIds, this.#ids.next());
  }

  group(conversationId: string): ReturnType<StarlingClient['group']> {
    return this.#call('group', conversationId);
  }

  members(conversationId: string): ReturnType<StarlingClient['members']> {
    return this.#call('members', conversationId);
  }

  addMembers(conversationId: string, userIds: readonly string[]): Promise<void> {
    return this.#call('addMembers', conversationId, userIds);
  }

  removeMembers(conversationId: string, userIds: readonly string[]): Promise<void> {
    return this.#call('removeMembers', conversationId, userIds);
  }

  setRole(...args: Parameters<StarlingClient['setRole']>): Promise<void> {
    return this.#call('setRole', ...args);
  }

  renameGroup(conversationId: string, name: string): Promise<void> {
    return this.#call('renameGroup', conversationId, name);
  }

  users(userIds: readonly string[]): ReturnType<StarlingClient['users']> {
    return this.#call('users', userIds);
  }

  devices(): ReturnType<StarlingClient['devices']> {
    return this.#call('devices');
  }

  kickDevice(deviceId: string): Promise<void> {
    return this.#call('kickDevice', deviceId);
  }

  async #call<K extends OperationName>(
    name: K,
    ...args: Parameters<Operations[K]>
  ): Promise<Awaited<ReturnType<Operations[K]>>> {
    try {
      this.#backend ??= this.#makeBackend();
      const backend = await this.#backend;
      return await backend.call(name, ...args);
    } catch (thrown) {
      throw toSdkError(thrown);
    }
  }

  #enqueue(message: OutgoingMessage): void {
    this.#call('enqueue', message).catch((error: unknown) => this.#warn(error));
  }

  #makeBackend(): Promise<Backend> {
    const backend = this.#newBackend();
    backend.catch(() => {
      if (this.#backend === backend) this.#backend = undefined;
    });
    return backend;
  }

  async #newBackend(): Promise<Backend> {
    return openBackend({
      env: this.#env,
      client: this.#options,
      calls: this.#calls,
      ids: this.#ids,
      userHint: await this.#identify(),
      tell: (event) => this.#onBackend(event),
    });
  }

  /** Which user's store to open: before anything else, and without the network where the token says it. */
  async #identify(): Promise<string> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const named = this.#options.userId ?? subjectOf(await this.#calls.token());
        if (named !== undefined) return named;
        const request = create(NavigateRequestSchema);
        return (await this.#calls.unary(SessionService.method.navigate, request)).userId;
      } catch (thrown) {
        const error = toSdkError(thrown);
        if (!this.#wanted || error.code === 'token') throw error;
        this.#onState({ state: 'connecting', code: error.code, reason: error.message, terminal: false });
        const random = this.#env.random.float();
        await this.#timers.pause(backoff({ attempt, random, retryAfterMs: error.retryAfterMs }));
      }
    }
  }

  #onBackend(event: BackendEvent): void {
    switch (event.kind) {
      case 'identity':
        this.#userId = event.userId;
        this.#deviceId = event.deviceId;
        return;
      case 'snapshot':
        this.#userId = event.snapshot.userId;
        this.#deviceId = event.snapshot.deviceId;
        if (event.snapshot.change.state !== this.#state) this.#onState(event.snapshot.change);
        return;
      case 'moved':
        if (this.#wanted) this.#call('connect').catch((error: unknown) => this.#warn(error));
        // The page that led may have gone before it wrote them down; known ids change nothing.
        for (const { message } of this.#unfinished.values()) this.#enqueue(message);
        return;
      case 'event':
        if (event.event === 'state') this.#onState(event.value as StarlingEvents['state']);
        else this.#events.emit(event.event, event.value as StarlingEvents[typeof event.event]);
        if (event.event === 'outgoing') this.#onOutgoing(event.value as OutgoingMessage);
        return;
    }
  }

  #onState(change: StarlingEvents['state']): void {
    this.#state = change.state;
    this.#events.emit('state', change);
  }

  #onOutgoing(message: OutgoingMessage): void {
    if (message.state === 'sending') return;
    this.#unfinished.get(message.clientMessageId)?.resolve(message);
    this.#unfinished.delete(message.clientMessageId);
  }

  #warn(thrown: unknown): void {
    const { code, message } = toSdkError(thrown);
    this.#events.emit('warning', { code, message });
  }
}
