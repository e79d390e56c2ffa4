// What `make bench-cluster` measures. Owns: the server and the two processes of a run. Does not own: the work itself.

import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ROOM_FOR_THE_YOUNG } from '../../cli/heap.ts';
import { runNatsServer } from '../../dev/nats-server.ts';
import type { Arm, ArmOptions, Measured } from '../bench/arm.ts';
import type { Order } from './order.ts';

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

async function run(
  subject: Order['subject'],
  work: Order['work'],
  { quick, execArgs }: ArmOptions,
): Promise<Measured[]> {
  const server = await runNatsServer();
  // As a node runs.
  const execArgv = [ROOM_FOR_THE_YOUNG, ...execArgs];
  let answerer: ChildProcess | undefined;
  try {
    answerer = fork(ANSWERER, [subject, server.url], { execArgv });
    await saidReady(answerer);
    const options = { ...{ subject, work }, url: server.url, forMs: quick ? QUICK_MS : RUN_MS };
    const order: Order = { ...options, answererPid: answerer.pid, serverPid: server.pid };
    const args = [...execArgv, ASKER, JSON.stringify(order)];
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

/** Resolves when it is ready. @throws Error when it ends instead */
async function saidReady(answerer: ChildProcess): Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  try {
    await Promise.race([
      once(answerer, 'message', { signal }),
      once(answerer, 'exit', { signal }).then(() => {
        throw new Error('the process that answers has ended');
      }),
    ]);
  } finally {
    ended.abort();
  }
}
