import { equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ShardTable } from '../../ports/shard-table.ts';
import type { Store } from '../../ports/store.ts';
import { SimClock } from '../sim-clock.ts';
import { SimRandom } from '../sim-random.ts';
import { QuorumCluster, type QuorumFaults, type QuorumStats, REPLICA_IDS, type ReplicaId } from './index.ts';

const FAULTS: Partial<QuorumFaults> = {
  lostRequest: 0.1,
  lostAnswer: 0.05,
  lateWrite: 0.1,
  writeTimeout: 0.05,
  lostHint: 0.3,
  lateMsMin: 20,
  lateMsMax: 2_000,
  writeTimeoutMs: 200,
  readTimeoutMs: 200,
  hintDelayMsMin: 100,
  hintDelayMsMax: 1_000,
};

const ACTORS = 3;
const addressOf = (at: number) => ({ kind: 'user', key: `k${at}`, shard: at });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

/** What somebody was told about a row: a later reader must be told the same. */
class Known {
  readonly #rows = new Map<string, string>();
  readonly broken: string[] = [];

  /** What was known when a read begins. */
  snapshot(): ReadonlyMap<string, string> {
    return new Map(this.#rows);
  }

  learn(actor: number, seq: number, value: string): void {
    this.#rows.set(`${actor}/${seq}`, value);
  }

  check(actor: number, before: ReadonlyMap<string, string>, found: ReadonlyMap<number, string>): void {
    for (const [id, value] of before) {
      const [of, seq] = id.split('/').map(Number);
      if (of !== actor || seq === undefined || found.get(seq) === value) continue;
      this.broken.push(`${id} was ${value}, is ${found.get(seq)}`);
    }
  }
}

async function write(store: Store, actor: number, known: Known, turns: number): Promise<void> {
  for (let seq = 1; seq <= turns; seq += 1) {
    const value = `${actor}-${seq}`;
    const row = { seq, ts: (1n << 52n) + BigInt(seq), value: bytes(value) };
    try {
      await store.commit({ actor: addressOf(actor), rows: [row] });
      known.learn(actor, seq, value);
    } catch {
      // Nobody was told that the row is there; whether it is, a reader finds out.
    }
  }
}

async function read(store: Store, random: SimRandom, known: Known, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    const actor = random.below(ACTORS);
    const before = known.snapshot();
    try {
      const rows = await store.readRows(addressOf(actor), { from: 1, rowsMax: 999 });
      const found = new Map(rows.map(({ seq, value }) => [seq, text(value)]));
      known.check(actor, before, found);
      for (const [seq, value] of found) known.learn(actor, seq, value);
    } catch {
      // Too few replicas answered: the reader was told nothing.
    }
  }
}

/** Incarnations that somebody knows to have been marked. */
interface Marks {
  readonly live: Set<string>;
  readonly fenced: Set<string>;
}

/** Fences one node after another while others read the marks. */
async function fence(table: ShardTable, { live, fenced }: Marks, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    try {
      await table.markLive(`n${turn}`);
      live.add(`n${turn}`);
      await table.fence(`n${turn}`);
      fenced.add(`n${turn}`);
    } catch {
      // Unknown: a reader finds out.
    }
  }
}

async function readMarks(
  table: ShardTable,
  random: SimRandom,
  { live, fenced }: Marks,
  turns: number,
): Promise<string[]> {
  const broken: string[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const name = `n${random.below(20)}`;
    const [wasLive, wasFenced] = [live.has(name), fenced.has(name)];
    try {
      const state = await table.readLife(name);
      if (wasFenced && state === 'live') broken.push(`${name} came back to life`);
      // A mark that was once acknowledged is not missing, so a fence was seen, and every later reader sees it.
      if (wasLive && state === 'fenced') fenced.add(name);
    } catch {
      // It could not be read.
    }
  }
  return broken;
}

/** At most one replica is down at a time, but for power cuts of all. */
function breakOne(cluster: QuorumCluster, random: SimRandom): void {
  const id: ReplicaId = REPLICA_IDS[random.below(3)] ?? 0;
  const draw = random.float();
  if (draw < 0.1) for (const each of REPLICA_IDS) cluster.restartReplica(each);
  else if (draw < 0.15 && REPLICA_IDS.every((each) => cluster.replicaUp(each))) cluster.crashReplica(id);
  else if (draw < 0.17) cluster.powerCut();
  else if (draw < 0.2) cluster.slow(id, 1 + random.below(5));
}

async function storm(seed: number): Promise<{ broken: string[]; stats: QuorumStats }> {
  const clock = new SimClock();
  const random = new SimRandom(seed);
  const cluster = new QuorumCluster({ clock, random: random.fork(), faults: FAULTS });
  const [a, b] = [cluster.client('a'), cluster.client('b')];
  const known = new Known();
  const nodes: Marks = { live: new Set(), fenced: new Set() };
  const marks = readMarks(b.shards, random.fork(), nodes, 60);
  const work = Promise.all([
    ...Array.from({ length: ACTORS }, (_, actor) => write(a.store, actor, known, 20)),
    read(b.store, random.fork(), known, 40),
    read(a.store, random.fork(), known, 40),
    fence(a.shards, nodes, 20),
    marks,
  ]);
  let busy = true;
  void work.then(() => {
    busy = false;
  });
  while (busy) {
    breakOne(cluster, random);
    await clock.advance(random.float() * 20);
  }
  cluster.healAll();
  await clock.advance(1_000);
  equal(cluster.deferred, 0);
  const last = Promise.all(
    Array.from({ length: ACTORS }, async (_, actor) => {
      const rows = await b.store.readRows(addressOf(actor), { from: 1, rowsMax: 999 });
      known.check(actor, known.snapshot(), new Map(rows.map(({ seq, value }) => [seq, text(value)])));
    }),
  );
  await clock.advance(100);
  await last;
  return { broken: [...known.broken, ...(await marks)], stats: cluster.stats() };
}

describe('what the simulated cluster has told somebody', () => {
  test('stays true through crashes of a replica, power cuts of all, lost and late messages', async () => {
    const total = new Map<string, number>();
    for (let seed = 0; seed < 60; seed += 1) {
      const { broken, stats } = await storm(seed);
      equal(broken.join('\n'), '', `seed ${seed}`);
      for (const [name, count] of Object.entries(stats)) total.set(name, (total.get(name) ?? 0) + count);
    }
    const conditional = ['swaps', 'serialReads', 'unknownSwaps', 'completedByStranger', 'contended'];
    const batches = ['partialBatches'];
    const rare = new Set([...conditional, ...batches]);
    const never = [...total].filter(([name, count]) => count === 0 && !rare.has(name)).map(([name]) => name);
    equal(never.join(', '), '', 'every fault really happened');
    ok((total.get('unsyncedLost') ?? 0) > 20);
  });
});
