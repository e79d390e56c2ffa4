// What shows that outputs do not wait for a fence read (rule 8 of the safety protocol): an owner that was fenced and does not know
// it answers for rows that nobody will ever read.
//
// A node's looks at its own life are kept from Cassandra; everything else passes. Its lease ends, for that rests on those looks, so
// the others fence it and take its shards over: each activation there seals. The node serves on, for the lease is no matter of
// safety, and people who are connected to it are answered while their rows lie behind the seal. With the fence read not one of
// those answers leaves.

import { setTimeout as sleep } from 'node:timers/promises';
import { linksOf, membersSeenFrom, nodeAt } from '../faults.ts';
import { isLifeRead, RequestFilter } from '../requests.ts';
import type { ChaosRun } from '../run.ts';

/** Longest wait until the node is fenced: no more than one is fenced in a minute. */
const fencedMsMax = 90_000;

/** For as long it answers beside its successors. */
const besideMs = 8_000;

export async function provokeLateOwner(run: ChaosRun): Promise<void> {
  const { cluster, random } = run;
  await cluster.atRest();
  const at = random.below(cluster.nodes.length);
  const [node, other] = [nodeAt(cluster, at), nodeAt(cluster, (at + 1) % cluster.nodes.length)];
  const { cassandra } = linksOf(node);
  run.say(`keep ${node.name} from seeing whether it was fenced`);
  for (const link of cassandra) {
    const filters = new WeakMap<object, RequestFilter>();
    link.onRequests((bytes, connection) => {
      const filter =
        filters.get(connection) ?? new RequestFilter((request) => !isLifeRead(request, node.name));
      filters.set(connection, filter);
      return filter.take(bytes);
    });
  }
  const untilMs = performance.now() + fencedMsMax;
  while ((await membersSeenFrom(cluster, other)).includes(node.name) && performance.now() < untilMs)
    await sleep(200);
  run.say(`  ${other.name} has it fenced`);
  await sleep(besideMs);
  for (const link of cassandra) {
    link.onRequests(undefined);
    // A request of which a part was kept can't be finished.
    link.cut();
    link.mend({ reset: true });
  }
  run.say(`  ${node.name} may see it again`);
  await sleep(2_000);
}
