// What goes wrong during a history, and when. Owns: the schedule, drawn from the seed, and that everything is healed at
// its end.

import { NO_FAULTS, REPLICA_IDS } from '../../../runtime/testing/quorum/index.ts';
import type { SimRandom } from '../../../runtime/testing/sim-random.ts';
import { CALM } from '../world/net.ts';
import type { AuthorCluster } from './cluster.ts';
import type { AuthorNode } from './node.ts';
import { AUTHOR_FAULTS, type AuthorFault } from './swarm.ts';

/** How far the wall clock of a node is off, while it is. */
const CLOCK_OFF_MS_MAX = 20_000;

/** Begins a fault; the result ends it. Undefined: it did not happen. */
type Begin = () => (() => void) | undefined;

export class AuthorFaults {
  readonly #cluster: AuthorCluster;
  readonly #random: SimRandom;
  readonly #ends = new Set<() => void>();
  #going = false;

  constructor(cluster: AuthorCluster) {
    this.#cluster = cluster;
    this.#random = cluster.random.fork();
  }

  start(): void {
    this.#going = true;
    for (const name of AUTHOR_FAULTS) this.#plan(name, this.#cluster.swarm.faults[name]);
  }

  /** Ends everything that goes wrong, and starts what is down. */
  heal(): void {
    this.#going = false;
    for (const end of [...this.#ends]) end();
    const { net, ground, nodes, trace } = this.#cluster;
    this.#cluster.holds = { chance: 0, msMax: 1 };
    net.heal();
    ground.cluster.healAll();
    for (const node of nodes) {
      node.offStore = false;
      node.run?.process.resume();
      if (node.run === undefined) node.start();
    }
    trace.note('world', 'healed');
  }

  #plan(name: AuthorFault, meanMs: number): void {
    if (meanMs === 0) return;
    this.#cluster.clock.after(this.#random.float() * 2 * meanMs, () => {
      if (!this.#going) return;
      this.#run(name, this.#begins[name]);
      this.#plan(name, meanMs);
    });
  }

  #run(name: AuthorFault, begin: Begin): void {
    const { clock, trace } = this.#cluster;
    const end = begin();
    if (end === undefined) return;
    trace.count(name);
    trace.note('world', name);
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    clock.after(this.#lastsMs(), once);
  }

  /** Mostly short, sometimes longer than everybody's patience. */
  #lastsMs(): number {
    return this.#random.float() < 0.6 ? 50 + this.#random.below(900) : 1_000 + this.#random.below(4_000);
  }

  #node(): AuthorNode | undefined {
    const { running } = this.#cluster;
    return running[this.#random.below(Math.max(1, running.length))];
  }

  #between(min: number, max: number): number {
    return min + this.#random.float() * (max - min);
  }

  readonly #begins: Readonly<Record<AuthorFault, Begin>> = {
    kill: () => {
      const node = this.#node();
      node?.kill();
      return node && (() => node.run === undefined && node.start());
    },
    pause: () => {
      const run = this.#node()?.run;
      run?.process.pause();
      return run && (() => run.process.resume());
    },
    hold: () => {
      this.#cluster.holds = { chance: this.#between(0.01, 0.2), msMax: this.#between(20, 2_000) };
      return () => {
        this.#cluster.holds = { chance: 0, msMax: 1 };
      };
    },
    bad_links: () => {
      this.#cluster.net.rates = {
        lost: this.#between(0, 0.2),
        repeated: this.#between(0, 0.2),
        late: this.#between(0, 0.2),
        lateMsMax: this.#between(50, 4_000),
      };
      return () => {
        this.#cluster.net.rates = CALM;
      };
    },
    cut: () => this.#cut(),
    cut_from_store: () => {
      const node = this.#node();
      node?.cutOffStore();
      return node && (() => node.mendStore());
    },
    bad_store: () => {
      const { cluster } = this.#cluster.ground;
      cluster.setFaults({
        lateWrite: this.#between(0, 0.3),
        lateMsMax: this.#between(500, 20_000),
        lostRequest: this.#between(0, 0.25),
        lostAnswer: this.#between(0, 0.25),
        writeTimeout: this.#between(0, 0.2),
        lostHint: this.#between(0, 0.5),
      });
      return () => cluster.setFaults(NO_FAULTS);
    },
    bad_commit: () => {
      const node = this.#node();
      if (node === undefined) return undefined;
      const fates = ['refused', 'unknown_applied', 'unknown_late', 'unknown_lost', 'partial'] as const;
      const fate = fates[this.#random.below(fates.length)] ?? 'partial';
      this.#cluster.ground.cluster.planCommit(node.name, fate);
      return () => undefined;
    },
    power_cut: () => {
      const { cluster } = this.#cluster.ground;
      cluster.powerCut();
      return () => {
        for (const id of REPLICA_IDS) cluster.restartReplica(id);
      };
    },
    clock_jump: () => {
      const run = this.#node()?.run;
      const byMs = Math.floor(this.#between(-CLOCK_OFF_MS_MAX, CLOCK_OFF_MS_MAX));
      run?.process.jump(byMs);
      return run && (() => run.process.jump(-byMs));
    },
    false_death: () => {
      const incarnation = this.#node()?.incarnation;
      if (incarnation === undefined) return undefined;
      this.#cluster.condemn(incarnation);
      return () => undefined;
    },
    move: () => {
      this.#cluster.moveOne();
      return () => undefined;
    },
  };

  #cut(): (() => void) | undefined {
    const { nodes, net } = this.#cluster;
    const a = nodes[this.#random.below(nodes.length)]?.name ?? '';
    const b = nodes[this.#random.below(nodes.length)]?.name ?? '';
    if (a === b) return undefined;
    const both = this.#random.float() < 0.5;
    net.cut(a, b);
    if (both) net.cut(b, a);
    return () => {
      net.mend(a, b);
      if (both) net.mend(b, a);
    };
  }
}
