// The people of a crash run. Owns: who there is, their conversations, senders and devices, and reading everything back at
// the end. Does not own: when the server dies (run.ts).

import { setTimeout as sleep } from 'node:timers/promises';
import { GroupService } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import { TokenService } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { Caller } from '../api.ts';
import type { Histories, SummaryView } from '../history.ts';
import type { Seeded } from '../seeded.ts';
import { type Endpoint, UnaryPool } from '../wire.ts';
import { Device, type DeviceMode } from './device.ts';
import { listConversations, readLog, readTimeline, type SeenConversation } from './read-all.ts';
import { Sender, type Target } from './sender.ts';

export interface WorldOptions {
  readonly endpoint: Endpoint;
  readonly backendToken: string;
  readonly random: Seeded;
  /** People who send. */
  readonly senders: number;
  /** Longest pause between two sends of one sender, milliseconds. */
  readonly pauseMsMax: number;
  /** Longest wait before a settled send is repeated, milliseconds. */
  readonly laterMsMax: number;
}

interface Person {
  readonly userId: string;
  readonly caller: Caller;
  readonly devices: readonly Device[];
}

/** Most sockets of all unary calls together. */
const SOCKETS_MAX = 256;
const GROUP_SIZE = 6;

export class World {
  readonly #options: WorldOptions;
  readonly #pool: UnaryPool;
  readonly #people: Person[] = [];
  readonly #groups: { readonly conversationId: string; readonly members: readonly string[] }[] = [];
  #senders: Sender[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#pool = new UnaryPool(options.endpoint, SOCKETS_MAX);
  }

  get senders(): readonly Sender[] {
    return this.#senders;
  }

  /** Signs everybody in with an empty timeline, makes the groups, starts devices. */
  async build(): Promise<void> {
    const { endpoint, backendToken, senders, random } = this.#options;
    const backend = new Caller(endpoint, backendToken, this.#pool);
    // Half as many again only receive, and one of them hardly ever looks.
    const count = Math.ceil(senders * 1.5);
    for (let n = 0; n < count; n += 1) {
      const userId = `crash${n}`;
      const { token } = await backend.until(TokenService.method.issueToken, { userId });
      const caller = new Caller(endpoint, token, this.#pool);
      const devices = modesOf(n).map(
        (mode, at) => new Device({ caller, userId, deviceId: `${mode}${at}`, mode, random: random.fork() }),
      );
      for (const device of devices) await device.begin();
      this.#people.push({ userId, caller, devices });
    }
    const ids = this.#people.map((person) => person.userId);
    for (let n = 0; n < Math.ceil(senders / 4); n += 1) {
      const members = Array.from({ length: GROUP_SIZE }, (_, at) => nth(ids, n * 4 + at * 3));
      await this.#createGroup(`group${n}`, [...new Set(members)]);
    }
    // One group that everybody is in.
    await this.#createGroup('everybody', ids);
  }

  async #createGroup(name: string, members: readonly string[]): Promise<void> {
    const [owner, ...others] = members;
    const person = this.#people.find(({ userId }) => userId === owner);
    if (person === undefined) throw new Error('a group needs an owner');
    const { group } = await person.caller.until(GroupService.method.createGroup, {
      name,
      memberUserIds: others,
      requestId: name,
    });
    if (group === undefined) throw new Error('no group came back');
    this.#groups.push({ conversationId: group.conversationId, members });
  }

  /** Starts the load; it goes on whatever becomes of the server. */
  startSenders(): void {
    const { senders, random, pauseMsMax, laterMsMax } = this.#options;
    const ids = this.#people.map((person) => person.userId);
    this.#senders = this.#people.slice(0, senders).map(({ userId, caller }, n) => {
      const groups = this.#groups.filter(({ members }) => members.includes(userId));
      const targets: Target[] = [
        ...[1, 2, 7].map((step): Target => ({ kind: 'direct', userId: nth(ids, n + step) })),
        // Small groups twice, so that the one with everybody does not drown the rest.
        ...[...groups.slice(0, -1), ...groups.slice(0, -1), ...groups.slice(-1)].map(
          ({ conversationId }): Target => ({ kind: 'group', conversationId }),
        ),
      ];
      return new Sender({
        caller,
        userId,
        deviceId: 'stream0',
        targets,
        random: random.fork(),
        pauseMsMax,
        laterMsMax,
      });
    });
    for (const sender of this.#senders) sender.start();
  }

  /** Ends the load, waits until every send is settled. */
  async finishSenders(): Promise<void> {
    await Promise.all(this.#senders.map((sender) => sender.finish()));
  }

  /** Waits until every device has what the logs hold, or `forMs` are over; the checker says what is missing. */
  async drain(forMs: number): Promise<boolean> {
    const devices = this.#people.flatMap((person) => person.devices);
    for (const device of devices) device.settle();
    const { logs } = await this.#readLogs();
    const due = new Map<string, number>();
    for (const log of logs)
      for (const { userId } of log.members) due.set(userId, (due.get(userId) ?? 0) + log.rows.length);
    const deadline = performance.now() + forMs;
    while (devices.some((device) => device.userSeq < (due.get(device.userId) ?? 0))) {
      if (performance.now() > deadline) return false;
      await sleep(50);
    }
    return true;
  }

  /** Reads logs and timelines back, after the devices have stopped. */
  async histories(): Promise<Histories> {
    const devices = this.#people.flatMap((person) => person.devices);
    await Promise.all(devices.map((device) => device.stop()));
    const timelines = [];
    for (const { userId, caller, devices: own } of this.#people) {
      const incarnation = own[0]?.incarnation;
      if (incarnation === undefined) throw new Error(`${userId} has no device`);
      timelines.push(await readTimeline(caller, userId, incarnation));
    }
    return {
      sends: this.#senders.flatMap((sender) => sender.records),
      ...(await this.#readLogs()),
      timelines,
      devices: devices.map((device) => device.view()),
    };
  }

  close(): void {
    this.#pool.close();
  }

  // Every conversation that anybody sees, read once, by the first who sees it.
  async #readLogs() {
    const seen = new Map<string, { readonly conversation: SeenConversation; readonly caller: Caller }>();
    const summaries: SummaryView[] = [];
    for (const { userId, caller } of this.#people) {
      for (const conversation of await listConversations(caller, userId)) {
        summaries.push(conversation);
        const { conversationId } = conversation;
        if (!seen.has(conversationId)) seen.set(conversationId, { conversation, caller });
      }
    }
    const logs = [];
    for (const { conversation, caller } of seen.values()) {
      const group = this.#groups.find(({ conversationId }) => conversationId === conversation.conversationId);
      logs.push(await readLog(caller, conversation, group?.members ?? conversation.directUserIds));
    }
    return { logs, summaries };
  }
}

// Everybody has a stream; some also a device that only pulls, or one that long-polls; the last kind is mostly away.
function modesOf(n: number): readonly DeviceMode[] {
  switch (n % 5) {
    case 0:
      return ['stream', 'pull'];
    case 1:
      return ['stream', 'poll'];
    case 2:
      return ['stream', 'stream'];
    case 3:
      return ['stream'];
    default:
      return ['pull'];
  }
}

function nth(ids: readonly string[], n: number): string {
  const id = ids[n % ids.length];
  if (id === undefined) throw new Error('nobody is there');
  return id;
}
