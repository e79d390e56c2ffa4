import { equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ShardOwner, ShardTable } from '../../ports/shard-table.ts';
import { FIRST_EPOCH } from '../../timestamp.ts';
import { ShardHistory } from '../shard-history.ts';
import { type OpenedShards, shardTableConformance } from '../shard-table-conformance.ts';
import { SimClock } from '../sim-clock.ts';
import { SimRandom } from '../sim-random.ts';
import { QuorumCluster, type QuorumFaults, REPLICA_IDS } from './index.ts';
import { RunningClock } from './running-clock.ts';

const FAULTS: Partial<QuorumFaults> = {
  lostRequest: 0.05,
  lostAnswer: 0.05,
  lateWrite: 0.1,
  lateMsMin: 10,
  lateMsMax: 500,
  casTimeoutMs: 100,
  writeTimeoutMs: 100,
  readTimeoutMs: 100,
};

async function open(faults: Partial<QuorumFaults> = {}): Promise<OpenedShards> {
  const cluster = new QuorumCluster({ clock: new RunningClock(), random: new SimRandom(5), faults });
  const [first, second] = [cluster.client('a').shards, cluster.client('b').shards];
  return { first, second, dispose: async () => cluster.healAll() };
}

shardTableConformance('the simulated cluster', () => open());
shardTableConformance('the simulated cluster with lost and late messages', () => open(FAULTS));

/** Calls of three nodes on one shard while replicas crash and links are cut. */
async function stormyHistory(seed: number): Promise<{ history: ShardHistory; cluster: QuorumCluster }> {
  const clock = new SimClock();
  const random = new SimRandom(seed);
  const cluster = new QuorumCluster({ clock, random: random.fork(), faults: FAULTS });
  const history = new ShardHistory(1);
  let running = 3;
  const node = async (table: ShardTable, owner: string): Promise<void> => {
    let known: ShardOwner | undefined;
    for (let turn = 0; turn < 4; turn += 1) {
      if (random.float() < 0.6) known = (await history.read(table))?.row ?? known;
      const epoch = (known?.epoch ?? FIRST_EPOCH - 1) + 1;
      await history.swap(table, known, { epoch, owner: `${owner}${turn}` });
    }
    running -= 1;
  };
  for (const name of ['a', 'b', 'c']) void node(cluster.client(name).shards, name);
  while (running > 0) {
    const id = REPLICA_IDS[random.below(3)] ?? 0;
    const name = ['a', 'b', 'c'][random.below(3)] ?? 'a';
    const draw = random.float();
    if (draw < 0.05) cluster.crashReplica(id);
    else if (draw < 0.07) cluster.powerCut();
    else if (draw < 0.12) cluster.cut(name, id, random.float() < 0.5 ? 'answers' : 'requests');
    else if (draw < 0.3) cluster.heal(name);
    else if (draw < 0.5) for (const each of REPLICA_IDS) cluster.restartReplica(each);
    await clock.advance(random.float() * 20);
  }
  cluster.healAll();
  const last = history.read(cluster.client('d').shards);
  await clock.advance(2_000);
  await last;
  return { history, cluster };
}

/** A swap of node `a` that ended unknown: replica 2 alone has accepted it. */
async function acceptedByOne(): Promise<{ clock: SimClock; cluster: QuorumCluster }> {
  const clock = new SimClock();
  const faults = { latencyMsMin: 1, latencyMsMax: 1, syncMsMax: 0 };
  const cluster = new QuorumCluster({ clock, random: new SimRandom(1), faults });
  // The links leave it replicas 0 and 2 for its ballot, and only 2 for its proposal.
  cluster.cut('a', 1);
  const swap = cluster.client('a').shards.swap(1, undefined, { epoch: FIRST_EPOCH, owner: 'a' });
  await clock.advance(3);
  cluster.cut('a', 0);
  const [[ended]] = await Promise.all([Promise.allSettled([swap]), clock.advance(5_000)]);
  equal(ended.status === 'rejected' && ended.reason.code, 'OUTCOME_UNKNOWN');
  return { clock, cluster };
}

describe('rows of shards in the simulated cluster', () => {
  test('under crashes, cuts, lost and late messages every history could have happened at single moments', async () => {
    let unknown = 0;
    let strangers = 0;
    let calls = 0;
    for (let seed = 0; seed < 150; seed += 1) {
      const { history, cluster } = await stormyHistory(seed);
      equal(history.contradiction(), undefined, `seed ${seed}`);
      unknown += history.unknown;
      calls += history.length;
      strangers += cluster.stats().completedByStranger;
    }
    ok(unknown > 100, `${unknown} of ${calls} unknown`);
    ok(strangers > 20, `${strangers} completed by a stranger`);
  });
  test('O3: what one replica accepted of a swap that ended unknown never takes effect after a read', async () => {
    const { clock, cluster } = await acceptedByOne();
    cluster.cut('b', 2);
    cluster.cut('c', 0);
    const [first] = await Promise.all([cluster.client('b').shards.readOwner(1), clock.advance(100)]);
    const [second] = await Promise.all([cluster.client('c').shards.readOwner(1), clock.advance(100)]);
    equal(first, undefined);
    equal(second, undefined);
  });
  test('what a replica accepted of a swap that ended unknown is completed by the next who finds it', async () => {
    const { clock, cluster } = await acceptedByOne();
    cluster.cut('c', 0);
    const [found] = await Promise.all([cluster.client('c').shards.readOwner(1), clock.advance(100)]);
    equal(found?.owner, 'a');
    equal(cluster.stats().completedByStranger, 1);
  });
  test('a history in which a swap takes effect after a later read has ended is refused', async () => {
    const history = new ShardHistory(1);
    const rows: (ShardOwner | undefined)[] = [undefined, undefined, { epoch: 1, owner: 'a' }];
    const table = {
      readOwner: () => Promise.resolve(rows.shift()),
      swap: () => Promise.resolve({ applied: true } as const),
    };
    const scripted = table as unknown as ShardTable;
    await history.read(scripted);
    equal(history.contradiction(), undefined);
    await history.swap(scripted, undefined, { epoch: 1, owner: 'a' });
    await history.read(scripted);
    ok(history.contradiction());
  });
});
