// What `make bench-cluster` measures. Owns: the server and the two processes of a run. Does not own: the work itself.

import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runNatsServer } from '../../dev/nats-server.ts';
import type { Arm, ArmOptions, Measured } from '../bench/arm.ts';

const ANSWERER = fileURLToPath(new URL('./answerer.child.ts', import.meta.url));
const ASKER = fileURLToPath(new URL('./asker.child.ts', import.meta.url));

/** Length of a run, milliseconds. */
const RUN_MS = 4_000;
const QUICK_MS = 1_000;

/** A run that hangs ends here. */
const CHILD_MS_MAX = 120_000;

/** All arms, each in one order with what it is compared to. */
export function clusterArms(): Arm[] {
  return [
    arm('nats', 'rate', 'limit.nats_request_reply'),
    arm('starling', 'rate', 'remote.call.'),
    arm('starling', 'latency', 'remote.call.'),
  ];
}

function arm(subject: 'nats' | 'starling', work: 'rate' | 'latency', prefix: string): Arm {
  return {
    name: `${subject}.${work}`,
    prefixes: [prefix],
    run: (options) => run(subject, work, options),
  };
}

async function run(subject: string, work: string, { quick, execArgs }: ArmOptions): Promise<Measured[]> {
  const server = await runNatsServer();
  let answerer: ChildProcess | undefined;
  try {
    answerer = fork(ANSWERER, [subject, server.url], { execArgv: [...execArgs] });
    await once(answerer, 'message');
    const args = [...execArgs, ASKER, subject, work, server.url, `${quick ? QUICK_MS : RUN_MS}`];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: CHILD_MS_MAX });
    if (stderr !== '') console.error(stderr.trimEnd());
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Measured[];
  } finally {
    if (answerer?.connected === true) {
      const ended = once(answerer, 'exit');
      answerer.disconnect();
      await ended;
    }
    await server.stop();
  }
}
