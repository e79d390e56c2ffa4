// What shows that activations do not seal (rule 6 of the safety protocol): rows that a dead owner had sent arrive after its
// successor has opened, above what that one has written, and are taken for the log by the next.
//
// While much is being written, the requests of a node to Cassandra are held back and the node is killed, so that its last batches
// are on their way and nowhere else. Others take its shards over, and a few of the same messages are placed again there. Then the
// held batches arrive, and all nodes are killed: whoever opens those logs now finds its predecessor's rows, and above them the
// dead owner's, which are older and partly the same messages. A seal would have made them void.

import { setTimeout as sleep } from 'node:timers/promises';
import { linksOf, nodeAt, startAgain } from '../faults.ts';
import type { ChaosRun } from '../run.ts';

/** Added to every byte between the node and Cassandra, so that its batches grow. */
const delayMs = 150;

/** Attempts that are let through to the successors. */
const attempts = 10;

export async function provokeGhosts(run: ChaosRun): Promise<void> {
  const { cluster, random, world } = run;
  await run.rest();
  const node = nodeAt(cluster, random.below(cluster.nodes.length));
  const { cassandra } = linksOf(node);
  for (const link of cassandra) link.delay(delayMs);
  await sleep(4_000);
  run.say(`hold back what ${node.name} writes, and kill it`);
  for (const link of cassandra) link.cut('requests');
  world.hold.on();
  await sleep(2 * delayMs);
  const stranded = cassandra.map((link) => link.strand());
  await node.kill();
  for (const link of cassandra) {
    link.delay(0);
    link.mend();
  }
  const bytes = stranded.reduce((sum, each) => sum + each.requestBytes, 0);
  await startAgain(node);
  await run.rest();
  run.say(`  its shards are served again; ${bytes} bytes of it are still on their way`);
  world.hold.pass(attempts);
  await sleep(2_000);
  for (const each of stranded) each.release();
  await sleep(1_000);
  run.say('  they have arrived; kill every node and start it again');
  await Promise.all(cluster.nodes.map((each) => each.kill()));
  await Promise.all(cluster.nodes.map((each) => startAgain(each)));
  await run.rest();
  world.hold.off();
  await sleep(4_000);
}
