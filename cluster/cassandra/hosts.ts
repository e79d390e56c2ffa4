// Which node is asked first. Owns: nodes that left a request unanswered. Does not own: which nodes are up (the library).
//
// A node that was stopped, or whose link drops what is sent, still has its connections: until the library closes them, one
// request of three would wait for its time-out. So a node that let one pass goes to the end of every plan for a while.

import cassandra from 'cassandra-driver';
import { suspectMs } from './limits.ts';

interface Addressed {
  readonly address: string;
}

/** `host:port` of nodes that left a request unanswered, each for `suspectMs`. */
export class Suspects {
  readonly #nowMs: () => number;
  readonly #untilMs = new Map<string, number>();

  /** `nowMs`: milliseconds that never run backwards. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(address: string): void {
    this.#untilMs.set(address, this.#nowMs() + suspectMs);
  }

  /** The same nodes, those under suspicion last; lazily, for nearly always there are none. */
  order<Host extends Addressed>(plan: Iterator<Host>): Iterator<Host> {
    if (this.#untilMs.size === 0) return plan;
    const now = this.#nowMs();
    for (const [address, untilMs] of this.#untilMs) if (untilMs <= now) this.#untilMs.delete(address);
    return this.#ordered(plan);
  }

  *#ordered<Host extends Addressed>(plan: Iterator<Host>): Generator<Host, undefined> {
    const last: Host[] = [];
    for (let next = plan.next(); next.done !== true; next = plan.next()) {
      if (this.#untilMs.has(next.value.address)) last.push(next.value);
      else yield next.value;
    }
    yield* last;
  }
}

/** A replica of the home data centre first, then others of it; none elsewhere. */
export class HomeFirst extends cassandra.policies.loadBalancing.TokenAwarePolicy {
  readonly #suspects: Suspects;

  constructor(home: string, suspects: Suspects) {
    // The home data centre is named here alone: where the library itself finds that there is no such one, it leaves a
    // connection open that nothing can close.
    super(new cassandra.policies.loadBalancing.DCAwareRoundRobinPolicy(home));
    this.#suspects = suspects;
  }

  override newQueryPlan(
    keyspace: string,
    options: cassandra.ExecutionOptions,
    callback: (error: Error, plan: Iterator<cassandra.Host>) => void,
  ): void {
    super.newQueryPlan(keyspace, options, (error, plan) => {
      callback(error, error ? plan : this.#suspects.order(plan));
    });
  }
}
