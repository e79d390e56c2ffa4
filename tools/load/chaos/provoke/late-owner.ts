// What shows that outputs do not wait for a fence read (rule 8 of the safety protocol): an owner that was fenced and does not know
// it yet answers for rows that nobody will ever read.
//
// A node is cut from NATS alone. It serves on, for its lease is no matter of safety; the others find it silent, fence it and take
// its shards over: each activation there seals. Until the node's next look at its own life, up to a second later, people who are
// connected to it are still answered, and their rows lie behind the seal. With the fence read not one of those answers leaves.

import { setTimeout as sleep } from 'node:timers/promises';
import { linksOf, nodeAt } from '../faults.ts';
import type { ChaosRun } from '../run.ts';

/** Longer than it takes to be found silent, asked in vain, fenced and relieved. */
const cutMs = 12_000;

export async function provokeLateOwner(run: ChaosRun): Promise<void> {
  const { cluster, random } = run;
  await cluster.atRest();
  const node = nodeAt(cluster, random.below(cluster.nodes.length));
  const { nats } = linksOf(node);
  run.say(`cut ${node.name} from NATS: it will be fenced while its people go on writing`);
  nats.cut();
  await sleep(cutMs);
  nats.mend();
  run.say(`  ${node.name} is mended`);
}
