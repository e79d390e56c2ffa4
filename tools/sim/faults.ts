// What goes wrong during a run of the simulator: the faults that any cluster has, and those of replicas, of the board and of
// clients. Owns: what the latter do. Does not own: when (world/fault-schedule.ts).

import { REPLICA_IDS } from '../../runtime/testing/quorum/index.ts';
import type { FaultName } from './swarm.ts';
import { GOOD_BOARD } from './world/board.ts';
import { commonFaults, cutNodes, falseDeath, moveOne } from './world/common-faults.ts';
import { type Begin, FaultDraws, FaultSchedule } from './world/fault-schedule.ts';
import type { World } from './world/world.ts';

const FIGURES = {
  heldMsMax: 2_500,
  envelopeLateMsMax: 6_000,
  writeLateMsMax: 30_000,
  clockOffMsMax: 600_000,
  clocksStayOff: true,
};
const LASTS_MS_MAX = 8_000;

export class Faults {
  readonly #world: World;
  readonly #draws: FaultDraws;
  readonly #schedule: FaultSchedule<FaultName>;

  constructor(world: World) {
    this.#world = world;
    this.#draws = new FaultDraws(world);
    const begins = {
      ...commonFaults(world, this.#draws, FIGURES),
      ...this.#ofNodes(),
      ...this.#ofTheFleet(),
      ...this.#ofReplicas(),
      ...this.#ofBoardAndClients(),
    };
    this.#schedule = new FaultSchedule({
      site: world,
      random: this.#draws.random,
      begins,
      meanMs: world.swarm.faults,
      lastsMsMax: LASTS_MS_MAX,
    });
  }

  start(): void {
    this.#schedule.start();
  }

  /** Ends everything that is going wrong. */
  heal(): void {
    const { board } = this.#world;
    board.rates = GOOD_BOARD;
    board.up();
    this.#schedule.heal();
    this.#world.fleet.settle();
  }

  #ofNodes() {
    const world = this.#world;
    const { keeper } = world;
    const draws = this.#draws;
    return {
      cut_one_way: () => cutNodes(world, draws, false),
      cut_both_ways: () => cutNodes(world, draws, true),
      false_death: () =>
        falseDeath(world, draws, (incarnation) => {
          const other = draws.oneOf(world.running);
          if (other?.incarnation !== incarnation) other?.run?.member?.ownership.condemn(incarnation);
        }),
      rebalance: () => moveOne(world),
      stale_wishes: () => {
        keeper.staleness = draws.between(0.3, 0.9);
        return () => {
          keeper.staleness = 0;
        };
      },
      rolling_restart: () => this.#rollOne(),
    };
  }

  /** Drains a node, restarts it, lets it serve again. */
  #rollOne(): ReturnType<Begin> {
    const { keeper, trace, running } = this.#world;
    const node = this.#draws.oneOf(running);
    if (node === undefined) return undefined;
    keeper.drain(node);
    void node.run?.member?.drain(2_000);
    return () => {
      if (keeper.drained(node)) trace.count('restarted after a drain');
      node.kill();
      node.start();
      keeper.undrain(node);
    };
  }

  #ofTheFleet() {
    const { fleet, swarm } = this.#world;
    const lasting = () => () => {};
    return {
      node_joins: () => (fleet.join() ? lasting() : undefined),
      node_leaves: () => {
        const node = this.#draws.oneOf(this.#world.running);
        return node && fleet.leave(node);
      },
      rolling_upgrade: () => (fleet.upgrade() ? lasting() : undefined),
      stranger_joins: () => (swarm.steering === 'member' ? fleet.admitStranger() : undefined),
    };
  }

  #ofReplicas() {
    const world = this.#world;
    const { cluster } = world.ground;
    const draws = this.#draws;
    const anyReplica = () => draws.oneOf(REPLICA_IDS) ?? 0;
    return {
      cut_replica: () => {
        const node = draws.node();
        const replica = anyReplica();
        if (node === undefined) return undefined;
        cluster.cut(node.name, replica);
        return () => node.offStore || cluster.heal(node.name, replica);
      },
      replica_crash: () => {
        const replica = anyReplica();
        if (!cluster.replicaUp(replica)) return undefined;
        cluster.crashReplica(replica);
        return () => cluster.restartReplica(replica);
      },
      slow_replica: () => {
        const replica = anyReplica();
        cluster.slow(replica, draws.between(5, 300));
        return () => cluster.slow(replica, 1);
      },
    };
  }

  #ofBoardAndClients() {
    const { board, net, nodes, clientPlaces } = this.#world;
    const draws = this.#draws;
    const lasting = () => undefined;
    return {
      client_cut: () => {
        const place = draws.oneOf(clientPlaces);
        if (place === undefined) return undefined;
        const names = nodes.map(({ name }) => name);
        for (const name of names) {
          net.cut(place, name);
          net.cut(name, place);
        }
        return () => {
          for (const name of names) {
            net.mend(place, name);
            net.mend(name, place);
          }
        };
      },
      bad_board: () => {
        board.rates = {
          refused: draws.between(0, 0.4),
          stale: draws.between(0, 0.5),
          missed: draws.between(0, 0.5),
        };
        return () => {
          board.rates = GOOD_BOARD;
        };
      },
      board_down: () => {
        board.down();
        return () => board.up();
      },
      board_forgets: () => {
        board.forget();
        return lasting;
      },
      board_expires: () => {
        board.expireAll();
        return lasting;
      },
    };
  }
}
