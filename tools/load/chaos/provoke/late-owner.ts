// What shows that outputs do not wait for a fence read (rule 8 of the safety protocol): an owner that was fenced and does not know
// it answers for rows that nobody will ever read.
//
// A node's looks at its own life are kept from Cassandra; everything else passes. Its lease ends, for that rests on those looks, so
// the others fence it and take its shards over: each activation there seals. The node serves on, for the lease is no matter of
// safety, and people who are connected to it are answered while their rows lie behind the seal. With the fence read not one of
// those answers leaves.

import { setTimeout as sleep } from 'node:timers/promises';
import { isRelieved, linksOf, nodeAt } from '../faults.ts';
import { isLifeRead, RequestFilter } from '../requests.ts';
import type { ChaosRun } from '../run.ts';

/** Longest wait until others serve its shards: no more than one node is fenced in a minute. */
const relievedMsMax = 90_000;

/** For as long it answers beside its successors. */
const besideMs = 8_000;

export async function provokeLateOwner(run: ChaosRun): Promise<void> {
  const { cluster, random } = run;
  await run.rest();
  const at = random.below(cluster.nodes.length);
  const [node, other] = [nodeAt(cluster, at), nodeAt(cluster, (at + 1) % cluster.nodes.length)];
  const { cassandra } = linksOf(node);
  run.say(`keep ${node.name} from seeing whether it was fenced`);
  let hidden = true;
  const passes = (request: Buffer): boolean => !(hidden && isLifeRead(request, node.name));
  for (const link of cassandra) {
    const filters = new WeakMap<object, RequestFilter>();
    link.onRequests((bytes, connection) => {
      const filter = filters.get(connection) ?? new RequestFilter(passes);
      filters.set(connection, filter);
      return filter.take(bytes);
    });
  }
  const untilMs = performance.now() + relievedMsMax;
  while (!(await isRelieved(cluster, other, node.name)) && performance.now() < untilMs) await sleep(200);
  run.say(`  ${other.name} has its shards served without it`);
  await sleep(besideMs);
  // The filters stay: they may have a part of a request.
  hidden = false;
  run.say(`  ${node.name} may see it again`);
  await sleep(2_000);
}
