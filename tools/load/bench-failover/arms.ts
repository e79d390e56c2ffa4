// What `make bench-failover` measures. Owns: what is done to which node, and which waits count. Does not own: who writes
// meanwhile (pacer.ts).
//
// Every figure is a wait of people who write all the time, seen from outside: from the moment of the fault, or from the
// beginning of a message, to the ack.

import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalCluster, LocalNode } from '../../dev/local-cluster/index.ts';
import type { Arm, ArmOptions, Measured } from '../bench/arm.ts';
import { quantile } from '../bench/arm.ts';
import { Ground } from '../people/ground.ts';
import { firstAckAfter, type Pacer, waitsWithin } from '../people/pacer.ts';

/** People among whom those of one node are found. */
const PEOPLE = 120;
/** Of one node, at most. */
const AFFECTED_MAX = 30;
/** Between an ack and the next message, milliseconds. */
const PAUSE_MS = 50;
/** Load before and after, milliseconds. */
const AROUND_MS = 2_000;
/** Longest wait for all who were affected, milliseconds. */
const RECOVERY_MS_MAX = 60_000;

/** Starts the cluster when the first arm runs; all share it. */
export type ClusterSource = () => Promise<LocalCluster>;

/** Members of each node of a cluster of hosts. */
export const WORKERS = 2;

/** `plain`: three nodes; `hosts`: three nodes of WORKERS processes each. */
export function failoverArms(plain: ClusterSource, hosts: ClusterSource): Arm[] {
  return [
    { name: 'kill', prefixes: ['kill.'], run: (options) => onGround(plain, options, kill) },
    { name: 'move', prefixes: ['move.'], run: (options) => onGround(plain, options, move) },
    { name: 'roll', prefixes: ['roll.'], run: (options) => onGround(plain, options, roll) },
    {
      name: 'kill.supervised',
      prefixes: ['kill.supervised.'],
      run: (options) => onGround(hosts, options, killSupervised),
    },
  ];
}

async function onGround(
  source: ClusterSource,
  options: ArmOptions,
  work: (ground: Ground, options: ArmOptions) => Promise<Measured[]>,
): Promise<readonly Measured[]> {
  const ground = await Ground.of(await source());
  try {
    await ground.cluster.atRest();
    return await work(ground, options);
  } finally {
    ground.close();
  }
}

/** SIGKILL of one node, without anybody who starts it again or says that it is dead. */
async function kill(ground: Ground): Promise<Measured[]> {
  const node = lastOf(ground.cluster.nodes);
  const affected = (await ground.servedBy(node, await ground.people(PEOPLE))).slice(0, AFFECTED_MAX);
  const pacers = ground.pacers(affected, PAUSE_MS);
  for (const pacer of pacers) pacer.start();
  await sleep(AROUND_MS);
  const atMs = performance.now();
  await node.kill();
  const waits = await firstAcks(pacers, atMs);
  await finish(ground, pacers);
  await node.start();
  return firstAckFigures('kill', waits);
}

/** SIGKILL of one process of a host, whose supervisor sees it end. */
async function killSupervised(ground: Ground): Promise<Measured[]> {
  const host = lastOf(ground.cluster.nodes);
  const [worker] = await host.workers();
  if (worker === undefined) throw new Error(`${host.name} says nothing of its workers`);
  const affected = (await ground.servedBy({ name: worker.node }, await ground.people(PEOPLE))).slice(
    0,
    AFFECTED_MAX,
  );
  const pacers = ground.pacers(affected, PAUSE_MS);
  for (const pacer of pacers) pacer.start();
  await sleep(AROUND_MS);
  const atMs = performance.now();
  process.kill(worker.pid, 'SIGKILL');
  const waits = await firstAcks(pacers, atMs);
  await finish(ground, pacers);
  return firstAckFigures('kill.supervised', waits);
}

/** One node gives all its shards to the others, and gets them back. */
async function move(ground: Ground): Promise<Measured[]> {
  const node = lastOf(ground.cluster.nodes);
  const affected = (await ground.servedBy(node, await ground.people(PEOPLE))).slice(0, AFFECTED_MAX);
  const pacers = ground.pacers(affected, PAUSE_MS);
  for (const pacer of pacers) pacer.start();
  await sleep(AROUND_MS);
  const fromMs = performance.now();
  await ground.drain(node);
  const drainedMs = performance.now() - fromMs;
  await sleep(AROUND_MS);
  await finish(ground, pacers);
  const gaps = pacers.map((pacer) => {
    const waits = waitsWithin(pacer, fromMs, fromMs + drainedMs);
    if (waits.length === 0) throw new Error(`${pacer.userId} wrote nothing during the move`);
    return Math.max(...waits);
  });
  const calm = pacers.flatMap((pacer) => waitsWithin(pacer, 0, fromMs));
  await ground.uncordon(node);
  await ground.cluster.atRest();
  return [
    { name: 'move.gap_p50_ms', value: quantile(Float64Array.from(gaps), 0.5), unit: 'ms' },
    { name: 'move.gap_p99_ms', value: quantile(Float64Array.from(gaps), 0.99), unit: 'ms' },
    { name: 'move.drain_ms', value: drainedMs, unit: 'ms' },
    { name: 'move.before_p99_ms', value: quantile(Float64Array.from(calm), 0.99), unit: 'ms' },
  ];
}

/** Every node in turn is stopped in order and started again. */
async function roll(ground: Ground): Promise<Measured[]> {
  const pacers = ground.pacers(await ground.people(AFFECTED_MAX * 2), 2 * PAUSE_MS);
  for (const pacer of pacers) pacer.start();
  await sleep(AROUND_MS);
  const fromMs = performance.now();
  for (const node of ground.cluster.nodes) {
    await node.stop();
    await node.start();
    await node.serving();
    await ground.cluster.atRest();
  }
  const toMs = performance.now();
  await sleep(AROUND_MS);
  await finish(ground, pacers);
  const waits = Float64Array.from(pacers.flatMap((pacer) => waitsWithin(pacer, fromMs, toMs)));
  const failed = pacers.flatMap((pacer) => pacer.failed);
  for (const text of failed.slice(0, 5)) console.error(`roll: a message failed: ${text}`);
  const again = pacers.flatMap(({ acked }) => acked.filter(({ attempts }) => attempts > 1));
  return [
    { name: 'roll.failed_calls', value: failed.length, unit: 'count' },
    { name: 'roll.repeated_calls', value: again.length, unit: 'count' },
    { name: 'roll.sends', value: waits.length, unit: 'count' },
    { name: 'roll.send_p50_ms', value: quantile(waits, 0.5), unit: 'ms' },
    { name: 'roll.send_p99_ms', value: quantile(waits, 0.99), unit: 'ms' },
    { name: 'roll.send_max_ms', value: quantile(waits, 1), unit: 'ms' },
    { name: 'roll.duration_s', value: (toMs - fromMs) / 1_000, unit: 's' },
  ];
}

/** For each of them, the time until a message begun after the fault was acked. */
async function firstAcks(pacers: readonly Pacer[], atMs: number): Promise<number[]> {
  for (;;) {
    const waits = pacers.map((pacer) => firstAckAfter(pacer, atMs));
    if (waits.every((wait) => wait !== undefined)) return waits;
    if (performance.now() - atMs > RECOVERY_MS_MAX) {
      const lost = waits.filter((wait) => wait === undefined).length;
      throw new Error(`${lost} of ${waits.length} people got no ack for ${RECOVERY_MS_MAX} ms`);
    }
    await sleep(20);
  }
}

/** The slowest counts: everybody is served again by then. */
function firstAckFigures(name: string, waits: readonly number[]): Measured[] {
  if (waits.length === 0) throw new Error('nobody was served by the node');
  const sorted = Float64Array.from(waits);
  return [
    { name: `${name}.first_ack_ms`, value: quantile(sorted, 1), unit: 'ms' },
    { name: `${name}.first_ack_p50_ms`, value: quantile(sorted, 0.5), unit: 'ms' },
    { name: `${name}.people`, value: waits.length, unit: 'count' },
  ];
}

async function finish(ground: Ground, pacers: readonly Pacer[]): Promise<void> {
  await Promise.all(pacers.map((pacer) => pacer.finish()));
  await ground.verify(pacers);
}

function lastOf(nodes: readonly LocalNode[]): LocalNode {
  const node = nodes.at(-1);
  if (node === undefined) throw new Error('there is no node');
  return node;
}
