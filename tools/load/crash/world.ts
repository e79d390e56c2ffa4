// The people of a run with faults. Owns: who there is, their conversations, senders and devices, and reading everything back
// at the end. Does not own: what is done to the servers (run.ts, ../chaos).

import { setTimeout as sleep } from 'node:timers/promises';
import { GroupService } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import { TokenService } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { Caller } from '../api.ts';
import { type Histories, type SummaryView, usersOfDirect } from '../history.ts';
import { Roamer } from '../roamer.ts';
import type { Seeded } from '../seeded.ts';
import { type Endpoint, UnaryPool } from '../wire.ts';
import { Device } from './device.ts';
import { Hold } from './hold.ts';
import { modesOf, nth } from './people.ts';
import { listConversations, readLog, readTimeline, type SeenConversation } from './read-all.ts';
import { Sender, type Target } from './sender.ts';

export interface WorldOptions {
  /** The nodes; people are spread over them. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly backendToken: string;
  readonly random: Seeded;
  /** People who send. */
  readonly senders: number;
  /** Longest pause between two sends of one sender, milliseconds. */
  readonly pauseMsMax: number;
  /** Longest wait before a settled send is repeated, milliseconds. */
  readonly laterMsMax: number;
  /** Longest wait for the answer to a send, milliseconds; a dead node shows earlier. Default 6,000. */
  readonly answerMsMax?: number;
  /** Whom people write to. Default `all`: each other, groups, and the one that everybody is in. */
  readonly targets?: 'all' | 'everybody';
  /** Sends in flight of one sender. Default 4. */
  readonly inFlightMax?: number;
  /** Told of every OK to a send, as it comes. */
  readonly onAck?: (userId: string) => void;
}

/** What a drain found. */
export interface Drained {
  /** Deliveries that devices still lacked at the end of the wait; 0 = nothing waits for a further call. */
  readonly missing: number;
  readonly examples: readonly string[];
}

interface Person {
  readonly userId: string;
  readonly token: string;
  readonly caller: Caller;
  readonly roamer: Roamer;
  readonly devices: readonly Device[];
}

/** Most sockets of all unary calls together. */
const SOCKETS_MAX = 256;
const GROUP_SIZE = 6;

export class World {
  readonly #options: WorldOptions;
  readonly #pools: readonly [UnaryPool, ...UnaryPool[]];
  readonly #backend: Caller;
  readonly #people: Person[] = [];
  readonly #groups: { readonly conversationId: string; readonly members: readonly string[] }[] = [];
  readonly #hold = new Hold();
  #senders: Sender[] = [];
  #roamers = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const [first, ...others] = options.endpoints;
    this.#pools = [
      new UnaryPool(first, SOCKETS_MAX),
      ...others.map((each) => new UnaryPool(each, SOCKETS_MAX)),
    ];
    this.#backend = this.#client(options.backendToken).caller;
  }

  get senders(): readonly Sender[] {
    return this.#senders;
  }

  /** Users who send. */
  get senderIds(): readonly string[] {
    return this.#people.slice(0, this.#options.senders).map(({ userId }) => userId);
  }

  /** Signs everybody in with an empty timeline, makes the groups, starts devices. */
  async build(): Promise<void> {
    const { senders, random } = this.#options;
    // Half as many again only receive, and one of them hardly ever looks.
    const count = Math.ceil(senders * 1.5);
    for (let n = 0; n < count; n += 1) {
      const userId = `crash${n}`;
      const { token } = await this.#backend.until(TokenService.method.issueToken, { userId });
      const devices = modesOf(n).map(
        (mode, at) =>
          new Device({
            ...this.#client(token),
            userId,
            deviceId: `${mode}${at}`,
            mode,
            random: random.fork(),
          }),
      );
      for (const device of devices) await device.begin();
      this.#people.push({ userId, token, ...this.#client(token), devices });
    }
    const ids = this.#people.map((person) => person.userId);
    for (let n = 0; n < Math.ceil(senders / 4); n += 1) {
      const members = Array.from({ length: GROUP_SIZE }, (_, at) => nth(ids, n * 4 + at * 3));
      await this.#createGroup(`group${n}`, [...new Set(members)]);
    }
    // One group that everybody is in.
    await this.#createGroup('everybody', ids);
  }

  /** A client of its own, at the next node in turn. */
  #client(token: string): { readonly caller: Caller; readonly roamer: Roamer } {
    const roamer = new Roamer(this.#pools, this.#roamers);
    this.#roamers += 1;
    return { roamer, caller: new Caller(roamer.endpoint, token, roamer) };
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
    const { answerMsMax = 6_000, inFlightMax = 4, onAck = () => {} } = this.#options;
    const ids = this.#people.map((person) => person.userId);
    this.#senders = this.#people.slice(0, senders).map(({ userId, token }, n) => {
      const groups = this.#groups.filter(({ members }) => members.includes(userId));
      const targets: Target[] =
        this.#options.targets === 'everybody'
          ? [{ kind: 'group', conversationId: this.everybody }]
          : [
              ...[1, 2, 7].map((step): Target => ({ kind: 'direct', userId: nth(ids, n + step) })),
              // Small groups twice, so that the one with everybody does not drown the rest.
              ...[...groups.slice(0, -1), ...groups.slice(0, -1), ...groups.slice(-1)].map(
                ({ conversationId }): Target => ({ kind: 'group', conversationId }),
              ),
            ];
      return new Sender({
        ...this.#client(token),
        userId,
        deviceId: 'stream0',
        targets,
        random: random.fork(),
        pauseMsMax,
        laterMsMax,
        answerMsMax,
        inFlightMax,
        hold: this.#hold,
        onAck,
      });
    });
    for (const sender of this.#senders) sender.start();
  }

  /** The group that everybody is in. @throws Error before it was made */
  get everybody(): string {
    const group = this.#groups.at(-1);
    if (group === undefined) throw new Error('no group was made yet');
    return group.conversationId;
  }

  /** While it holds, nobody begins an attempt. */
  get hold(): Hold {
    return this.#hold;
  }

  /** Base address of the node that serves each user, as far as it is to be had. */
  async whereabouts(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    await Promise.all(
      this.#people.map(async ({ userId, caller, roamer }) => {
        const address = await roamer.navigate(caller);
        if (address !== undefined) found.set(userId, address);
      }),
    );
    return found;
  }

  /** Ends the load, waits at most `forMs` until every send is settled; returns how many are not. */
  async finishSenders(forMs: number): Promise<number> {
    const finished = Promise.all(this.#senders.map((sender) => sender.finish()));
    const late = new AbortController();
    await Promise.race([finished, sleep(forMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    const unsettled = this.#senders.reduce((sum, sender) => sum + sender.abandon(), 0);
    await finished;
    return unsettled;
  }

  /**
   * Waits until every device was given every acked message of its conversations, or `forMs` are over. Asks nobody: what a
   * further call would set going again is what is looked for.
   */
  async drain(forMs: number): Promise<Drained> {
    for (const device of this.#devices()) device.settle();
    const deadline = performance.now() + forMs;
    let due = this.#due();
    while (due.length > 0 && performance.now() < deadline) {
      await sleep(50);
      due = due.filter(({ device, messageId }) => !device.has(messageId));
    }
    const examples = due
      .slice(0, 5)
      .map(
        ({ device, messageId, place }) =>
          `${device.userId}/${device.deviceId} lacks ${messageId} of ${place}`,
      );
    return { missing: due.length, examples };
  }

  #devices(): Device[] {
    return this.#people.flatMap((person) => person.devices);
  }

  /** What devices have still to be given, as senders were told. */
  #due(): { readonly device: Device; readonly messageId: string; readonly place: string }[] {
    const members = new Map<string, readonly string[]>();
    for (const group of this.#groups) members.set(group.conversationId, group.members);
    const devices = Map.groupBy(this.#devices(), ({ userId }) => userId);
    return this.#senders.flatMap((sender) =>
      sender.records.flatMap(({ target, answers: [answer] }) => {
        if (answer === undefined) return [];
        const { messageId, conversationId, conversationSeq } = answer;
        const place = `${conversationId}/${conversationSeq}`;
        return (members.get(target) ?? usersOfDirect(target))
          .flatMap((userId) => devices.get(userId) ?? [])
          .flatMap((device) => (device.has(messageId) ? [] : [{ device, messageId, place }]));
      }),
    );
  }

  /** Reads logs and timelines back, after the devices have stopped. */
  async histories(): Promise<Histories> {
    const devices = this.#devices();
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

  /** What senders were told until now, and the logs as they are then. */
  async answersAndLogs(): Promise<Histories> {
    const sends = structuredClone(this.#senders.flatMap((sender) => sender.records));
    const { logs } = await this.#readLogs();
    return { sends, logs, timelines: [], summaries: [], devices: [] };
  }

  close(): void {
    for (const pool of this.#pools) pool.close();
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
