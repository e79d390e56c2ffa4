// `make chaos`: a cluster under load, faults from a seed, then the client API is asked whether anything acked was lost, stored
// twice, or came in another order, and whether anything waits. Exits 0 when all holds, 1 for a violation, 2 for bad arguments.
// With a mutant it is the other way round: a known fault is put into the nodes, and 0 says that the violation was found.

import { parseArgs } from 'node:util';
import { startLocalCluster } from '../dev/local-cluster/index.ts';
import { chaosFigures, faultTable, isViolated, verdictTable } from './chaos/figures.ts';
import { CHAOS_MUTANTS, type ChaosMutant, hookArguments, provocationsMax } from './chaos/mutants.ts';
import { ChaosRun, type Load } from './chaos/run.ts';
import { scheduleOf } from './chaos/schedule.ts';
import { VERDICTS } from './index.ts';
import { writeFigures } from './report.ts';

const usage = `usage: make chaos [MINUTES=N] [SEED=N] [MUTANT=NAME] [ARGS="--senders N --keep"]
  MINUTES    time in which faults begin, default 10
  SEED       repeats the schedule of an earlier run, default random
  MUTANT     puts a known fault into the nodes and expects the violation: ${CHAOS_MUTANTS.map(({ name }) => name).join(', ')}
  --senders  people who send, default 12
  --keep     keep data and logs`;

interface ChaosArguments {
  readonly minutes: number;
  readonly seed: number;
  readonly senders: number;
  readonly keep: boolean;
  readonly mutant: ChaosMutant | undefined;
}

/** Reads the command line; undefined = it is not valid. */
export function parseChaosArguments(args: readonly string[]): ChaosArguments | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: `${Math.floor(Math.random() * 0x7fff_ffff)}` },
        senders: { type: 'string', default: '12' },
        mutant: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    });
    const minutes = Number(values.minutes);
    const seed = Number(values.seed);
    const senders = Number(values.senders);
    const mutant = CHAOS_MUTANTS.find(({ name }) => name === values.mutant);
    if (!(minutes > 0 && minutes <= 1_440) || !Number.isInteger(seed)) return undefined;
    if (!Number.isInteger(senders) || senders < 4 || senders > 200) return undefined;
    if (values.mutant !== undefined && mutant === undefined) return undefined;
    return { minutes, seed, senders, keep: values.keep, mutant };
  } catch {
    return undefined;
  }
}

const nodes = 3;

/** What a known fault does shows on one copy as well, and three copies take their time to start. */
const cassandraNodesOf = (mutant: ChaosMutant | undefined): 1 | 3 => (mutant === undefined ? 3 : 1);

/** Few, so that a takeover is over at once: what takes long then is finding out that a node is gone. */
const shards = 96;

/** Short, so that a client notices a node that is paused as soon as one that is gone. */
const settings = { 'limits.heartbeat_ms': '2000', 'web.enabled': 'false' };

async function main(): Promise<number> {
  const args = parseChaosArguments(process.argv.slice(2));
  if (args === undefined) {
    console.error(usage);
    return 2;
  }
  const { minutes, seed, mutant } = args;
  const again = `make chaos MINUTES=${minutes} SEED=${seed}${mutant === undefined ? '' : ` MUTANT=${mutant.name}`}`;
  console.log(
    `chaos: ${mutant === undefined ? `${minutes} minutes` : `mutant ${mutant.name}`}, seed ${seed}`,
  );
  const interrupted = Promise.withResolvers<never>();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interrupted.reject(new Error('interrupted')));
  const starting = startLocalCluster({
    nodes,
    cassandraNodes: cassandraNodesOf(mutant),
    shards: mutant?.shards ?? shards,
    proxies: true,
    settings,
    ...(mutant === undefined
      ? {}
      : { execArgs: hookArguments(), environment: { MUTANT: mutant.name, ...mutant.environment } }),
    onStep: (line) => console.log(`  ${line}`),
  });
  const cluster = await Promise.race([starting, interrupted.promise]).catch(async (error: unknown) => {
    await starting.then((started) => started.close()).catch(() => {});
    throw error;
  });
  let held = false;
  let stopped = false;
  interrupted.promise.catch(() => {
    stopped = true;
  });
  try {
    held = await Promise.race([judge(cluster, args, again), interrupted.promise]);
    return held ? 0 : 1;
  } finally {
    const keep = args.keep || !(held || stopped);
    await cluster.close({ keep });
    if (keep) console.log(`logs and data are kept in ${cluster.directory}`);
  }
}

/** Runs and prints; true = what was to be shown was shown. */
async function judge(
  cluster: Awaited<ReturnType<typeof startLocalCluster>>,
  args: ChaosArguments,
  again: string,
): Promise<boolean> {
  const { mutant, seed, minutes, senders } = args;
  const load: Load = mutant?.load ?? { senders, pauseMsMax: 500, answerMsMax: 6_000 };
  const startedMs = performance.now();
  const run = await ChaosRun.begin({
    cluster,
    seed,
    forMs: minutes * 60_000,
    load,
    slots: scheduleOf(seed, { nodes, cassandraNodes: cluster.cassandra.length }),
    // What the fault has broken may never settle.
    ...(mutant === undefined ? {} : { settleMsMax: 15_000 }),
    progress: (line) => console.log(line),
  });
  try {
    if (mutant === undefined) await run.faults();
    else await provokeUntilFound(mutant, run);
    const result = await run.end();
    const figures = chaosFigures(result, seed, (performance.now() - startedMs) / 1_000);
    const path = await writeFigures(
      mutant === undefined ? 'chaos.json' : `chaos-${mutant.name}.json`,
      figures,
    );
    console.log(`\n${faultTable(result.faults)}\n\n${verdictTable(figures)}`);
    for (const verdict of VERDICTS)
      for (const example of result.report.findings[verdict].examples) console.log(`${verdict}: ${example}`);
    for (const crash of result.crashes) console.log(`crashed: ${crash}`);
    if (mutant !== undefined) {
      const found = result.report.violations > 0;
      console.log(
        found ? `the fault ${mutant.name} was found` : `the fault ${mutant.name} SURVIVES: ${again}`,
      );
      return found;
    }
    const violated = isViolated(result);
    console.log(violated ? `VIOLATED; again with: ${again}` : `nothing was lost; figures in ${path}`);
    return !violated;
  } finally {
    run.close();
  }
}

async function provokeUntilFound(mutant: ChaosMutant, run: ChaosRun): Promise<void> {
  for (let times = 1; times <= provocationsMax; times += 1) {
    await mutant.provoke(run);
    await run.rest();
    if (await run.contradicts()) return;
    run.say(`  nothing was found, ${provocationsMax - times} more to come`);
  }
}

if (import.meta.main) {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(`starling: error: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  });
  // What was given up on may still wait for its answer.
  process.exit();
}
