// What goes wrong during a run, and when. Owns: the schedule, drawn from the seed, and that everything is healed at its
// end. Does not own: what a fault does (world/).

import type { SimRandom } from '../../runtime/testing/index.ts';
import { NO_FAULTS, REPLICA_IDS } from '../../runtime/testing/quorum/index.ts';
import type { FaultName } from './swarm.ts';
import { GOOD_BOARD } from './world/board.ts';
import type { SimNode } from './world/sim-node.ts';
import type { World } from './world/world.ts';

/** Begins a fault; the result ends it. */
type Begin = () => (() => void) | undefined;

export class Faults {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #ends = new Set<() => void>();
  #going = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  start(): void {
    this.#going = true;
    for (const [name, meanMs] of Object.entries(this.#world.swarm.faults)) {
      if (meanMs > 0) this.#plan(name as FaultName, meanMs);
    }
  }

  /** Ends everything that is going wrong. */
  heal(): void {
    this.#going = false;
    for (const end of [...this.#ends]) end();
    const world = this.#world;
    world.holds = { chance: 0, msMax: 1 };
    world.net.heal();
    world.board.rates = GOOD_BOARD;
    world.board.up();
    world.ground.cluster.healAll();
    world.keeper.staleness = 0;
    for (const node of world.nodes) {
      node.offStore = false;
      node.run?.process.resume();
      node.run?.process.setClock();
      world.keeper.undrain(node);
      if (node.run === undefined) node.start();
    }
    world.trace.note('world', 'healed');
  }

  #plan(name: FaultName, meanMs: number): void {
    this.#world.clock.after(this.#random.float() * 2 * meanMs, () => {
      if (!this.#going) return;
      this.#run(name, this.#begins[name]);
      this.#plan(name, meanMs);
    });
  }

  #run(name: FaultName, begin: Begin): void {
    const { clock, trace } = this.#world;
    const end = begin();
    if (end === undefined) return;
    trace.count(name);
    let over = false;
    const once = (): void => {
      if (over) return;
      over = true;
      this.#ends.delete(once);
      end();
    };
    this.#ends.add(once);
    clock.after(this.#lastsMs(), once);
  }

  /** Mostly short, sometimes longer than everybody's patience. */
  #lastsMs(): number {
    return this.#random.float() < 0.6 ? 50 + this.#random.below(900) : 1_000 + this.#random.below(7_000);
  }

  #node(): SimNode | undefined {
    const { running } = this.#world;
    return running[this.#random.below(running.length)];
  }

  #between(min: number, max: number): number {
    return min + this.#random.float() * (max - min);
  }

  readonly #begins: Readonly<Record<FaultName, Begin>> = {
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
      this.#world.holds = { chance: this.#between(0.01, 0.2), msMax: this.#between(20, 2_500) };
      return () => {
        this.#world.holds = { chance: 0, msMax: 1 };
      };
    },
    bad_links: () => {
      this.#world.net.rates = {
        lost: this.#between(0, 0.2),
        repeated: this.#between(0, 0.2),
        late: this.#between(0, 0.2),
        lateMsMax: this.#between(50, 6_000),
      };
      return () => {
        this.#world.net.rates = { lost: 0, repeated: 0, late: 0, lateMsMax: 0 };
      };
    },
    cut_one_way: () => this.#cut(false),
    cut_both_ways: () => this.#cut(true),
    cut_from_store: () => {
      const node = this.#node();
      const direction = ([undefined, 'requests', 'answers'] as const)[this.#random.below(3)];
      node?.cutOffStore(direction);
      this.#world.trace.note('world', `cuts ${node?.name} from the store: ${direction ?? 'both ways'}`);
      return node && (() => node.mendStore());
    },
    cut_replica: () => {
      const node = this.#node();
      const replica = REPLICA_IDS[this.#random.below(3)] ?? 0;
      if (node === undefined) return undefined;
      const { cluster } = this.#world.ground;
      cluster.cut(node.name, replica);
      return () => node.offStore || cluster.heal(node.name, replica);
    },
    replica_crash: () => {
      const { cluster } = this.#world.ground;
      const replica = REPLICA_IDS[this.#random.below(3)] ?? 0;
      if (!cluster.replicaUp(replica)) return undefined;
      cluster.crashReplica(replica);
      return () => cluster.restartReplica(replica);
    },
    power_cut: () => {
      const { cluster } = this.#world.ground;
      cluster.powerCut();
      return () => {
        for (const id of REPLICA_IDS) cluster.restartReplica(id);
      };
    },
    slow_replica: () => {
      const { cluster } = this.#world.ground;
      const replica = REPLICA_IDS[this.#random.below(3)] ?? 0;
      cluster.slow(replica, this.#between(5, 300));
      return () => cluster.slow(replica, 1);
    },
    bad_store: () => {
      const { cluster } = this.#world.ground;
      cluster.setFaults({
        lateWrite: this.#between(0, 0.3),
        lateMsMax: this.#between(500, 30_000),
        lostRequest: this.#between(0, 0.25),
        lostAnswer: this.#between(0, 0.25),
        writeTimeout: this.#between(0, 0.2),
        lostHint: this.#between(0, 0.5),
      });
      return () => cluster.setFaults({ ...NO_FAULTS, hintDelayMsMax: 10_000 });
    },
    bad_commit: () => {
      const node = this.#node();
      if (node === undefined) return undefined;
      const fates = ['refused', 'unknown_applied', 'unknown_late', 'unknown_lost', 'partial'] as const;
      const fate = fates[this.#random.below(fates.length)] ?? 'partial';
      this.#world.ground.cluster.planCommit(node.name, fate);
      return () => undefined;
    },
    clock_jump: () => {
      const run = this.#node()?.run;
      run?.process.jump(Math.floor(this.#between(-600_000, 600_000)));
      return run && (() => undefined);
    },
    false_death: () => {
      const node = this.#node();
      if (node?.incarnation === undefined) return undefined;
      this.#world.keeper.condemn(node.incarnation);
      const other = this.#node();
      if (other !== node) other?.member?.ownership.condemn(node.incarnation);
      return () => undefined;
    },
    rebalance: () => {
      this.#world.keeper.moveOne();
      return () => undefined;
    },
    stale_wishes: () => {
      this.#world.keeper.staleness = this.#between(0.3, 0.9);
      return () => {
        this.#world.keeper.staleness = 0;
      };
    },
    rolling_restart: () => this.#rollOne(),
    client_cut: () => {
      const places = this.#world.clientPlaces;
      const place = places[this.#random.below(places.length)];
      if (place === undefined) return undefined;
      const names = this.#world.nodes.map(({ name }) => name);
      for (const name of names) {
        this.#world.net.cut(place, name);
        this.#world.net.cut(name, place);
      }
      return () => {
        for (const name of names) {
          this.#world.net.mend(place, name);
          this.#world.net.mend(name, place);
        }
      };
    },
    bad_board: () => {
      this.#world.board.rates = {
        refused: this.#between(0, 0.4),
        stale: this.#between(0, 0.5),
        missed: this.#between(0, 0.5),
      };
      return () => {
        this.#world.board.rates = GOOD_BOARD;
      };
    },
    board_down: () => {
      this.#world.board.down();
      return () => this.#world.board.up();
    },
    board_forgets: () => {
      this.#world.board.forget();
      return () => undefined;
    },
    board_expires: () => {
      this.#world.board.expireAll();
      return () => undefined;
    },
  };

  #cut(both: boolean): (() => void) | undefined {
    const { nodes, net, trace } = this.#world;
    const a = nodes[this.#random.below(nodes.length)]?.name ?? '';
    const b = nodes[this.#random.below(nodes.length)]?.name ?? '';
    if (a === b) return undefined;
    net.cut(a, b);
    if (both) net.cut(b, a);
    trace.note('world', `cuts ${a} ${both ? 'and' : 'to'} ${b}`);
    return () => {
      net.mend(a, b);
      if (both) net.mend(b, a);
    };
  }

  /** Drains a node, restarts it, lets it serve again. */
  #rollOne(): (() => void) | undefined {
    const node = this.#node();
    if (node === undefined) return undefined;
    const { keeper, trace } = this.#world;
    keeper.drain(node);
    void node.member?.drain(2_000);
    return () => {
      if (keeper.drained(node)) trace.count('restarted after a drain');
      node.kill();
      node.start();
      keeper.undrain(node);
    };
  }
}
