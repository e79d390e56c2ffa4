// What is measured on a whole cluster: real nodes, nats-server, Cassandra. Owns: who sends what, and which counters are
// looked at before and after. Does not own: the processes (tools/dev/local-cluster).

import { setTimeout as sleep } from 'node:timers/promises';
import { GroupService } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import { MessageService, SendState } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { type LocalCluster, startLocalCluster } from '../../dev/local-cluster/index.ts';
import type { Caller } from '../api.ts';
import { type Arm, type ArmOptions, inParallel, type Measured, quantile } from '../bench/arm.ts';
import { listConversations } from '../crash/read-all.ts';
import { Ground } from '../people/ground.ts';
import { table } from '../report.ts';

const NODES_MAX = 3;
const GROUPS = [2, 100, 1_000] as const;
/** Messages of one count. */
const MESSAGES = 20;
const QUICK_MESSAGES = 5;
/** Until every member has every message, milliseconds. */
const DELIVERY_MS_MAX = 120_000;
/** Sends of the measurement of their time, after as many to warm up. */
const SENDS = 300;
const QUICK_SENDS = 50;
/** Sends under way at once while fence reads are counted. */
const LOADS = [1, 8, 64] as const;
const LOAD_MS = 5_000;

/** Counters of a node's page, and what they are called here. */
const COUNTERS = {
  rows: 'starling_commit_rows_total',
  commits: 'starling_commit_duration_count',
  turns: 'starling_turn_duration_count',
  round_trips: 'starling_call_remote_duration_count',
  envelopes: 'starling_fanout_envelopes_total',
  receivers: 'starling_fanout_receivers_total',
  fence_reads: 'starling_fence_reads_total',
} as const;

type Counts = Readonly<Record<keyof typeof COUNTERS, number>>;

export function liveArms(): Arm[] {
  return [
    { name: 'scale', prefixes: ['scale.', 'fanout_receivers_per_envelope'], run: scale },
    { name: 'send', prefixes: ['cluster.send.', 'cluster.fence_reads.'], run: send },
  ];
}

/** What one message costs, in clusters of one, two and three nodes and groups of 2, 100 and 1,000 who are all there. */
async function scale({ quick }: ArmOptions): Promise<Measured[]> {
  const cluster = await startLocalCluster({ nodes: 1, cassandraNodes: 1, shards: 96, metrics: true });
  const measured: Measured[] = [];
  const shown: string[][] = [['nodes', 'members', ...Object.keys(COUNTERS)]];
  try {
    for (let nodes = 1; nodes <= NODES_MAX; nodes += 1) {
      if (nodes > 1) await cluster.addNode();
      for (const members of quick ? GROUPS.slice(0, 2) : GROUPS) {
        const each = await perMessage(cluster, { members, messages: quick ? QUICK_MESSAGES : MESSAGES });
        shown.push([`${nodes}`, `${members}`, ...Object.values(each).map((value) => value.toFixed(1))]);
        for (const [name, value] of Object.entries(each))
          measured.push({ name: `scale.${members}_on_${nodes}.${name}`, value, unit: '1/message' });
        if (nodes === NODES_MAX && members === GROUPS[2]) {
          const value = each.receivers / each.envelopes;
          measured.push({ name: 'fanout_receivers_per_envelope', value, unit: 'count' });
        }
      }
    }
  } finally {
    await cluster.close();
  }
  console.log(`per message:\n${table(shown)}`);
  return measured;
}

async function perMessage(
  cluster: LocalCluster,
  { members, messages }: { readonly members: number; readonly messages: number },
): Promise<Counts> {
  const ground = await Ground.of(cluster);
  try {
    await ground.cluster.atRest();
    const people = await ground.people(members);
    const [first = '', second = ''] = people;
    const sender = ground.callerOf(first);
    const target =
      members === 2
        ? ({ case: 'directUserId', value: second } as const)
        : ({ case: 'conversationId', value: await makeGroup(ground, people) } as const);
    const conversationId = await sendTo(sender, target, 'warm');
    // Everybody is there before anything is counted.
    await delivered(ground, conversationId);
    await verify(ground, people, conversationId);
    const before = await countsOf(cluster);
    for (let n = 1; n <= messages; n += 1) await sendTo(sender, target, `m${n}`);
    await delivered(ground, conversationId);
    const after = await countsOf(cluster);
    await verify(ground, people, conversationId);
    const names = Object.keys(COUNTERS) as (keyof Counts)[];
    const spent = names.map((name) => [name, (after[name] - before[name]) / messages]);
    return Object.fromEntries(spent) as Counts;
  } finally {
    ground.close();
  }
}

async function makeGroup(ground: Ground, [owner = '', ...others]: readonly string[]): Promise<string> {
  const asked = { name: 'scale', memberUserIds: others, requestId: `scale-${owner}` };
  const { group } = await ground.callerOf(owner).until(GroupService.method.createGroup, asked);
  if (group === undefined) throw new Error('no group came back');
  return group.conversationId;
}

type Target =
  | { readonly case: 'conversationId'; readonly value: string }
  | { readonly case: 'directUserId'; readonly value: string };

/** Resolves with the conversation once it is placed. */
async function sendTo(sender: Caller, target: Target, text: string): Promise<string> {
  const content = { body: { case: 'text' as const, value: { text } } };
  const request = { target, clientMessageId: text, deviceId: 'bench', content };
  for (;;) {
    const { state, conversationId } = await sender.until(MessageService.method.sendMessage, request);
    if (state === SendState.PLACED) return conversationId;
  }
}

/** Resolves once the group knows that every member has every message. Asks seldom, since asking costs turns too. */
async function delivered(ground: Ground, conversationId: string): Promise<void> {
  const untilMs = performance.now() + DELIVERY_MS_MAX;
  for (;;) {
    await sleep(500);
    const { lastSeq, deliveredSeq } = await ground.inspect(conversationId);
    if (deliveredSeq === lastSeq) return;
    if (performance.now() > untilMs) throw new Error(`delivered up to ${deliveredSeq} of ${lastSeq}`);
  }
}

/** @throws Error where somebody's timeline does not end with the conversation's last message */
async function verify(ground: Ground, people: readonly string[], conversationId: string): Promise<void> {
  const { lastSeq } = await ground.inspect(conversationId);
  await inParallel(people, 64, async (userId) => {
    const all = await listConversations(ground.callerOf(userId), userId);
    const found = all.find((each) => each.conversationId === conversationId)?.lastSeq ?? 0;
    if (found !== Number(lastSeq)) throw new Error(`${userId} has ${found} of ${lastSeq} entries`);
  });
}

async function countsOf({ nodes }: LocalCluster): Promise<Counts> {
  const pages = await Promise.all(nodes.map((node) => node.metrics()));
  const names = Object.keys(COUNTERS) as (keyof Counts)[];
  const sums = names.map((name) => [
    name,
    pages.reduce((sum, page) => sum + (page.get(COUNTERS[name]) ?? 0), 0),
  ]);
  return Object.fromEntries(sums) as Counts;
}

/** Time of a 1:1 send between people of two nodes, one after the other; and fence reads a second under rising load. */
async function send({ quick }: ArmOptions): Promise<Measured[]> {
  const cluster = await startLocalCluster({ nodes: 2, cassandraNodes: 1, shards: 96, metrics: true });
  const ground = await Ground.of(cluster);
  try {
    await ground.cluster.atRest();
    const [a, b] = cluster.nodes;
    if (a === undefined || b === undefined) throw new Error('there are no two nodes');
    const people = await ground.people(LOADS[2] * 4);
    const here = await ground.servedBy(a, people);
    const there = await ground.servedBy(b, people);
    const pairs = here.slice(0, LOADS[2]).flatMap((from, at) => {
      const to = there[at];
      return to === undefined ? [] : [{ sender: ground.callerOf(from), to }];
    });
    const [pair] = pairs;
    if (pair === undefined) throw new Error('nobody is on one of the nodes');
    const target = { case: 'directUserId', value: pair.to } as const;
    const count = quick ? QUICK_SENDS : SENDS;
    for (let n = 0; n < count; n += 1) await sendTo(pair.sender, target, `warm${n}`);
    const times = new Float64Array(count);
    for (let n = 0; n < count; n += 1) {
      const begun = performance.now();
      await sendTo(pair.sender, target, `timed${n}`);
      times[n] = performance.now() - begun;
    }
    const measured: Measured[] = [
      { name: 'cluster.send.p50_ms', value: quantile(times, 0.5), unit: 'ms' },
      { name: 'cluster.send.p99_ms', value: quantile(times, 0.99), unit: 'ms' },
    ];
    for (const width of LOADS) {
      const { sends, fenceReads } = await underLoad(cluster, pairs.slice(0, width));
      measured.push({ name: `cluster.send.rate.${width}`, value: sends, unit: '1/s' });
      measured.push({
        name: `cluster.fence_reads.${width}`,
        value: fenceReads / cluster.nodes.length,
        unit: '1/s and node',
      });
    }
    return measured;
  } finally {
    ground.close();
    await cluster.close();
  }
}

async function underLoad(
  cluster: LocalCluster,
  pairs: readonly { readonly sender: Caller; readonly to: string }[],
): Promise<{ readonly sends: number; readonly fenceReads: number }> {
  const before = await countsOf(cluster);
  const begunMs = performance.now();
  const sent = await Promise.all(
    pairs.map(async ({ sender, to }) => {
      let n = 0;
      for (; performance.now() - begunMs < LOAD_MS; n += 1)
        await sendTo(sender, { case: 'directUserId', value: to }, `${pairs.length}-${n}`);
      return n;
    }),
  );
  const seconds = (performance.now() - begunMs) / 1_000;
  const after = await countsOf(cluster);
  const total = sent.reduce((sum, each) => sum + each, 0);
  return { sends: total / seconds, fenceReads: (after.fence_reads - before.fence_reads) / seconds };
}
