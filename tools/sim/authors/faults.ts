// What goes wrong during a history of an author's actors: the faults of the simulator that need no more than nodes, links
// and storage, with smaller figures, since a history is shorter.

import { commonFaults, cutNodes, falseDeath, moveOne } from '../world/common-faults.ts';
import { FaultDraws, FaultSchedule } from '../world/fault-schedule.ts';
import type { AuthorCluster } from './cluster.ts';
import type { AuthorFault } from './swarm.ts';

const FIGURES = {
  heldMsMax: 2_000,
  envelopeLateMsMax: 4_000,
  writeLateMsMax: 20_000,
  clockOffMsMax: 20_000,
  clocksStayOff: false,
};
const LASTS_MS_MAX = 5_000;

export function authorFaults(cluster: AuthorCluster): FaultSchedule<AuthorFault> {
  const draws = new FaultDraws(cluster);
  return new FaultSchedule({
    site: cluster,
    random: draws.random,
    begins: {
      ...commonFaults(cluster, draws, FIGURES),
      cut: () => cutNodes(cluster, draws, draws.random.float() < 0.5),
      false_death: () => falseDeath(cluster, draws),
      move: () => moveOne(cluster),
    },
    meanMs: cluster.swarm.faults,
    lastsMsMax: LASTS_MS_MAX,
  });
}
