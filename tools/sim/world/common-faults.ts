// Faults that any cluster has, whatever runs on it: of nodes, links, storage, and of who says where shards go. Owns: what
// each does. Does not own: when (fault-schedule.ts).

import { NO_FAULTS, REPLICA_IDS } from '../../../runtime/testing/quorum/index.ts';
import type { Begin, FaultDraws } from './fault-schedule.ts';
import { CALM } from './net.ts';
import { NO_HOLDS, type Site } from './site.ts';

/** How far they go at most, milliseconds. */
export interface FaultFigures {
  readonly heldMsMax: number;
  readonly envelopeLateMsMax: number;
  readonly writeLateMsMax: number;
  readonly clockOffMsMax: number;
  /** Clocks are set right only when everything is healed. */
  readonly clocksStayOff: boolean;
}

export type CommonFault =
  | 'kill'
  | 'pause'
  | 'hold'
  | 'bad_links'
  | 'cut_from_store'
  | 'bad_store'
  | 'bad_commit'
  | 'power_cut'
  | 'clock_jump';

const LASTING = (): void => {};

export function commonFaults(
  site: Site,
  draws: FaultDraws,
  figures: FaultFigures,
): Readonly<Record<CommonFault, Begin>> {
  const { net, trace } = site;
  const { cluster } = site.ground;
  return {
    kill: () => {
      const node = draws.node();
      node?.kill();
      return node && (() => node.start());
    },
    pause: () => {
      const run = draws.node()?.run;
      run?.process.pause();
      return run && (() => run.process.resume());
    },
    hold: () => {
      site.holds = { chance: draws.between(0.01, 0.2), msMax: draws.between(20, figures.heldMsMax) };
      return () => {
        site.holds = NO_HOLDS;
      };
    },
    bad_links: () => {
      net.rates = {
        lost: draws.between(0, 0.2),
        repeated: draws.between(0, 0.2),
        late: draws.between(0, 0.2),
        lateMsMax: draws.between(50, figures.envelopeLateMsMax),
      };
      return () => {
        net.rates = CALM;
      };
    },
    cut_from_store: () => {
      const node = draws.node();
      const direction = draws.oneOf([undefined, 'requests', 'answers'] as const);
      node?.cutOffStore(direction);
      trace.note('world', `cuts ${node?.name} from the store: ${direction ?? 'both ways'}`);
      return node && (() => node.mendStore());
    },
    bad_store: () => {
      cluster.setFaults({
        lateWrite: draws.between(0, 0.3),
        lateMsMax: draws.between(500, figures.writeLateMsMax),
        lostRequest: draws.between(0, 0.25),
        lostAnswer: draws.between(0, 0.25),
        writeTimeout: draws.between(0, 0.2),
        lostHint: draws.between(0, 0.5),
      });
      return () => cluster.setFaults(NO_FAULTS);
    },
    bad_commit: () => {
      const node = draws.node();
      if (node === undefined) return undefined;
      const fates = ['refused', 'unknown_applied', 'unknown_late', 'unknown_lost', 'partial'] as const;
      cluster.planCommit(node.name, draws.oneOf(fates) ?? 'partial');
      return LASTING;
    },
    power_cut: () => {
      cluster.powerCut();
      return () => {
        for (const id of REPLICA_IDS) cluster.restartReplica(id);
      };
    },
    clock_jump: () => {
      const run = draws.node()?.run;
      run?.process.jump(Math.floor(draws.between(-figures.clockOffMsMax, figures.clockOffMsMax)));
      return run && (() => figures.clocksStayOff || run.process.setClock());
    },
  };
}

/** Two nodes do not hear each other, in one direction or both. */
export function cutNodes({ nodes, net, trace }: Site, draws: FaultDraws, both: boolean): ReturnType<Begin> {
  const a = draws.oneOf(nodes)?.name ?? '';
  const b = draws.oneOf(nodes)?.name ?? '';
  if (a === b) return undefined;
  net.cut(a, b);
  if (both) net.cut(b, a);
  trace.note('world', `cuts ${a} ${both ? 'and' : 'to'} ${b}`);
  return () => {
    net.mend(a, b);
    if (both) net.mend(b, a);
  };
}

/** The keeper gives a shard to another node. */
export function moveOne({ keeper }: Site): () => void {
  keeper.moveOne();
  return LASTING;
}

/** A node that lives is believed dead: by the keeper, and by whoever else `tell` names. */
export function falseDeath(
  { keeper }: Site,
  draws: FaultDraws,
  tell: (incarnation: string) => void = () => {},
): ReturnType<Begin> {
  const incarnation = draws.node()?.incarnation;
  if (incarnation === undefined) return undefined;
  keeper.condemn(incarnation);
  tell(incarnation);
  return LASTING;
}
