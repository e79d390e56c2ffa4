// What shows that a claim asks for the epoch alone (rule 2 of the safety protocol): a claim of long ago succeeds over a row that it
// has never seen, whose owner nobody has fenced.
//
// The first node is killed, and the second one's claims of its shards are held back on their way to Cassandra. The second node is
// killed too and started again; its new process claims the same shards by a smaller step and serves them. Now the old claims
// arrive: each says "if the epoch is lower than mine", and it is. The rows name a process that is long dead, so the first node,
// when it comes back and is meant to have those shards, takes them over at once, while the second one serves them still: cut from
// NATS, it does not hear that it should give them away. Both answer. A claim that names the row it has read would have failed.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalNode } from '../../../dev/local-cluster/index.ts';
import { EPOCH_STEP } from '../edits.ts';
import { linksOf, nodeAt, startAgain } from '../faults.ts';
import { isClaim } from '../requests.ts';
import type { ChaosRun } from '../run.ts';

/** Longest wait for the first claim, milliseconds. */
const claimMsMax = 100_000;

/** Longest wait until the second node has learned that it was fenced; no more than one is fenced in a minute. */
const fencedMsMax = 90_000;

const mutant = 'cas-on-epoch-only';

export async function provokeLateClaim(run: ChaosRun): Promise<void> {
  const { cluster } = run;
  const [first, second] = [nodeAt(cluster, 0), nodeAt(cluster, 1)];
  await run.rest();
  const { cassandra, nats } = linksOf(second);
  step(second, 2);
  const claimed = holdClaims(second);
  run.say(`kill ${first.name}; the claims of ${second.name} will be held back`);
  await first.kill();
  if (!(await claimed)) {
    run.say('  no claim came');
    await startAgain(first);
    return;
  }
  await sleep(500);
  const stranded = cassandra.map((link) => link.strand());
  await second.kill();
  for (const link of cassandra) link.mend();
  run.say(`  they are on their way; ${second.name} was killed and starts again`);
  await startAgain(second);
  await run.rest();
  await sleep(3_000);
  for (const each of stranded) each.release();
  await sleep(1_000);
  run.say(`  they have arrived; cut ${second.name} from NATS, start ${first.name}`);
  const ends = second.ends.length;
  const started = startAgain(first);
  await untilListening(first);
  nats.cut();
  await started;
  const untilMs = performance.now() + fencedMsMax;
  while (second.ends.length === ends && performance.now() < untilMs) await sleep(100);
  nats.mend();
  step(second, 5);
  run.say(`  ${second.name} is mended`);
}

/** How far above what it reads a node claims, from its next start on. */
function step(node: LocalNode, by: number): void {
  node.setEnvironment({ MUTANT: mutant, [EPOCH_STEP]: `${by}` });
}

/** From the node's next claim on, nothing it sends to Cassandra arrives. False: it made none in time. */
function holdClaims(node: LocalNode): Promise<boolean> {
  const { cassandra } = linksOf(node);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), claimMsMax);
  for (const link of cassandra)
    link.onRequests((bytes) => {
      if (isClaim(bytes, node.name)) {
        for (const each of cassandra) each.cut('requests');
        resolve(true);
      }
      return bytes;
    });
  return promise.finally(() => {
    clearTimeout(timer);
    for (const link of cassandra) link.onRequests(undefined);
  });
}

/** A node listens to clients just before it joins. */
async function untilListening(node: LocalNode): Promise<void> {
  while (node.running) {
    const socket = connect(node.endpoint);
    const found = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (found) return;
    await sleep(20);
  }
}
