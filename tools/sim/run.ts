// One seed from its beginning to its end: start, load with faults, heal, drain, check.

import { FinalCheck } from './check/final.ts';
import type { Finding } from './check/recorder.ts';
import { Faults } from './faults.ts';
import { Workload } from './load/workload.ts';
import type { Swarm } from './swarm.ts';
import type { TraceLine } from './world/trace.ts';
import { World } from './world/world.ts';

export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<string, number>>;
  readonly trace: Readonly<Record<string, readonly TraceLine[]>>;
}

const STEP_MS = 250;
/** Bounds, in simulated milliseconds: to come up, to drain after the faults, to settle, to read everything. */
const START_MS = 60_000;
const DRAIN_MS = 45_000;
const SETTLE_MS = 5_000;
const CHECK_MS = 60_000;

/** Runs a seed. `linesMax`: of the trace of every place that are kept for a report. */
export async function runSeed(swarm: Swarm, linesMax = 40): Promise<RunResult> {
  const world = new World(swarm);
  const stray = (error: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    world.recorder.fail('no stray errors', text);
  };
  process.on('unhandledRejection', stray);
  try {
    await phases(world);
  } catch (error) {
    stray(error);
  } finally {
    process.off('unhandledRejection', stray);
  }
  const { trace, recorder } = world;
  const findings = [...recorder.findings];
  const kept = findings.length === 0 ? {} : Object.fromEntries(trace.last(linesMax));
  return {
    seed: swarm.seed,
    hash: trace.digest(),
    findings,
    counts: Object.fromEntries(trace.counts),
    trace: kept,
  };
}

async function phases(world: World): Promise<void> {
  const { clock, recorder, swarm } = world;
  for (const node of world.nodes) node.start();
  world.keeper.start();
  const faults = new Faults(world);
  const workload = new Workload(world);
  const prepared = workload.prepare();
  if (!(await until(world, START_MS, prepared))) {
    recorder.fail('I11', 'the cluster did not come up');
    return;
  }
  workload.go();
  faults.start();
  await clock.advance(swarm.loadMs);
  workload.stop();
  if (swarm.silentRestart) {
    world.trace.count('silent restart of all nodes');
    for (const device of workload.devices) device.stop();
    for (const node of world.nodes) node.kill();
  } else for (const device of workload.devices) device.start();
  faults.heal();
  await clock.advance(DRAIN_MS);
  for (const { what } of workload.open) recorder.fail('I13', `a call to ${what} has not ended`);
  for (const device of workload.devices) device.stop();
  await clock.advance(SETTLE_MS);
  if (recorder.findings.length === 0) await until(world, CHECK_MS, new FinalCheck(world, workload).run());
  for (const [name, count] of Object.entries(world.ground.counts())) world.trace.count(name, count);
  world.trace.count('most activations of one actor', recorder.activationsMax);
}

/** Lets time pass until a promise has settled; false where it has not after so long. */
async function until(world: World, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  work.then(note, note);
  for (let passed = 0; passed < limitMs && !settled; passed += STEP_MS) await world.clock.advance(STEP_MS);
  if (settled) await work;
  return settled;
}
