// Who should serve what, as a careless operator would say it: it moves shards at random, believes nodes dead that are
// not, and tells each node something else. Safety must hold whatever it says. Owns: wishes. Does not own: who serves.

import type { Want } from '../../../cluster/ownership/index.ts';
import type { SimRandom } from '../../../runtime/testing/index.ts';
import type { Site, SiteNode } from './site.ts';

const TICK_MS = 250;
/** A node that is out of reach for so long is believed dead, milliseconds. */
const PATIENCE_MS = 1_500;

export class Keeper {
  readonly #site: Site;
  readonly #random: SimRandom;
  /** Node of each shard; one that was removed is as none. */
  readonly #wishes: (SiteNode | undefined)[];
  readonly #condemned = new Set<string>();
  /** Nodes that are to serve nothing. */
  readonly #draining = new Set<SiteNode>();
  /** Milliseconds since which a node has been out of reach. */
  readonly #silentSince = new Map<SiteNode, number>();
  #swept = 0;
  /** Nodes believe what was said some time ago, with this likelihood. */
  staleness = 0;

  constructor(site: Site) {
    this.#site = site;
    this.#random = site.random.fork();
    this.#wishes = Array.from({ length: site.shards }, (_, shard) => site.nodes[shard % site.nodes.length]);
  }

  start(): void {
    this.#site.clock.after(TICK_MS, () => {
      this.#tick();
      this.start();
    });
  }

  /** Gives a shard to another node. */
  moveOne(): void {
    const { nodes } = this.#site;
    this.#wishes[this.#random.below(this.#wishes.length)] = nodes[this.#random.below(nodes.length)];
  }

  /** Gives a node its share, as the plan does for one that joined. */
  spreadTo(node: SiteNode): void {
    const share = Math.floor(this.#wishes.length / this.#site.nodes.length);
    for (let i = 0; i < share; i++) this.#wishes[this.#random.below(this.#wishes.length)] = node;
  }

  drain(node: SiteNode): void {
    this.#draining.add(node);
    this.#site.trace.note('keeper', `drains ${node.name}`);
  }

  drained(node: SiteNode): boolean {
    return this.#wishes.every((_, shard) => !node.serves(shard));
  }

  undrain(node: SiteNode): void {
    this.#draining.delete(node);
  }

  /** Believes a run of a node dead, whatever it is. */
  condemn(incarnation: string): void {
    if (this.#condemned.has(incarnation)) return;
    this.#condemned.add(incarnation);
    this.#site.trace.note('keeper', `believes ${incarnation} dead`);
  }

  /** Every shard is served by somebody. */
  get complete(): boolean {
    return this.#wishes.every((_, shard) => this.#site.nodes.some((node) => node.serves(shard)));
  }

  /** The node that should serve a shard: a hint for who looks for it. */
  wishOf(shard: number): SiteNode | undefined {
    const { nodes } = this.#site;
    const wish = this.#wishes[shard];
    if (wish !== undefined && this.#fit(wish)) return wish;
    const fit = nodes.filter((node) => this.#fit(node));
    return fit[shard % Math.max(1, fit.length)];
  }

  #fit(node: SiteNode): boolean {
    const { incarnation } = node;
    if (!this.#site.nodes.includes(node)) return false;
    return incarnation !== undefined && !this.#condemned.has(incarnation) && !this.#draining.has(node);
  }

  #tick(): void {
    const { nodes, clock } = this.#site;
    for (const node of nodes) {
      if (node.up && !node.offStore) this.#silentSince.delete(node);
      else if (!this.#silentSince.has(node)) this.#silentSince.set(node, clock.monotonic());
      const since = this.#silentSince.get(node);
      const { incarnation } = node;
      const lost = since !== undefined && clock.monotonic() - since > PATIENCE_MS;
      if (incarnation !== undefined && lost) this.condemn(incarnation);
    }
    for (const incarnation of this.#site.dead) this.condemn(incarnation);
    this.#swept = (this.#swept + 1) % this.#wishes.length;
    for (const node of nodes) {
      if (node.ownership === undefined || !node.up || this.#random.float() < this.staleness) continue;
      for (const incarnation of this.#condemned) node.ownership.condemn(incarnation);
      node.ownership.want((shard) => this.#wantOf(node, shard));
      // As a member does: in turn, it looks for rows that name it though nobody said so.
      node.ownership.look(this.#swept);
    }
  }

  #wantOf(node: SiteNode, shard: number): Want {
    const wish = this.wishOf(shard);
    if (wish === node) return { kind: 'hold' };
    const to = wish?.incarnation;
    return to === undefined ? { kind: 'keep' } : { kind: 'give', to };
  }
}
