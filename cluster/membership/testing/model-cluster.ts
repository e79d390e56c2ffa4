// A cluster of one process on a simulated clock, for tests. Owns: members, their board, their table, how they ask each other.
// Does not own: a network, actors.

import type { Clock } from '../../../runtime/index.ts';
import { SimClock, SimRandom } from '../../../runtime/testing/index.ts';
import { ModelTable, NotingHost } from '../../ownership/testing/model-table.ts';
import {
  ClusterMember,
  type ClusterMemberOptions,
  type Control,
  type JoinRefusal,
  MemberControl,
  type MemberEvent,
  type Probe,
} from '../index.ts';
import { ModelBoard } from './model-board.ts';

/** Shards of the cluster. */
export const SHARDS = 64;

/** Nodes by name, whose incarnation is `NAME-1` at first. */
export class Cluster {
  readonly clock = new SimClock();
  readonly table = new ModelTable();
  readonly board = new ModelBoard(this.clock);
  readonly members = new Map<string, ClusterMember>();
  readonly events: MemberEvent[] = [];
  readonly controls = new Map<string, MemberControl>();
  /** Nodes that were asked to stop. */
  readonly stopped: string[] = [];
  readonly #dead = new Set<string>();
  readonly probe: Probe = {
    ask: async (node, incarnation) => {
      const member = this.members.get(node);
      return member?.answerProbe(incarnation) ?? 'silent';
    },
    nudge: (node, shards) => this.members.get(node)?.handed(shards),
  };

  readonly control: Control = {
    ask: async (node, incarnation, command) =>
      this.controls.get(node)?.answer(incarnation, command) ?? 'silent',
  };

  async join(
    node: string,
    options: Partial<ClusterMemberOptions> = {},
  ): Promise<{ member: ClusterMember; refusal: JoinRefusal | undefined }> {
    const { table, board, probe } = this;
    const clock: Clock = {
      now: () => this.clock.now(),
      monotonic: () => this.clock.monotonic(),
      after: (ms, task) => this.clock.after(ms, () => this.#dead.has(node) || task()),
    };
    const member = new ClusterMember({
      ...{ node, clock, table, board, probe },
      incarnation: `${node}-1`,
      address: `${node}:1`,
      shards: SHARDS,
      random: new SimRandom(node.charCodeAt(0)),
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    if (!this.members.has(node)) {
      this.members.set(node, member);
      this.controls.set(node, this.#controlOf(node, member, clock));
    }
    const [refusal] = await Promise.all([member.start(new NotingHost()), this.clock.advance(2_000)]);
    return { member, refusal };
  }

  /** The node's timers never fire again and it answers nobody; what it holds it keeps, as a paused process does. */
  kill(node: string): void {
    this.#dead.add(node);
    this.members.delete(node);
    this.controls.delete(node);
  }

  #controlOf(node: string, member: ClusterMember, clock: Clock): MemberControl {
    return new MemberControl({
      member,
      clock,
      dependencies: () => [{ name: 'nats', ok: true, detail: 'ok' }],
      stop: () => this.stopped.push(node),
    });
  }

  served(): Record<string, number> {
    return Object.fromEntries(
      [...this.members].map(([node, { ownership }]) => [node, ownership.served().length]),
    );
  }

  total(): number {
    return Object.values(this.served()).reduce((sum, each) => sum + each, 0);
  }

  fences(): string[] {
    return [...new Set(this.table.calls.filter((call) => call.startsWith('fence')))];
  }
}

/** Three nodes, a, b and c, that have shared the shards. */
export async function three(): Promise<Cluster> {
  const cluster = new Cluster();
  for (const node of ['a', 'b', 'c']) await cluster.join(node);
  await cluster.clock.advance(20_000);
  return cluster;
}
