// What shows that activations do not seal (rule 6 of the safety protocol): rows that a dead owner had sent arrive after its
// successor has opened, above what that one has written, and are taken for the log by the next.
//
// While much is being written to one log, by people of its own node, its requests to Cassandra are held back and the node is
// killed, so that its last batches are on their way and nowhere else. (People of other nodes don't write then: their actors
// would send again by themselves.) Its next process has its shards, and a few messages are placed there. Then the held
// batches arrive, and that process is killed too: whoever opens those logs now finds its predecessor's rows, and above them
// the dead owner's, which are older and partly the same messages. A seal would have made them void.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Link } from '../../../dev/local-cluster/index.ts';
import { linksOf, nodeOfGroup, startAgain } from '../faults.ts';
import type { ChaosRun } from '../run.ts';

/** Added to every byte between the node and Cassandra, so that its batches grow. */
const delayMs = 20;

/** Sends that the successor is let place: fewer than a batch has rows. */
const placed = 2;

/** Longest wait for them, milliseconds. */
const placedMsMax = 10_000;

/** Bytes of a batch with several rows and what goes with it. */
const batchBytesMin = 6_000;

/** For as long a cut gathers, and as long the node may go on before the next one, milliseconds. */
const cutMs = 250;

/** Cuts that are tried. */
const cutsMax = 20;

export async function provokeGhosts(run: ChaosRun): Promise<void> {
  const { cluster, world, availability } = run;
  await run.rest();
  const node = await nodeOfGroup(cluster, world.everybody);
  const { cassandra } = linksOf(node);
  const served = [...(await world.whereabouts())].filter(([, address]) => address === node.address);
  world.hold.only(new Set(served.map(([userId]) => userId)));
  for (const link of cassandra) link.delay(delayMs);
  await sleep(4_000);
  run.say(`hold back what ${node.name} writes, and kill it`);
  await cutInABatch(cassandra);
  world.hold.on();
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
  const before = availability.count;
  const untilMs = performance.now() + placedMsMax;
  while (availability.count < before + placed && performance.now() < untilMs) {
    world.hold.pass(1);
    await sleep(100);
  }
  run.say(`  ${availability.count - before} sends were placed by its successor`);
  for (const each of stranded) each.release();
  await sleep(1_000);
  run.say(`  they have arrived; kill ${node.name} again, so that its logs are opened once more`);
  await node.kill();
  await startAgain(node);
  await run.rest();
  world.hold.off();
  await sleep(4_000);
}

/** Cuts the requests of a node when a batch of several rows is among those held back; tries for as long as it takes. */
async function cutInABatch(links: readonly Link[]): Promise<void> {
  for (let attempt = 1; attempt <= cutsMax; attempt += 1) {
    let bytes = 0;
    for (const link of links) {
      link.cut('requests');
      link.onRequests((came) => {
        bytes += came.length;
        return came;
      });
    }
    await sleep(cutMs);
    for (const link of links) link.onRequests(undefined);
    if (bytes >= batchBytesMin) return;
    for (const link of links) link.mend();
    await sleep(cutMs);
  }
}
