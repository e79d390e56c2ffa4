// One group of 1,000 people who are all connected. Measures deliveries for a second of the server's processor time, at 20
// messages a second in all, and in a closed loop.

import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { ContentSchema } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { MessageService } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { ConversationService } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { cpuSeconds } from '../node-process.ts';
import {
  type Arm,
  type ArmOptions,
  type Bench,
  inParallel,
  issueTokens,
  type Measured,
  names,
  waitUntil,
  withNode,
} from './arm.ts';
import { CountingDevice, type Totals } from './counting-device.ts';

const MEMBERS = 1_000;
const SENDERS = 20;
const PACED_PER_S = 20;
/** Messages on their way to the members at a time in the closed loop: with those not yet acknowledged (15) below the window of 32. */
const IN_FLIGHT = 14;
const GROUP = 'fanout';

/** 20 messages a second. */
export function fanoutPacedArm(): Arm {
  return fanoutArm('paced', async (group, quick) => {
    const count = (quick ? 3 : 8) * PACED_PER_S;
    const startedAt = performance.now();
    const sends: Promise<void>[] = [];
    for (let n = 0; n < count; n += 1) {
      await sleep(Math.max(0, startedAt + (n * 1_000) / PACED_PER_S - performance.now()));
      sends.push(group.send());
    }
    await Promise.all(sends);
  });
}

/** As fast as the members get them. */
export function fanoutClosedArm(): Arm {
  return fanoutArm('closed', async (group, quick) => {
    const until = performance.now() + (quick ? 2_000 : 5_000);
    const lanes = Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() < until) {
        await group.send();
        await group.arrived(group.sent - IN_FLIGHT + 1);
      }
    });
    await Promise.all(lanes);
  });
}

function fanoutArm(name: string, load: (group: Group, quick: boolean) => Promise<void>): Arm {
  const figure = `fanout.${name}.deliveries_per_cpu_s`;
  return {
    name: `fanout.${name}`,
    prefixes: [`fanout.${name}.`],
    run: (options) => withNode(options, (bench) => run(bench, options, figure, load)),
  };
}

async function run(
  bench: Bench,
  { quick }: ArmOptions,
  figure: string,
  load: (group: Group, quick: boolean) => Promise<void>,
): Promise<Measured[]> {
  const group = await Group.make(bench);
  try {
    await load(group, true);
    await group.arrived(group.sent);
    const before = { cpu: cpuSeconds(bench.node.pid), at: performance.now(), ...group.totals };
    await load(group, quick);
    await group.arrived(group.sent);
    const cpu = cpuSeconds(bench.node.pid) - before.cpu;
    const seconds = (performance.now() - before.at) / 1_000;
    group.verify();
    const deliveries = group.totals.deliveries - before.deliveries;
    const prefix = figure.slice(0, figure.lastIndexOf('.'));
    return [
      { name: figure, value: deliveries / cpu, unit: '1/s' },
      { name: `${prefix}.deliveries_per_s`, value: deliveries / seconds, unit: '1/s' },
      { name: `${prefix}.pulls`, value: group.totals.pulls - before.pulls, unit: 'count' },
    ];
  } finally {
    group.close();
  }
}

class Group {
  readonly totals: Totals = { deliveries: 0, acks: 0, pulls: 0 };
  readonly #devices: CountingDevice[] = [];
  #base = 0;
  sent = 0;

  static async make({ node, backend }: Bench): Promise<Group> {
    const group = new Group();
    const ids = names('member', MEMBERS);
    const tokens = await issueTokens(backend, ids);
    const [ownerUserId = '', ...memberUserIds] = ids;
    await backend.until(ConversationService.method.createGroup, {
      conversationId: GROUP,
      name: 'Fan-out',
      ownerUserId,
      memberUserIds,
    });
    const devices = await inParallel(tokens, 32, async (token) => {
      const device = new CountingDevice(node.endpoint, token, 'phone', group.totals);
      await device.locate();
      await device.open();
      return device;
    });
    group.#devices.push(...devices);
    // The entry that made the group may still be on its way to some.
    await waitUntil(
      () => devices.every((device) => device.tally.userSeq >= 1),
      20_000,
      () => 'the group did not reach all members',
    );
    group.#base = group.totals.deliveries;
    return group;
  }

  async send(): Promise<void> {
    this.sent += 1;
    const device = this.#devices[this.sent % SENDERS];
    if (device === undefined) throw new Error('there is no sender');
    await device.caller.call(MessageService.method.sendMessage, {
      target: { case: 'conversationId', value: GROUP },
      clientMessageId: `m${this.sent}`,
      deviceId: 'phone',
      content: CONTENT,
    });
  }

  /** Resolves once so many messages have reached everybody. */
  arrived(messages: number): Promise<void> {
    return waitUntil(
      () => this.totals.deliveries - this.#base >= messages * MEMBERS,
      30_000,
      () => `${this.totals.deliveries - this.#base} of ${messages * MEMBERS} deliveries came`,
    );
  }

  /** Every member has every message, once, without a gap. */
  verify(): void {
    for (const device of this.#devices) {
      if (device.failure !== undefined) throw device.failure;
      if (device.tally.userSeq !== this.sent + 1 || device.tally.gaps > 0)
        throw new Error(`a member has ${JSON.stringify(device.tally)}, ${this.sent + 1} are due`);
    }
  }

  close(): void {
    for (const device of this.#devices) device.close();
  }
}

const CONTENT = create(ContentSchema, { body: { case: 'text', value: { text: 'x'.repeat(200) } } });
