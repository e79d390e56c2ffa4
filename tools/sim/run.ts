// One seed from its beginning to its end: start, load with faults, heal, drain, check.

import { FinalCheck } from './check/final.ts';
import type { Finding } from './check/recorder.ts';
import { checkViews } from './check/views.ts';
import { Faults } from './faults.ts';
import { Workload } from './load/workload.ts';
import type { Swarm } from './swarm.ts';
import { passes, settles, strays, textOf } from './world/passing.ts';
import type { TraceLine } from './world/trace.ts';
import { World } from './world/world.ts';

export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<string, number>>;
  readonly trace: Readonly<Record<string, readonly TraceLine[]>>;
}

/** Bounds, in simulated milliseconds: to come up, to drain after the faults, to come back, to settle, to read everything. */
const START_MS = 60_000;
const DRAIN_MS = 45_000;
/** After the time of the last reminder. */
const REMIND_MS = 20_000;
/** A node looks at its wall clock once a minute: one that was set is noticed after that. */
const CLOCK_SET_MS = 80_000;
const RETURN_MS = 30_000;
const SETTLE_MS = 5_000;
const CHECK_MS = 60_000;
/** In which a node cut from the store has to lose its shards: lease, silence, question, fence, claim. */
const CUT_MS = 30_000;
/** In which a node that joins is answered. */
const JOIN_MS = 20_000;

/** Runs a seed. `linesMax`: of the trace of every place that are kept for a report. */
export async function runSeed(swarm: Swarm, linesMax = 40): Promise<RunResult> {
  const world = new World(swarm);
  await strays(
    () => phases(world),
    (error) => world.recorder.fail('no stray errors', textOf(error)),
  );
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
  if (swarm.steering === 'keeper') world.keeper.start();
  const faults = new Faults(world);
  const workload = new Workload(world);
  const prepared = workload.prepare();
  if (!(await settles(clock, START_MS, prepared))) {
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
  await clock.advance(drainMs(world));
  for (const { what } of workload.open) recorder.fail('I13', `a call to ${what} has not ended`);
  if (swarm.silentRestart) {
    await check(world, () => new FinalCheck(world, workload, { notesCount: true }).run());
    for (const device of workload.devices) device.start();
    await clock.advance(RETURN_MS);
  }
  await check(world, () => checkViews(world, workload));
  for (const device of workload.devices) device.stop();
  await clock.advance(SETTLE_MS);
  await check(world, () => new FinalCheck(world, workload, { notesCount: false }).run());
  if (swarm.boardOnly) {
    world.trace.count('run with a bad board alone');
    if (world.table.fences > 0)
      recorder.fail('I16', `${world.table.fences} fences, and nothing but the board failed`);
  }
  for (let shard = 0; shard < swarm.shards; shard++) {
    const owners = world.nodes.filter((node) => node.serves(shard));
    if (owners.length !== 1)
      recorder.fail('I11', `shard ${shard} is served by ${owners.length} nodes after healing`);
  }
  world.fleet.countServing();
  await cutOneFromStore(world);
  await refuseStranger(world);
  for (const [name, count] of Object.entries(world.ground.counts())) world.trace.count(name, count);
  world.trace.count('most activations of one actor', recorder.activationsMax);
}

/** Until everything that was begun has ended, and every reminder that was set has had its time. */
function drainMs({ clock, reminders, swarm }: World): number {
  const remindedMs = reminders.lastMs - clock.now() + REMIND_MS;
  return Math.max(DRAIN_MS, remindedMs, swarm.faults.clock_jump > 0 ? CLOCK_SET_MS : 0);
}

/** I11: a node that is cut from the store alone loses its shards to the others, though the board hears it all the time. */
async function cutOneFromStore(world: World): Promise<void> {
  const { clock, recorder, swarm, nodes, trace } = world;
  const node = nodes.find((one) => one.ownership !== undefined && one.ownership.served().length > 0);
  if (swarm.steering !== 'member' || recorder.findings.length > 0 || node === undefined) return;
  const shards = node.ownership?.served() ?? [];
  node.cutOffStore(undefined);
  await clock.advance(CUT_MS);
  trace.count('node cut from the store alone');
  for (const shard of shards) {
    if (!nodes.some((other) => other !== node && other.serves(shard)))
      recorder.fail(
        'I11',
        `shard ${shard} of ${node.name}, which is cut from the store, is served by no other node`,
      );
  }
  node.mendStore();
}

/** Rule 12: a node that speaks no wire version of the others is refused, and nothing of it is served. */
async function refuseStranger({ clock, fleet, recorder, swarm }: World): Promise<void> {
  if (swarm.steering !== 'member' || recorder.findings.length > 0) return;
  const refusedBefore = fleet.strangersRefused;
  const dismiss = fleet.admitStranger();
  if (!(await passes(clock, JOIN_MS, () => fleet.strangersRefused > refusedBefore)))
    recorder.fail('rule 12', 'a node that speaks no wire version of the others is not refused');
  dismiss();
}

/** Lets a check end; what is broken already says enough. */
async function check(world: World, begin: () => Promise<void>): Promise<void> {
  if (world.recorder.findings.length > 0) return;
  if (!(await settles(world.clock, CHECK_MS, begin())))
    world.recorder.fail('I11', 'the checks are not answered');
}
