// What `make bench-runtime` measures: which work is done by whom. Every run is a process of its own.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Arm, ArmOptions, Measured } from '../bench/arm.ts';
import { lmdbArm } from '../bench/limits.ts';
import { startCollector } from './collector.ts';
import type { Tracing } from './traced.ts';

const CHILD = fileURLToPath(new URL('./run.child.ts', import.meta.url));

/** Length of a run, milliseconds. */
const RUN_MS = 2_000;
const QUICK_MS = 500;

/** A run that hangs ends here. */
const CHILD_MS_MAX = 120_000;

/** Everyone does these, in turn. */
const COMMON = ['call', 'oneway', 'activation'] as const;
const SUBJECTS = ['starling', 'queue', 'nact', 'xstate', 'effect'] as const;

/** All arms, each in one order with what it is compared to. */
export function runtimeArms(): Arm[] {
  const common = COMMON.flatMap((workload) => [
    ...SUBJECTS.map((subject) => arm(subject, workload)),
    ...(workload === 'call' ? [tracedArm('traced'), tracedArm('unsampled')] : []),
  ]);
  return [
    ...common,
    arm('starling', 'latency', 'local.call.'),
    arm('queue', 'latency', 'limit.promise_queue.call.'),
    arm('starling', 'call.of_actor', 'local.call.of_actor.'),
    arm('starling', 'one_actor.memory', 'one_actor.memory.'),
    lmdbArm(),
    arm('starling', 'one_actor.durable', 'one_actor.durable.'),
    arm('starling', 'fanout', 'fanout.'),
    arm('queue', 'fanout', 'limit.promise_queue.fanout'),
    arm('starling', 'idle.actor', 'idle.actor.'),
    arm('starling', 'idle.durable', 'idle.durable.'),
  ];
}

function arm(
  subject: (typeof SUBJECTS)[number],
  workload: string,
  prefix = prefixOf(subject, workload),
): Arm {
  return {
    name: `${subject}.${workload}`,
    prefixes: [prefix],
    run: (options) => runChild(subject, workload, options),
  };
}

/** Calls with traces on; the collector lives in this process, so that its work doesn't count. */
function tracedArm(tracing: Tracing): Arm {
  return {
    name: `starling.call.${tracing}`,
    prefixes: [`local.call.rate.${tracing}`],
    run: async (options) => {
      const collector = await startCollector();
      try {
        const measured = await runChild('starling', `call.${tracing}`, options, collector.endpoint);
        const spans = collector.spans();
        if (spans > 0 !== (tracing === 'traced')) throw new Error(`the collector got ${spans} spans`);
        return measured;
      } finally {
        await collector.close();
      }
    },
  };
}

function prefixOf(subject: string, workload: string): string {
  if (subject === 'queue') return `limit.promise_queue.${workload}.`;
  if (subject !== 'starling') return `${subject}.${workload}.`;
  return workload === 'activation' ? 'activation.' : `local.${workload}.`;
}

async function runChild(
  subject: string,
  workload: string,
  { quick, execArgs }: ArmOptions,
  ...rest: readonly string[]
): Promise<Measured[]> {
  const forMs = `${quick ? QUICK_MS : RUN_MS}`;
  const args = ['--expose-gc', ...execArgs, CHILD, subject, workload, forMs, ...rest];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: CHILD_MS_MAX });
  if (stderr !== '') console.error(stderr.trimEnd());
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Measured[];
}
