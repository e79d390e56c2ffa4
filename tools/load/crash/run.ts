// A crash run: load, kills at random moments, restarts, and the judgement at the end. Owns: the schedule of kills. Does
// not own: how a node is started (a `CrashNode` is given).

import { setTimeout as sleep } from 'node:timers/promises';
import { check, type Histories, type Report } from '../index.ts';
import { Seeded } from '../seeded.ts';
import type { Endpoint } from '../wire.ts';
import { World } from './world.ts';

/** A node that can be killed and started again on the same data and ports. */
export interface CrashNode {
  /** Valid once started, the same after every start. */
  readonly endpoint: Endpoint;
  /** Resolves when ready; rejects when it ended before. */
  start(): Promise<void>;
  /** Ends the process at once, whatever it is doing; resolves when it is gone. Harmless when it is not running. */
  kill(): Promise<void>;
  /** A token of scope `backend`. */
  backendToken(): Promise<string>;
}

export interface CrashOptions {
  readonly node: CrashNode;
  readonly seed: number;
  readonly cycles: number;
  /** Default 20. */
  readonly senders?: number;
  /** Longest pause between two sends of one sender, milliseconds. Default 60. */
  readonly pauseMsMax?: number;
  /** Longest wait before a settled send is repeated, milliseconds. Default 4,000. */
  readonly laterMsMax?: number;
  /** Longest time under load in one cycle, milliseconds. Default 2,500. */
  readonly loadMsMax?: number;
  /** Takes a line for each cycle. */
  readonly progress: (line: string) => void;
}

export interface CrashResult {
  readonly report: Report;
  readonly histories: Histories;
  /** Every send had its outcome, and every device everything, before the time was up. */
  readonly drained: boolean;
  readonly sends: number;
  readonly repeats: number;
  readonly unknown: number;
  readonly kills: Readonly<Record<Moment, number>>;
  /** Median time from start to ready after a kill, milliseconds. */
  readonly readyMs: number;
}

/** When a node is killed. */
const MOMENTS = ['under load', 'within a commit', 'as all come back', 'while starting'] as const;
export type Moment = (typeof MOMENTS)[number];

/** Longest wait for every send to have its outcome at the end, milliseconds. */
const SETTLE_MS_MAX = 60_000;
/** Longest wait for all to have everything then, milliseconds. */
const DRAIN_MS_MAX = 30_000;

export async function runCrash(options: CrashOptions): Promise<CrashResult> {
  const { node, progress } = options;
  const random = new Seeded(options.seed);
  await node.start();
  const world = new World({
    endpoints: [node.endpoint],
    backendToken: await node.backendToken(),
    random: random.fork(),
    senders: options.senders ?? 20,
    pauseMsMax: options.pauseMsMax ?? 60,
    laterMsMax: options.laterMsMax ?? 4_000,
  });
  try {
    await world.build();
    world.startSenders();
    const { kills, readyMs } = await killCycles(options, world, random);
    await sleep(300);
    progress('sends end; every send is repeated until its outcome is known');
    const unsettled = await world.finishSenders(SETTLE_MS_MAX);
    const { missing, examples } = await world.drain(DRAIN_MS_MAX);
    for (const example of examples) progress(example);
    const drained = unsettled === 0 && missing === 0;
    progress(drained ? 'all devices are up to date' : 'not everything was settled and delivered in time');
    const histories = await world.histories();
    const total = (key: 'sends' | 'repeats' | 'unknown'): number =>
      world.senders.reduce((sum, sender) => sum + sender.tally[key], 0);
    return {
      report: check(histories),
      histories,
      drained,
      sends: total('sends'),
      repeats: total('repeats'),
      unknown: total('unknown'),
      kills,
      readyMs: median(readyMs),
    };
  } finally {
    world.close();
    await node.kill();
  }
}

async function killCycles(options: CrashOptions, world: World, random: Seeded) {
  const { node, cycles, progress } = options;
  const kills: Record<Moment, number> = {
    'under load': 0,
    'within a commit': 0,
    'as all come back': 0,
    'while starting': 0,
  };
  const readyMs: number[] = [];
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    const moment = cycle === 1 ? 'under load' : random.pick(MOMENTS);
    const before = acked(world);
    if (moment === 'while starting') await killWhileStarting(node, random, readyMs.at(-1) ?? 500);
    else {
      await waitFor(moment, options, world, random);
      await node.kill();
    }
    kills[moment] += 1;
    const startedAt = performance.now();
    await node.start();
    const ms = Math.round(performance.now() - startedAt);
    readyMs.push(ms);
    progress(
      `cycle ${cycle}/${cycles}: killed ${moment}, ready again in ${ms} ms, ${acked(world) - before} acks before, ${acked(world)} in all`,
    );
  }
  return { kills, readyMs };
}

// The node runs; it is killed and its successor is killed before it is ready.
async function killWhileStarting(node: CrashNode, random: Seeded, usualMs: number): Promise<void> {
  await sleep(random.below(400));
  await node.kill();
  const starting = node.start().then(
    () => undefined,
    () => undefined,
  );
  await sleep(random.below(Math.max(20, usualMs)));
  await node.kill();
  await starting;
}

async function waitFor(moment: Moment, options: CrashOptions, world: World, random: Seeded): Promise<void> {
  const loadMsMax = options.loadMsMax ?? 2_500;
  switch (moment) {
    case 'as all come back':
      await sleep(random.below(150));
      return;
    case 'within a commit': {
      await sleep(random.below(loadMsMax));
      // Acks come as a commit ends; the next one is under way then.
      const before = acked(world);
      const deadline = performance.now() + 2_000;
      while (acked(world) === before && performance.now() < deadline) await sleep(0);
      return;
    }
    case 'under load':
    case 'while starting':
      await sleep(200 + random.below(loadMsMax));
  }
}

function acked(world: World): number {
  let count = 0;
  for (const sender of world.senders)
    for (const record of sender.records) if (record.answers.length > 0) count += 1;
  return count;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
