// A client against the fake server under simulated time, and what it told its application.

import type { LocalStore, StarlingClient, StarlingEvents, StarlingOptions } from '../api.ts';
import { createClientIn } from '../client.ts';
import { memoryStore } from '../memory.ts';
import type { Environment, Sharing } from '../ports.ts';
import { FakeServer } from './fake-server.ts';
import { quiet, SimClock, SimRandom } from './sim.ts';

const EVENTS = ['state', 'messages', 'conversation', 'outgoing', 'reset', 'unread', 'warning'] as const;

export interface Told {
  readonly event: keyof StarlingEvents;
  readonly value: unknown;
}

export interface HarnessOptions {
  readonly server?: FakeServer;
  readonly clock?: SimClock;
  readonly store?: LocalStore;
  readonly seed?: number;
  /** Fixes the random numbers of jitter. */
  readonly float?: number;
  readonly sharing?: Sharing;
  readonly client?: Partial<StarlingOptions>;
}

export class Harness {
  readonly server: FakeServer;
  readonly clock: SimClock;
  readonly store: LocalStore;
  readonly client: StarlingClient;
  readonly told: Told[] = [];
  tokens = 0;
  #online: () => void = () => undefined;

  constructor(options: HarnessOptions = {}) {
    this.server = options.server ?? new FakeServer();
    this.clock = options.clock ?? new SimClock();
    this.server.clock = this.clock;
    this.store = options.store ?? memoryStore();
    const env: Environment = {
      clock: this.clock,
      random: new SimRandom(options.seed ?? 1, options.float),
      transport: this.server.transport,
      address: 'http://base',
      ...(options.sharing === undefined ? {} : { sharing: options.sharing }),
      onOnline: (callback) => {
        this.#online = callback;
        return () => undefined;
      },
      fallbackStore: memoryStore,
    };
    this.client = createClientIn(env, {
      token: async () => {
        this.tokens += 1;
        return `token-${this.tokens}`;
      },
      userId: 'alice',
      store: this.store,
      ...options.client,
    });
    for (const event of EVENTS) this.client.on(event, (value) => this.told.push({ event, value }));
  }

  /** Connects and waits until caught up. */
  async connected(): Promise<this> {
    const connected = this.client.connect();
    await quiet();
    await connected;
    return this;
  }

  online(): void {
    this.#online();
  }

  all<E extends keyof StarlingEvents>(event: E): StarlingEvents[E][] {
    return this.told.filter((told) => told.event === event).map((told) => told.value as StarlingEvents[E]);
  }

  /** Positions that the application was given of a conversation, in order. */
  seqs(conversationId: string): bigint[] {
    return this.all('messages')
      .filter((each) => each.conversationId === conversationId)
      .flatMap((each) => each.messages.map((message) => message.conversationSeq));
  }

  /** Codes of the states, in order. */
  states(): string[] {
    return this.all('state').map((change) => `${change.state}:${change.code}`);
  }

  /** The local view as plain values, to compare with the server's. */
  async view(): Promise<Record<string, string>> {
    const conversations = await this.client.conversations();
    return summaryOf(conversations);
  }

  /** The same of the server. */
  expected(): Record<string, string> {
    return summaryOf([...this.server.views().values()]);
  }
}

function summaryOf(
  conversations: readonly Awaited<ReturnType<StarlingClient['conversations']>>[number][],
): Record<string, string> {
  const entries = conversations.map((each): [string, string] => [
    each.conversationId,
    `last ${each.lastSeq} read ${each.readSeq} unread ${each.unreadCount} member ${each.member} of ${each.memberCount}`,
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
