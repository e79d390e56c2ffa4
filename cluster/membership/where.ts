// Who serves a shard, as far as heard: the directory of calls. A hint (see runtime/ports/transport.ts).

import type { Directory } from '../../runtime/index.ts';
import type { MemberRecord } from './record.ts';

export interface WhereOptions {
  readonly node: string;
  /** Its host, if it shares one. */
  readonly host: string | undefined;
  /** Whether this node serves a shard itself. */
  readonly servesHere: (shard: number) => boolean;
  /** The node that the placement wants. */
  readonly desired: (shard: number) => string | undefined;
}

/** Built from what members say they serve, mended by who was asked in vain. */
export class Where implements Directory {
  readonly #options: WhereOptions;
  /** Servers by shard, as announced. */
  #servers = new Map<number, string[]>();
  /** Named by an answer, until the announcements change. */
  readonly #named = new Map<number, string>();
  /** Nodes that are members, and their hosts. */
  #nodes = new Map<string, string | undefined>();

  constructor(options: WhereOptions) {
    this.#options = options;
  }

  nodeOf(shard: number): string | undefined {
    const { node, servesHere, desired } = this.#options;
    if (servesHere(shard)) return node;
    const named = this.#named.get(shard);
    if (named !== undefined) return named;
    const wanted = desired(shard);
    const servers = this.#servers.get(shard) ?? [];
    if (wanted !== undefined && servers.includes(wanted)) return wanted;
    return servers[0] ?? (wanted !== undefined && this.#nodes.has(wanted) ? wanted : undefined);
  }

  hostOf(node: string): string | undefined {
    return node === this.#options.node ? this.#options.host : this.#nodes.get(node);
  }

  /** `node` answered NOT_OWNER; `owner`: whom it named instead. */
  notOwner(shard: number, node: string, owner?: string): void {
    const servers = this.#servers.get(shard);
    if (servers !== undefined)
      this.#servers.set(
        shard,
        servers.filter((each) => each !== node),
      );
    if (owner !== undefined && owner !== node && this.#nodes.has(owner)) this.#named.set(shard, owner);
    else if (this.#named.get(shard) === node) this.#named.delete(shard);
  }

  /** A shard was given away. */
  given(shard: number, node: string): void {
    this.#named.set(shard, node);
  }

  /** What the other members announce now. */
  update(records: readonly MemberRecord[]): void {
    const servers = new Map<number, string[]>();
    for (const { node, serving } of records) {
      for (const shard of serving) {
        const known = servers.get(shard);
        if (known === undefined) servers.set(shard, [node]);
        else known.push(node);
      }
    }
    this.#servers = servers;
    this.#nodes = new Map(records.map(({ node, host }) => [node, host]));
    this.#named.clear();
  }
}
