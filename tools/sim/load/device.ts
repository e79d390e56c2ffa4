// One installation of the SDK: the real client over the simulated network, with a local store that survives restarts.

import type { SimRandom } from '../../../runtime/testing/index.ts';
import type { OutgoingMessage, SendTarget, StarlingClient } from '../../sdk/api.ts';
import { createClientIn } from '../../sdk/client.ts';
import { memoryStore } from '../../sdk/memory.ts';
import type { World } from '../world/world.ts';
import { ClientLine } from './transport.ts';

/** A message as the application handed it over. */
export interface Handed {
  readonly n: number;
  readonly text: string;
  outcome: OutgoingMessage | undefined;
}

export class Device {
  readonly userId: string;
  readonly deviceId: string;
  readonly place: string;
  readonly line: ClientLine;
  readonly handed: Handed[] = [];
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #store = memoryStore();
  #client: StarlingClient | undefined;
  #sent = 0;

  constructor(world: World, userId: string, deviceId: string) {
    this.userId = userId;
    this.deviceId = deviceId;
    this.place = `${userId}/${deviceId}`;
    this.#world = world;
    this.#random = world.random.fork();
    this.line = new ClientLine(world, userId, this.place);
    world.clientPlaces.push(this.place);
  }

  get client(): StarlingClient | undefined {
    return this.#client;
  }

  get connected(): boolean {
    return this.#client?.state === 'connected';
  }

  /** Starts the application, over what its local store holds. */
  start(): void {
    if (this.#client !== undefined) return;
    const random = this.#random.fork();
    const { clock, trace } = this.#world;
    const client = createClientIn(
      {
        clock: { now: () => Math.floor(clock.now()), after: (delayMs, task) => clock.after(delayMs, task) },
        random,
        transport: this.line.sdk,
        address: 'sim',
        onOnline: () => () => undefined,
        fallbackStore: memoryStore,
      },
      {
        token: async () => 'sim',
        userId: this.userId,
        deviceId: this.deviceId,
        store: this.#store,
        shareConnection: false,
      },
    );
    client.on('state', ({ state, code }) => trace.note(this.place, `${state} ${code}`));
    client.on('reset', ({ reason }) => trace.note(this.place, `rebuilds: ${reason}`));
    this.#client = client;
    trace.count('device started');
    client.connect().catch((error: unknown) => trace.note(this.place, `gives up: ${String(error)}`));
  }

  /** Ends the application; what was queued stays in the local store. */
  stop(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    this.#world.trace.count('device stopped');
    client.disconnect().catch(() => undefined);
  }

  send(target: SendTarget): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#sent += 1;
    const text = `${this.place}#${this.#sent}`;
    const handed: Handed = { n: this.#sent, text, outcome: undefined };
    this.handed.push(handed);
    const sending = client.sendText(target, text);
    void sending.done.then((outcome) => {
      handed.outcome = outcome;
      const { state } = outcome;
      this.#world.trace.count(state === 'failed' ? 'send failed for good' : 'send done');
      if (state === 'failed') this.#world.trace.note(this.place, `gave up ${text}: ${outcome.error}`);
    });
  }
}
