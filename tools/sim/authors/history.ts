// One seed from its beginning to its end: start, workload with faults, heal, rest, check.
//
// A1  Everything is drawn from the seed: the same seed, actors and functions give the same history.
// A2  Between the end of the workload and the check nobody calls: what is not finished by then is stuck.

import type { DescService } from '@bufbuild/protobuf';
import { type ActorClient, type ActorType, StarlingError, toStarlingError } from '../../../runtime/index.ts';
import type { SimRandom } from '../../../runtime/testing/sim-random.ts';
import { passes, settles, strays, textOf } from '../world/passing.ts';
import type { TraceLine } from '../world/trace.ts';
import { AuthorCluster } from './cluster.ts';
import { authorFaults } from './faults.ts';
import type { SimulationOptions } from './simulate.ts';
import { authorSwarm } from './swarm.ts';

/** What a workload and a check may use: nothing of theirs comes from anywhere else (no Date, no Math.random). */
export interface HistoryContext {
  readonly seed: number;
  /** Draws of the workload; those of the faults do not depend on them. */
  readonly random: Pick<SimRandom, 'below' | 'float' | 'bits64'>;
  /** A client of an actor. A call fails as one over a bad network does: with a refusal, or with an unknown outcome. */
  client<C extends DescService>(type: ActorType<C>, key: string): ActorClient<C>;
  /**
   * Makes a call again, while its outcome is unknown or its refusal passes, as an application with ids of its own does.
   * @throws StarlingError a refusal for good
   */
  repeat<T>(call: () => Promise<T>): Promise<T>;
  /** Simulated milliseconds since the history began. */
  now(): number;
  /** Lets simulated time pass. */
  pass(ms: number): Promise<void>;
  /** Adds a line to the trace of a failing seed. */
  note(text: string): void;
}

/** How one history went. */
export interface Simulated {
  readonly seed: number;
  /** Over every event: equal in two runs of one seed. */
  readonly hash: string;
  /** Why it failed; undefined where it held. */
  readonly failure: string | undefined;
  /** How often each fault and event happened. */
  readonly counts: ReadonlyMap<string, number>;
  /** Last lines of every place, by place. */
  readonly trace: ReadonlyMap<string, readonly TraceLine[]>;
}

/** Simulated milliseconds: to come up, for what is left of the workload after healing, for the check. */
const START_MS_MAX = 60_000;
const WORKLOAD_MS_MAX = 180_000;
const CHECK_MS_MAX = 60_000;
const REST_MS = 60_000;
const REPEAT_MS_MIN = 50;
const LINES_MAX = 40;

/** Runs the history of a seed. */
export async function runHistory(options: SimulationOptions, seed: number): Promise<Simulated> {
  const swarm = authorSwarm(seed, options.off ?? [], options.limits ?? {});
  const cluster = new AuthorCluster(swarm, options.actors);
  let failure: string | undefined;
  await strays(
    () => phases(cluster, options),
    (error) => {
      failure ??= textOf(error);
    },
  );
  const { trace } = cluster;
  for (const [name, count] of Object.entries(cluster.ground.counts())) trace.count(name, count);
  return { seed, hash: trace.digest(), failure, counts: trace.counts, trace: trace.last(LINES_MAX) };
}

async function phases(cluster: AuthorCluster, options: SimulationOptions): Promise<void> {
  const { clock, swarm, trace } = cluster;
  const context = contextOf(cluster);
  cluster.start();
  if (!(await passes(clock, START_MS_MAX, () => cluster.keeper.complete)))
    throw new Error('The cluster did not come up.');
  const faults = authorFaults(cluster);
  const workload = options.workload(context);
  // It is waited for below; what it throws before is not unheard.
  workload.catch(() => {});
  faults.start();
  await clock.advance(swarm.faultsMs);
  if (swarm.restartAll) {
    trace.count('restart of all nodes');
    for (const node of cluster.nodes) node.kill();
  }
  faults.heal();
  if (!(await settles(clock, WORKLOAD_MS_MAX, workload)))
    throw new Error(`The workload has not ended ${WORKLOAD_MS_MAX} ms after everything was healed.`);
  await clock.advance(options.restMs ?? REST_MS);
  if (!(await settles(clock, CHECK_MS_MAX, options.check(context))))
    throw new Error(`The check has not ended after ${CHECK_MS_MAX} ms.`);
}

function contextOf(cluster: AuthorCluster): HistoryContext {
  const { clock, trace, swarm } = cluster;
  const random = cluster.random.fork();
  const pass = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      clock.after(ms, resolve);
    });
  return {
    seed: swarm.seed,
    random,
    client: (type, key) => cluster.client(type, key),
    now: () => clock.monotonic(),
    pass,
    note: (text) => trace.note('workload', text),
    repeat: async (call) => {
      for (;;) {
        try {
          return await call();
        } catch (thrown) {
          // What is no answer of an actor is a mistake of the workload, and ends the history.
          if (!(thrown instanceof StarlingError)) throw thrown;
          const { entry, retryAfterMs } = toStarlingError(thrown);
          if (entry.outcome !== 'unknown' && retryAfterMs === undefined) throw thrown;
          trace.count(entry.outcome === 'unknown' ? 'call of unknown outcome' : 'call refused for now');
          await pass(Math.max(REPEAT_MS_MIN, retryAfterMs ?? 0));
        }
      }
    },
  };
}
