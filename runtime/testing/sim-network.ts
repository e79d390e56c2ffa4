// Nodes of one process that talk by envelopes. Owns: which node is told to serve which shard, the carrying of envelopes,
// their count, and their loss. Does not own: who may really serve a shard (SimOwnership).

import { StarlingError } from '../errors.ts';
import type { Directory, Transport } from '../ports/transport.ts';

type Handler = (envelope: Uint8Array) => Promise<Uint8Array>;

/** What happens to one envelope. */
export type EnvelopeFate =
  | 'carried'
  | 'lost'
  | 'answer_lost'
  | 'twice'
  /** Carried at once; its answer comes when this resolves. */
  | { readonly answerAfter: Promise<unknown> };

/** A network without delay: an envelope arrives in a later microtask. */
export class SimNetwork implements Directory {
  readonly #handlers = new Map<string, Handler>();
  readonly #nodes: readonly string[];
  readonly #moved = new Map<number, string>();
  readonly #sent: { from: string; to: string }[] = [];
  #fate: (from: string, to: string) => EnvelopeFate = () => 'carried';

  /** Shards are served by the nodes in turn: shard s by node s modulo their number. */
  constructor(nodes: readonly string[]) {
    this.#nodes = nodes;
  }

  nodeOf(shard: number): string | undefined {
    return this.#moved.get(shard) ?? this.#nodes[shard % this.#nodes.length];
  }

  /** Says from now on that another node serves a shard. */
  moveShard(shard: number, node: string): void {
    this.#moved.set(shard, node);
  }

  /** Envelopes sent so far. */
  get sent(): readonly { readonly from: string; readonly to: string }[] {
    return this.#sent;
  }

  /** Decides what happens to envelopes from now on. */
  decide(fate: (from: string, to: string) => EnvelopeFate): void {
    this.#fate = fate;
  }

  /** The transport of one node. */
  transportOf(node: string): Transport {
    return {
      request: (to, envelope) => this.#carry(node, to, envelope),
      serve: (handler) => {
        this.#handlers.set(node, handler);
      },
    };
  }

  async #carry(from: string, to: string, envelope: Uint8Array): Promise<Uint8Array> {
    this.#sent.push({ from, to });
    const handler = this.#handlers.get(to);
    if (handler === undefined) throw new StarlingError('NOT_OWNER', `There is no node ${to}.`);
    const fate = this.#fate(from, to);
    await Promise.resolve();
    if (fate === 'lost') throw new StarlingError('OUTCOME_UNKNOWN', 'The envelope was lost.');
    if (fate === 'twice') await handler(envelope.slice());
    const answer = await handler(envelope.slice());
    if (typeof fate === 'object') await fate.answerAfter;
    if (fate === 'answer_lost') throw new StarlingError('OUTCOME_UNKNOWN', 'The answer was lost.');
    return answer;
  }
}
