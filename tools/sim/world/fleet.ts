// Which nodes there are: some join, some are drained and removed for good, all are replaced one by one by those of the next
// build, and some that do not fit try to come in. Owns: their names and builds. Does not own: when that happens (faults.ts).
//
// F1  A node that was removed never starts again, and no name is used for two nodes.
// F2  Nodes of two builds run together only if these are neighbours: a node that fits them all and is refused is a
//     failure (rule 12 of the safety protocol).

import type { JoinRefusal } from '../../../cluster/membership/index.ts';
import type { SimRandom } from '../../../runtime/testing/index.ts';
import { type SimNode, simNode } from './sim-node.ts';
import type { World } from './world.ts';

/** So many run at once, at most. */
const NODES_MAX = 6;
/** So many are left, at least. */
const NODES_MIN = 2;
/** A node that ends in order has so long, milliseconds. */
const STOP_MS_MAX = 2_000;
const GRACE_MS = 500;
/** How many builds a node is ahead that does not fit. */
const STRANGER_AHEAD = 20;
/** Between an end and the start that follows, milliseconds. */
const REPLACE_MS = 150;

export interface Wire {
  readonly min: number;
  readonly max: number;
}

/** Versions that a build speaks: 1, then 1 and 2, then 2, then 2 and 3, … Neighbours understand each other, others do not. */
export function wireOf(build: number): Wire {
  return { min: 1 + Math.floor(build / 2), max: 1 + Math.ceil(build / 2) };
}

export class Fleet {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #builds = new Map<string, number>();
  readonly #leaving = new Set<SimNode>();
  /** Nodes that do not fit and try to join, by name. */
  readonly #strangers = new Map<string, SimNode>();
  #named = 0;
  /** How often a node was refused that does not fit. */
  strangersRefused = 0;
  /** What nodes are to run. */
  #build = 0;
  /** Nodes that do not run it yet, in order. */
  #outdated: SimNode[] = [];
  #upgrading = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  /** A node that was never there. */
  make(): SimNode {
    this.#named += 1;
    return this.#make(`n${this.#named}`, this.#build);
  }

  /** Whoever listens under a name, whether it belongs to the cluster or not. */
  named(name: string): SimNode | undefined {
    return this.#world.nodes.find((node) => node.name === name) ?? this.#strangers.get(name);
  }

  wireOf({ name }: SimNode): Wire {
    return wireOf(this.#builds.get(name) ?? 0);
  }

  // ---- joining and leaving ----------------------------------------------------------------------------------------

  /** A further node joins; false: there are enough. */
  join(): boolean {
    const { nodes, keeper, trace } = this.#world;
    if (nodes.length >= NODES_MAX) return false;
    const node = this.make();
    nodes.push(node);
    node.start();
    keeper.spreadTo(node);
    trace.note('world', `${node.name} joins`);
    return true;
  }

  /** Counts those that joined and serve something. */
  countServing(): void {
    const { nodes, swarm, trace } = this.#world;
    const first = new Set(Array.from({ length: swarm.nodes }, (_, i) => `n${i + 1}`));
    const serving = nodes.filter(({ name, ownership }) => !first.has(name) && ownership?.served().length);
    trace.count('node that joined serves at the end', serving.length);
  }

  /** Drains a node; what is returned removes it for good. Undefined: the others would be too few. */
  leave(node: SimNode): (() => void) | undefined {
    const { nodes, keeper } = this.#world;
    if (nodes.length - this.#leaving.size <= NODES_MIN || this.#leaving.has(node)) return undefined;
    this.#leaving.add(node);
    this.#drain(node);
    return () => {
      const { trace } = this.#world;
      this.#leaving.delete(node);
      trace.count(keeper.drained(node) ? 'removed after a drain' : 'removed before it was drained');
      trace.note('world', `${node.name} is removed for good`);
      node.retire();
      nodes.splice(nodes.indexOf(node), 1);
      this.#outdated = this.#outdated.filter((other) => other !== node);
      keeper.undrain(node);
      this.#stop(node);
    };
  }

  #drain(node: SimNode): void {
    this.#world.keeper.drain(node);
    const run = node.run;
    run?.process.enter(() => void run.member?.drain(STOP_MS_MAX));
  }

  /** Ends its process as its program does: its actors, its claims, its lease; or at once when that takes too long. */
  #stop(node: SimNode): void {
    const { clock, trace } = this.#world;
    const run = node.run;
    if (run === undefined) return;
    const { process, runtime, member } = run;
    const over = (how: string): void => {
      if (process.killed) return;
      trace.count(how);
      process.kill();
    };
    process.enter(() => {
      const stopped = runtime.stop(GRACE_MS).then(() => member?.stop());
      void stopped.then(() => over('stopped in order'));
    });
    clock.after(STOP_MS_MAX, () => over('stopped at once'));
  }

  // ---- builds -----------------------------------------------------------------------------------------------------

  /** Begins to replace all nodes by those of the next build, one after the other; false: the last time is not over. */
  upgrade(): boolean {
    if (this.#upgrading) return false;
    this.#upgrading = true;
    this.#build += 1;
    const { min, max } = wireOf(this.#build);
    this.#world.trace.note('world', `from now on nodes speak ${min} to ${max}`);
    this.#outdated = [...this.#world.nodes];
    this.#replaceNext(this.#build);
    return true;
  }

  /** Replaces at once whatever is outdated. */
  settle(): void {
    for (const node of this.#outdated.splice(0)) {
      node.kill();
      this.#install(node);
      node.start();
    }
  }

  /** `build`: for which it goes on; a later one has a round of its own. */
  #replaceNext(build: number): void {
    const { clock, keeper, trace } = this.#world;
    const [node] = this.#outdated;
    if (build !== this.#build) return;
    if (node === undefined) {
      trace.count('all nodes run the next build');
      this.#upgrading = false;
      return;
    }
    this.#drain(node);
    clock.after(200 + this.#random.below(STOP_MS_MAX), () => {
      // It may have been removed meanwhile, or everything settled.
      if (this.#outdated[0] !== node) {
        this.#replaceNext(build);
        return;
      }
      if (keeper.drained(node)) trace.count('upgraded after a drain');
      this.#outdated.shift();
      this.#install(node);
      this.#stop(node);
      clock.after(STOP_MS_MAX + REPLACE_MS, () => {
        node.start();
        keeper.undrain(node);
        this.#replaceNext(build);
      });
    });
  }

  /** It runs the build of now from its next start on, whoever starts it. */
  #install(node: SimNode): void {
    this.#builds.set(node.name, this.#build);
    this.#world.trace.count('node upgraded');
  }

  // ---- who does not fit -------------------------------------------------------------------------------------------

  /** A node many builds ahead tries to join, again and again; what is returned ends it. */
  admitStranger(): () => void {
    const stranger = this.#make(`x${this.#strangers.size + 1}`, this.#build + STRANGER_AHEAD);
    this.#strangers.set(stranger.name, stranger);
    stranger.start();
    return () => this.#dismiss(stranger);
  }

  /** F2. */
  refused({ name }: SimNode, { kind, message }: JoinRefusal): void {
    const { trace, recorder } = this.#world;
    if (this.#strangers.has(name)) {
      if (kind === 'wire-version') this.strangersRefused += 1;
      trace.count(kind === 'wire-version' ? 'node that does not fit refused' : `node refused: ${kind}`);
      return;
    }
    // Strangers may have come in where the board showed nobody, and then they are in the way of who fits.
    const stranger = [...this.#strangers.keys()].some((other) => message.includes(`node ${other} `));
    if (!stranger) recorder.fail('rule 12', `${name} fits and may not join: ${message}`);
  }

  #dismiss(stranger: SimNode): void {
    if ((stranger.ownership?.served().length ?? 0) > 0) this.#world.trace.count('stranger had come in');
    stranger.retire();
    stranger.kill();
  }

  #make(name: string, build: number): SimNode {
    this.#builds.set(name, build);
    return simNode(this.#world, name);
  }
}
