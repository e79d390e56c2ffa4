// A shard table of one process, and a host that remembers, for tests. Owns: the promises O1 to O4 in their simplest form
// and a script of faults. Does not own: replicas.

import {
  type ShardHost,
  type ShardOwner,
  type ShardTable,
  StarlingError,
  type SwapResult,
} from '../../../runtime/index.ts';

/** What becomes of one call: it works, is refused, or is not answered though it did or did not take effect. */
export type Fault = 'refused' | 'lost' | 'unanswered';

/** Keeps rows and marks in memory. Each call takes effect when it is made and answers in a later task. */
export class ModelTable implements ShardTable {
  readonly rows = new Map<number, ShardOwner>();
  readonly lives = new Map<string, 'live' | 'fenced'>();
  /** Every call so far, in order. */
  readonly calls: string[] = [];
  /** Decides what becomes of a call. */
  faultOf: (call: string) => Fault | undefined = () => undefined;

  async markLive(incarnation: string): Promise<void> {
    await this.#call(`live ${incarnation}`, () => {
      if (!this.lives.has(incarnation)) this.lives.set(incarnation, 'live');
    });
  }

  async fence(incarnation: string): Promise<void> {
    await this.#call(`fence ${incarnation}`, () => this.lives.set(incarnation, 'fenced'));
  }

  async readLife(incarnation: string): Promise<'live' | 'fenced'> {
    return this.#call(`life ${incarnation}`, () => this.lives.get(incarnation) ?? 'fenced');
  }

  async readOwner(shard: number): Promise<ShardOwner | undefined> {
    return this.#call(`read ${shard}`, () => this.rows.get(shard));
  }

  async swap(shard: number, from: ShardOwner | undefined, to: ShardOwner): Promise<SwapResult> {
    return this.#call(`swap ${shard} ${text(from)} ${text(to)}`, () => {
      const found = this.rows.get(shard);
      if (text(found) !== text(from)) return { applied: false, found };
      this.rows.set(shard, to);
      return { applied: true };
    });
  }

  async #call<T>(call: string, effect: () => T): Promise<T> {
    this.calls.push(call);
    const fault = this.faultOf(call);
    if (fault === 'refused' || fault === 'lost') {
      await Promise.resolve();
      throw new StarlingError(fault === 'refused' ? 'OVERLOADED' : 'OUTCOME_UNKNOWN');
    }
    const result = effect();
    await Promise.resolve();
    if (fault === 'unanswered') throw new StarlingError('OUTCOME_UNKNOWN');
    return result;
  }
}

/** `epoch/owner`, or `-` for no row. */
export function text(row: ShardOwner | undefined): string {
  return row === undefined ? '-' : `${row.epoch}/${row.owner}`;
}

/** A host that notes what it is told; drains end when a test says so. */
export class NotingHost implements ShardHost {
  readonly notes: string[] = [];
  readonly #drains = new Map<number, () => void>();
  #holding = false;

  /** From now on a drain waits for `release`. */
  hold(): void {
    this.#holding = true;
  }

  /** Ends the drain of a shard. */
  release(shard: number): void {
    this.#drains.get(shard)?.();
    this.#drains.delete(shard);
  }

  async shardTaken(shard: number): Promise<void> {
    this.notes.push(`taken ${shard}`);
  }

  drainShard(shard: number): Promise<void> {
    this.notes.push(`drain ${shard}`);
    if (!this.#holding) return Promise.resolve();
    return new Promise((resolve) => this.#drains.set(shard, resolve));
  }

  undrainShard(shard: number): void {
    this.notes.push(`undrain ${shard}`);
  }

  shardLost(shard: number): void {
    this.notes.push(`lost ${shard}`);
  }
}
