// What people do while a run goes on. Owns: users, devices, groups and the acts between them. Does not own: faults.

import { ConversationService } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { GroupService } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import { MessageService } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { DirectoryService } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import type { SimRandom } from '../../../runtime/testing/index.ts';
import type { World } from '../world/world.ts';
import { Backend } from './backend.ts';
import { Device } from './device.ts';
import { Ledgers } from './ledgers.ts';

/** A group as the back end made it. */
interface GroupFacts {
  readonly id: string;
  readonly owner: string;
}

type Act = () => void;

export class Workload {
  readonly users: readonly string[];
  readonly devices: readonly Device[];
  readonly ledgers: Ledgers;
  readonly groups: GroupFacts[] = [];
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #backend: Backend;
  #going = false;
  #asked = 0;
  /** Calls of the workload that have not ended, by what they do. */
  readonly open = new Set<{ readonly what: string }>();

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#backend = new Backend(world, 'backend');
    this.users = Array.from({ length: world.swarm.users }, (_, i) => `u${i + 1}`);
    this.devices = this.users.flatMap((user, i) => {
      const names = i % 3 === 0 ? ['phone', 'desk'] : ['phone'];
      return names.map((name) => new Device(world, user, name));
    });
    this.ledgers = new Ledgers(world);
  }

  /** Makes users and groups; resolves once they are there. */
  async prepare(): Promise<void> {
    const users = this.users.map((userId) => ({ userId }));
    await this.#backend.must('backend', DirectoryService.method.upsertUsers, { users });
    for (let i = 0; i < this.#world.swarm.groups; i++) await this.#createGroup();
    for (const device of this.devices) device.start();
  }

  async #createGroup(): Promise<void> {
    const owner = this.#pick(this.users);
    const memberUserIds = this.users.filter((user) => user !== owner && this.#random.float() < 0.8);
    this.#asked += 1;
    const request = { name: 'g', memberUserIds, requestId: `r${this.#asked}` };
    const { group } = await this.#backend.must(owner, GroupService.method.createGroup, request);
    if (group !== undefined) this.groups.push({ id: group.conversationId, owner });
    this.#world.trace.count('group created');
  }

  /** Goes on until `stop`. */
  go(): void {
    this.#going = true;
    this.#next();
  }

  stop(): void {
    this.#going = false;
  }

  #next(): void {
    const { clock, swarm } = this.#world;
    clock.after(this.#random.float() * 2 * swarm.pauseMs, () => {
      if (!this.#going) return;
      this.#act();
      this.#next();
    });
  }

  #act(): void {
    const acts: readonly (readonly [number, Act])[] = [
      [30, () => this.#sendToGroup()],
      [20, () => this.#sendDirect()],
      [14, () => this.#say()],
      [8, () => this.#spawn('look', this.ledgers.look(this.#random.below(this.#world.swarm.ledgers)))],
      [8, () => this.#spawn('remind', this.ledgers.remind(this.#random))],
      [6, () => this.#read()],
      [5, () => this.#markRead()],
      [5, () => this.#changeMembers()],
      [5, () => this.#toggleDevice()],
      [2, () => this.#spawn('create a group', this.#createGroup())],
    ];
    const total = acts.reduce((sum, [weight]) => sum + weight, 0);
    let draw = this.#random.float() * total;
    for (const [weight, act] of acts) {
      draw -= weight;
      if (draw < 0) {
        act();
        return;
      }
    }
  }

  #sendToGroup(): void {
    const group = this.#pickMaybe(this.groups);
    if (group !== undefined) this.#pick(this.devices).send({ conversationId: group.id });
  }

  #sendDirect(): void {
    const device = this.#pick(this.devices);
    const peers = this.users.filter((user) => user !== device.userId);
    device.send({ directUserId: this.#pick(peers) });
  }

  #say(): void {
    const { ledgers } = this.#world.swarm;
    const from = this.#random.below(ledgers);
    const to = this.#random.float() < 0.5 ? undefined : (from + 1) % ledgers;
    this.#spawn('say', this.ledgers.say(from, to));
  }

  #read(): void {
    const group = this.#pickMaybe(this.groups);
    if (group === undefined) return;
    const request = { conversationId: group.id, descending: this.#random.float() < 0.5, pageSize: 10 };
    this.#spawn(
      'read a log',
      this.#backend.call(group.owner, MessageService.method.listMessages, request, 3),
    );
    this.#world.trace.count('log read');
  }

  #markRead(): void {
    const device = this.#pick(this.devices);
    const { client } = device;
    if (client === undefined) return;
    this.#spawn(
      'mark read',
      client.conversations().then(async (views) => {
        const view = this.#pickMaybe(views);
        if (view === undefined || view.lastSeq === 0n) return;
        const readSeq = view.lastSeq - BigInt(this.#random.below(Math.min(3, Number(view.lastSeq))));
        const request = { conversationId: view.conversationId, readSeq };
        await this.#backend.call(device.userId, ConversationService.method.markRead, request, 3);
        this.#world.trace.count('marked read');
      }),
    );
  }

  #changeMembers(): void {
    const group = this.#pickMaybe(this.groups);
    if (group === undefined) return;
    const { id, owner } = group;
    const other = this.#pick(this.users.filter((user) => user !== owner));
    const add = this.#random.float() < 0.55;
    const { method } = GroupService;
    const request = { conversationId: id, userIds: [other] };
    const change = add
      ? this.#backend.call(owner, method.addMembers, request, 5)
      : this.#backend.call(owner, method.removeMembers, request, 5);
    this.#world.trace.count(add ? 'member added' : 'member removed');
    this.#spawn('change members', change);
  }

  #toggleDevice(): void {
    const device = this.#pick(this.devices);
    if (device.client === undefined) device.start();
    else device.stop();
  }

  #spawn(what: string, work: Promise<unknown>): void {
    const entry = { what };
    this.open.add(entry);
    work
      .catch((error: unknown) => this.#world.recorder.fail('I13', `the workload failed: ${String(error)}`))
      .finally(() => {
        this.open.delete(entry);
      });
  }

  #pick<T>(items: readonly T[]): T {
    const item = this.#pickMaybe(items);
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  #pickMaybe<T>(items: readonly T[]): T | undefined {
    return items[this.#random.below(items.length)];
  }
}
