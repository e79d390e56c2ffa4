// When things go wrong. Owns: the schedule, drawn from the seed, and that everything that began is ended. Does not own: what
// a fault does.

import type { SimRandom } from '../../../runtime/testing/index.ts';
import { NO_HOLDS, type Site, type SiteNode } from './site.ts';

/** Begins a fault; the result ends it. Undefined: it did not happen. */
export type Begin = () => (() => void) | undefined;

export interface FaultScheduleOptions<Name extends string> {
  readonly site: Site;
  readonly random: SimRandom;
  readonly begins: Readonly<Record<Name, Begin>>;
  /** Mean time between two faults of each kind, milliseconds; 0 = off. */
  readonly meanMs: Readonly<Record<Name, number>>;
  /** How long the longest ones last, milliseconds. */
  readonly lastsMsMax: number;
}

export class FaultSchedule<Name extends string> {
  readonly #options: FaultScheduleOptions<Name>;
  readonly #ends = new Set<() => void>();
  #going = false;

  constructor(options: FaultScheduleOptions<Name>) {
    this.#options = options;
  }

  start(): void {
    this.#going = true;
    const { begins, meanMs } = this.#options;
    for (const name of Object.keys(begins) as Name[]) if (meanMs[name] > 0) this.#plan(name);
  }

  /** Ends everything that goes wrong, and starts what is down. */
  heal(): void {
    this.#going = false;
    for (const end of [...this.#ends]) end();
    const { site } = this.#options;
    site.holds = NO_HOLDS;
    site.net.heal();
    site.ground.cluster.healAll();
    site.keeper.staleness = 0;
    for (const node of site.nodes) {
      node.offStore = false;
      node.run?.process.resume();
      node.run?.process.setClock();
      site.keeper.undrain(node);
      node.start();
    }
    site.trace.note('world', 'healed');
  }

  #plan(name: Name): void {
    const { site, random, meanMs } = this.#options;
    site.clock.after(random.float() * 2 * meanMs[name], () => {
      if (!this.#going) return;
      this.#run(name);
      this.#plan(name);
    });
  }

  #run(name: Name): void {
    const { clock, trace } = this.#options.site;
    const end = this.#options.begins[name]();
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
    const { random, lastsMsMax } = this.#options;
    return random.float() < 0.6 ? 50 + random.below(900) : 1_000 + random.below(lastsMsMax - 1_000);
  }
}

/** Draws of faults: whom they meet, and how hard. */
export class FaultDraws {
  readonly random: SimRandom;
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
    this.random = site.random.fork();
  }

  /** A node that runs. */
  node(): SiteNode | undefined {
    return this.oneOf(this.#site.running);
  }

  oneOf<T>(items: readonly T[]): T | undefined {
    return items[this.random.below(Math.max(1, items.length))];
  }

  between(min: number, max: number): number {
    return min + this.random.float() * (max - min);
  }
}
